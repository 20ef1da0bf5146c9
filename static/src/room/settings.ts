/** The chips under the prompt: settings of a shot, shared with everybody through the document. */
import { createBin, el, say, set, show } from "../dom";
import { icon } from "../icons";
import type { Key, Translate } from "../i18n";
import type { ChoiceView, OfferView, SizeView } from "../protocol";
import type { Setting, ShotSettings } from "./document";

export interface Settings {
  style: string;
  light: string;
  pace: string;
  size: string;
  frames: number;
  seed: number | null;
  quality: "draft" | "final";
}

const text = (value: Setting | undefined): string => (typeof value === "string" ? value : "");
const whole = (value: Setting | undefined): number | null => (typeof value === "number" ? Math.trunc(value) : null);

/** What the document says, completed with the offer's first choices. */
export function readSettings(map: ShotSettings | null, offer: OfferView): Settings {
  return {
    style: text(map?.get("style")),
    light: text(map?.get("light")),
    pace: text(map?.get("pace")),
    size: text(map?.get("size")) || (offer.sizes[0]?.id ?? ""),
    // Null and 0 alike: the shot was made before any worker had told its lengths.
    frames: whole(map?.get("frames")) || (offer.lengths[0] ?? 0),
    seed: whole(map?.get("seed")),
    quality: map?.get("quality") === "final" ? "final" : "draft",
  };
}

/** A seed as typed: null for random, undefined for what is no seed. */
export function parseSeed(typed: string, limit: number): number | null | undefined {
  const trimmed = typed.trim();
  if (trimmed === "") return null;
  const seed = /^\d{1,12}$/.test(trimmed) ? Number(trimmed) : NaN;
  return seed <= limit ? seed : undefined;
}

interface Option {
  value: string;
  label: string;
}

interface Chip {
  element: HTMLElement;
  update(options: readonly Option[], value: string, readOnly: boolean): void;
}

/** A native menu that looks like a chip; one value alone is said, not asked. */
function createChip(label: string, onPick: (value: string) => void): Chip {
  const select = el("select", { "aria-label": label });
  const alone = el("b");
  const element = el("label", { class: "chip" }, el("span", {}, label), select, alone);
  select.addEventListener("change", () => onPick(select.value));
  let listed = "";

  function list(options: readonly Option[]): void {
    const key = JSON.stringify(options);
    if (key === listed) return;
    listed = key;
    select.replaceChildren(...options.map((one) => el("option", { value: one.value }, one.label)));
  }

  return {
    element,
    update(options, value, readOnly): void {
      const known = options.some((one) => one.value === value);
      list(known ? options : [...options, { value, label: value }]);
      show(element, options.length > 0);
      const fixed = options.length === 1 && known;
      show(select, !fixed);
      show(alone, fixed);
      say(alone, options[0]?.label ?? "");
      if (select.value !== value) select.value = value;
      set(select, "disabled", readOnly);
      element.classList.toggle("plain", fixed);
      element.classList.toggle("on", !fixed && value !== "" && options[0]?.value === "");
    },
  };
}

export interface SettingsOptions {
  parent: HTMLElement;
  t: Translate;
  /** Writes one setting of the selected shot. */
  write(key: keyof Settings, value: Setting): void;
  random(): number;
}

