/** The prompt in CodeMirror, bound to the shot's text in the document. */
import { closeCompletion, completionStatus } from "@codemirror/autocomplete";
import { standardKeymap } from "@codemirror/commands";
import { EditorState, Transaction, type Extension } from "@codemirror/state";
import { EditorView, keymap, placeholder } from "@codemirror/view";
import { yCollab, yUndoManagerKeymap } from "y-codemirror.next";
import * as Y from "yjs";

import type { Translate } from "../i18n";
import { remoteCarets } from "./carets";
import type { ShotText } from "./document";
import { highlight } from "./highlight";
import type { PresenceList } from "./presence";
import { suggest } from "./suggest";

/**
 * The longest text that one person can make here, in UTF-16 units: twice what a take may have, so that too long a text
 * can be pasted and cut. The server refuses the document beyond 20,000, which two people at once do not reach.
 */
export const TEXT_LIMIT = 8_000;

export interface EditorOptions {
  parent: HTMLElement;
  nonce: string;
  t: Translate;
  presence: PresenceList;
  suggestions(): readonly string[];
  onChange(): void;
  /** What was typed or pasted would have gone over TEXT_LIMIT, and was left out. */
  onRefused(): void;
}

export function createEditor(options: EditorOptions) {
  const { t, presence } = options;
  /** Each person undoes only their own edits, and still can after a look at another shot. */
  const undo = new WeakMap<ShotText, Y.UndoManager>();
  const view = new EditorView({ parent: options.parent, state: EditorState.create({ extensions: shell(false) }) });
  let waiting = false;
  let bound: { text: ShotText; readOnly: boolean } | null = null;

  function shell(writable: boolean): Extension {
    return [
      EditorView.cspNonce.of(options.nonce),
      EditorView.lineWrapping,
      EditorState.lineSeparator.of("\n"),
      EditorState.readOnly.of(!writable),
      EditorState.phrases.of({ Completions: t("suggestions") }),
      EditorView.contentAttributes.of({
        "aria-label": t("prompt"),
        "aria-readonly": String(!writable),
        "aria-describedby": "prompt-count",
        spellcheck: "true",
        autocapitalize: "sentences",
        lang: t.language,
      }),
      highlight,
      EditorState.transactionFilter.of((change) => (tooLong(change) ? refuse() : change)),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) options.onChange();
      }),
    ];
  }

  function refuse(): [] {
    options.onRefused();
    return [];
  }

  function bind(text: ShotText, shotId: string, readOnly: boolean): Extension {
    return [
      yCollab(text, null, { undoManager: undoOf(text) }),
      remoteCarets(presence, text, shotId),
      placeholder(hint()),
      suggest(options.suggestions),
      keymap.of([{ key: "Escape", run: leave }, ...yUndoManagerKeymap, ...standardKeymap]),
      shell(!readOnly),
    ];
  }

  function hint(): string {
    const example = options.suggestions()[0];
    return example === undefined ? t("prompt_placeholder_plain") : t("prompt_placeholder", { example });
  }

  function undoOf(text: ShotText): Y.UndoManager {
    const known = undo.get(text) ?? new Y.UndoManager(text);
    undo.set(text, known);
    return known;
  }

  function leave(): boolean {
    if (completionStatus(view.state) !== null) return closeCompletion(view);
    view.contentDOM.blur();
    return true;
  }

  return {
    /** Show a shot's text; null while the document does not hold it yet. */
    open(shotId: string, text: ShotText | null, readOnly: boolean): void {
      if (text === null) {
        if (bound === null && waiting) return;
        bound = null;
        waiting = true;
        view.setState(EditorState.create({ extensions: [shell(false), placeholder(t("prompt_waiting"))] }));
        return;
      }
      if (bound?.text === text && bound.readOnly === readOnly) return;
      bound = { text, readOnly };
      view.setState(EditorState.create({ doc: text.toString(), extensions: bind(text, shotId, readOnly) }));
      options.onChange();
    },
    text: (): string => bound?.text.toString() ?? "",
    ready: (): boolean => bound !== null,
    focus: (): void => view.focus(),
    dispose: (): void => view.destroy(),
  };
}

/** Whether this person's own change makes the text too long; what comes from others is in the document already. */
function tooLong(change: Transaction): boolean {
  if (!change.docChanged || change.annotation(Transaction.userEvent) === undefined) return false;
  return change.newDoc.length > TEXT_LIMIT && change.newDoc.length > change.startState.doc.length;
}

/** Make ``text`` read ``wanted`` by touching only what differs, so that others' carets stay. */
export function rewrite(text: ShotText, wanted: string): void {
  const now = text.toString();
  const shorter = Math.min(now.length, wanted.length);
  let start = 0;
  while (start < shorter && now[start] === wanted[start]) start += 1;
  let end = 0;
  while (end < shorter - start && now[now.length - 1 - end] === wanted[wanted.length - 1 - end]) end += 1;
  if (now.length - end > start) text.delete(start, now.length - end - start);
  if (wanted.length - end > start) text.insert(start, wanted.slice(start, wanted.length - end));
}
