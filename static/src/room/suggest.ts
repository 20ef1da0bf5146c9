/** Words that the model knows, offered while typing; nothing is chosen unless one goes down to it. */
import {
  autocompletion,
  type Completion,
  type CompletionContext,
  type CompletionResult,
} from "@codemirror/autocomplete";
import type { Extension } from "@codemirror/state";

const LOOK_BACK = 60;
const SHORTEST = 2;
const MOST = 6;

export interface Match {
  /** How many characters before the caret the suggestions would replace. */
  length: number;
  options: string[];
}

/** Suggestions that begin with the end of ``before``, from the longest run of words that fits any. */
export function matchSuggestions(before: string, suggestions: readonly string[]): Match | null {
  const clause = /[^.,;:!?“”"«»[\]\n]*$/.exec(before.slice(-LOOK_BACK))?.[0].trimStart() ?? "";
  const words = [...clause.matchAll(/\S+\s*/g)].map((word) => word.index);
  for (const start of words) {
    const typed = clause.slice(start).toLowerCase();
    if (typed.length < SHORTEST) return null;
    const options = suggestions.filter((one) => one.length > typed.length && one.toLowerCase().startsWith(typed));
    if (options.length > 0) return { length: typed.length, options: options.slice(0, MOST) };
  }
  return null;
}

export function suggest(suggestions: () => readonly string[]): Extension {
  const source = (context: CompletionContext): CompletionResult | null => {
    const line = context.state.doc.lineAt(context.pos);
    const found = matchSuggestions(line.text.slice(0, context.pos - line.from), suggestions());
    if (found === null) return null;
    const options: Completion[] = found.options.map((label) => ({ label }));
    return { from: context.pos - found.length, options, filter: false };
  };
  return autocompletion({ override: [source], selectOnOpen: false, icons: false, maxRenderedOptions: MOST });
}
