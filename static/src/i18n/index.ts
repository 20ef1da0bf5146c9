import { en, type Key, type Words } from "./en";
import { fr } from "./fr";

export type { Key } from "./en";
type Values = Readonly<Record<string, string | number>>;
type Stem<Suffix extends string> = Key extends infer K ? (K extends `${infer S}_${Suffix}` ? S : never) : never;

/** Sentences in one language. */
export interface Translate {
  (key: Key, values?: Values): string;
  /** The form of the sentence that ``n`` asks for. */
  count(stem: Stem<"one"> & Stem<"other">, n: number): string;
  /** "2nd", "2e". */
  place(n: number): string;
  number(value: number, digits?: number): string;
  time(iso: string): string;
  /** Whether there is a sentence of this name. */
  has(key: string): key is Key;
  language: string;
}

const WORDS: Readonly<Record<string, Words>> = { en, fr };

function fill(sentence: string, values: Values): string {
  return sentence.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

export function createTranslate(language: string): Translate {
  const known = language.slice(0, 2) in WORDS ? language.slice(0, 2) : "en";
  const words = WORDS[known] ?? en;
  const plural = new Intl.PluralRules(known);
  const ordinal = new Intl.PluralRules(known, { type: "ordinal" });
  const clock = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
  const form = (rule: string): "one" | "other" => (rule === "one" ? "one" : "other");

  const translate = (key: Key, values: Values = {}): string => fill(words[key], values);
  return Object.assign(translate, {
    count: (stem: Stem<"one"> & Stem<"other">, n: number) => {
      const key = `${stem}_${form(plural.select(n))}` as Key;
      return fill(words[key], { n: new Intl.NumberFormat(known).format(n) });
    },
    place: (n: number) => {
      const key = `place_${ordinal.select(n)}`;
      return fill(key in words ? words[key as Key] : words.place_other, { n });
    },
    number: (value: number, digits = 0) =>
      new Intl.NumberFormat(known, { maximumFractionDigits: digits }).format(value),
    time: (iso: string) => clock.format(new Date(iso)),
    has: (key: string): key is Key => Object.hasOwn(words, key),
    language: known,
  });
}