export function createSettings({ parent, t, write, random }: SettingsOptions) {
  const bin = createBin();
  const style = createChip(t("style"), (value) => write("style", value));
  const light = createChip(t("light"), (value) => write("light", value));
  const pace = createChip(t("pace"), (value) => write("pace", value));
  const size = createChip(t("size"), (value) => write("size", value));
  const length = createChip(t("length"), (value) => write("frames", Number(value)));
  const seed = createSeed(t, (value) => write("seed", value), random);
  const quality = createQuality(t, (value) => write("quality", value));
  const elements = [style, light, pace, size, length, seed, quality].map((one) => one.element);
  parent.append(...elements);
  bin.add(() => parent.replaceChildren());

  const choices = (list: readonly ChoiceView[]): Option[] =>
    list.length === 0
      ? []
      : [{ value: "", label: t("as_written") }, ...list.map(({ id, label }) => ({ value: id, label }))];
  const sizes = (list: readonly SizeView[]): Option[] =>
    list.map((one) => ({ value: one.id, label: `${one.label} · ${one.width}×${one.height}` }));
  const lengths = (offer: OfferView): Option[] =>
    offer.lengths.map((frames) => ({ value: String(frames), label: seconds(t, frames, offer.rate_hz) }));

  return {
    update(values: Settings, offer: OfferView, readOnly: boolean): void {
      style.update(choices(offer.styles), values.style, readOnly);
      light.update(choices(offer.lights), values.light, readOnly);
      pace.update(choices(offer.paces), values.pace, readOnly);
      size.update(sizes(offer.sizes), values.size, readOnly);
      length.update(lengths(offer), String(values.frames), readOnly);
      seed.update(values.seed, offer.seed_limit, readOnly);
      quality.update(values.quality, readOnly);
    },
    dispose: bin.dispose,
  };
}

export function seconds(t: Translate, frames: number, rateHz: number): string {
  return t("seconds", { n: t.number(rateHz > 0 ? frames / rateHz : 0, 1) });
}

/** A new seed is one that people can read out to each other. */
const SHORT_SEEDS = 1_000_000;

function createSeed(t: Translate, onSeed: (seed: number | null) => void, random: () => number) {
  const input = el("input", {
    inputmode: "numeric",
    autocomplete: "off",
    size: 8,
    "aria-label": t("seed"),
    placeholder: t("seed_random"),
  });
  const fresh = el(
    "button",
    { type: "button", class: "bare", "aria-label": t("seed_new"), title: t("seed_new") },
    icon("again"),
  );
  const clear = el(
    "button",
    { type: "button", class: "bare", "aria-label": t("seed_clear"), title: t("seed_clear") },
    icon("cross"),
  );
  const wrong = el("small", { class: "wrong", role: "alert", hidden: true });
  const field = el("label", {}, el("span", {}, t("seed")), input);
  const element = el("span", { class: "chip seed" }, field, clear, fresh, wrong);
  let limit = 0;

  function take(value: number | null | undefined): void {
    set(input, "aria-invalid", value === undefined ? "true" : null);
    say(wrong, value === undefined ? t("seed_wrong", { limit: t.number(limit) }) : "");
    show(wrong, value === undefined);
    if (value === undefined) return;
    input.value = value === null ? "" : String(value);
    onSeed(value);
  }

  input.addEventListener("change", () => take(parseSeed(input.value, limit)));
  fresh.addEventListener("click", () => take(Math.floor(random() * Math.min(limit + 1, SHORT_SEEDS))));
  clear.addEventListener("click", () => take(null));

  return {
    element,
    update(seed: number | null, seedLimit: number, readOnly: boolean): void {
      limit = seedLimit;
      const value = seed === null ? "" : String(seed);
      const editing = document.activeElement === input || input.hasAttribute("aria-invalid");
      if (!editing && input.value !== value) input.value = value;
      set(input, "readonly", readOnly);
      show(fresh, !readOnly);
      // Hidden in place: a chip that moves at the blur would take the click from what stands after it.
      clear.classList.toggle("unseen", readOnly || seed === null);
    },
  };
}

function createQuality(t: Translate, onQuality: (quality: Settings["quality"]) => void) {
  const kinds = ["draft", "final"] as const satisfies readonly Key[];
  const buttons = kinds.map((kind) => {
    const input = el("input", { type: "radio", name: "quality", value: kind });
    input.addEventListener("change", () => onQuality(kind));
    return { kind, input, element: el("label", {}, input, el("span", {}, t(kind))) };
  });
  const element = el(
    "span",
    { class: "chip quality", role: "radiogroup", "aria-label": t("quality") },
    ...buttons.map((one) => one.element),
  );
  return {
    element,
    update(quality: Settings["quality"], readOnly: boolean): void {
      for (const { kind, input } of buttons) {
        input.checked = kind === quality;
        input.disabled = readOnly;
      }
    },
  };
}
