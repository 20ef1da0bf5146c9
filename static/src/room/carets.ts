/** Other people's carets and selections in the prompt, by class, since the page allows no style attribute. */
import { RangeSet, StateEffect, type Extension, type Range } from "@codemirror/state";
import { Decoration, EditorView, ViewPlugin, WidgetType, type DecorationSet, type ViewUpdate } from "@codemirror/view";
import * as Y from "yjs";

import { el } from "../dom";
import type { Cursor, Presence, PresenceList } from "./presence";

const moved = StateEffect.define<null>();

class CaretWidget extends WidgetType {
  constructor(
    readonly name: string,
    readonly colour: number,
  ) {
    super();
  }

  override eq(other: CaretWidget): boolean {
    return other.name === this.name && other.colour === this.colour;
  }

  override toDOM(): HTMLElement {
    const name = el("span", { class: "caret-name" }, this.name);
    return el("span", { class: `caret who-${this.colour} hue-${this.colour}`, "aria-hidden": "true" }, name);
  }

  override ignoreEvent(): boolean {
    return true;
  }
}

interface Span {
  from: number;
  to: number;
  head: number;
}

/** Where a cursor stands in this text now; null when it was made for another or is no position at all. */
export function spanOf(text: Y.Text, cursor: Cursor): Span | null {
  const anchor = absolute(text, cursor.anchor);
  const head = absolute(text, cursor.head);
  if (anchor === null || head === null) return null;
  return { from: Math.min(anchor, head), to: Math.max(anchor, head), head };
}

function absolute(text: Y.Text, json: unknown): number | null {
  if (text.doc === null || typeof json !== "object" || json === null) return null;
  try {
    const found = Y.createAbsolutePositionFromRelativePosition(Y.createRelativePositionFromJSON(json), text.doc);
    return found !== null && found.type === text ? found.index : null;
  } catch {
    return null; // somebody else's browser sent what is no position
  }
}

function marksOf(view: EditorView, text: Y.Text, shotId: string, people: readonly Presence[]): DecorationSet {
  const length = view.state.doc.length;
  const ranges = people.flatMap((person) => {
    const span = person.cursor?.shot === shotId ? spanOf(text, person.cursor) : null;
    return span === null || span.to > length ? [] : decorate(span, person);
  });
  return Decoration.set(ranges, true);
}

function decorate(span: Span, person: Presence): Range<Decoration>[] {
  const { colour, name } = person.user;
  const widget = Decoration.widget({ widget: new CaretWidget(name, colour), side: span.head > span.from ? -1 : 1 });
  const caret = widget.range(span.head);
  if (span.from === span.to) return [caret];
  return [Decoration.mark({ class: `sel who-${colour} hue-${colour}` }).range(span.from, span.to), caret];
}

/** Shows others' carets and tells them of this one. */
export function remoteCarets(presence: PresenceList, text: Y.Text, shotId: string): Extension {
  const plugin = ViewPlugin.fromClass(
    class {
      marks: DecorationSet = RangeSet.empty;
      private readonly stop: () => void;
      private been: boolean;

      constructor(private readonly view: EditorView) {
        this.stop = presence.subscribe(() => view.dispatch({ effects: moved.of(null) }));
        this.marks = marksOf(view, text, shotId, presence.others());
        this.been = view.hasFocus;
        presence.point(() => this.read());
      }

      update(update: ViewUpdate): void {
        const told = update.transactions.some((one) => one.effects.some((effect) => effect.is(moved)));
        if (update.docChanged || told) this.marks = marksOf(this.view, text, shotId, presence.others());
        this.been ||= this.view.hasFocus;
        if (update.selectionSet || update.docChanged || update.focusChanged) presence.point(() => this.read());
      }

      /** Null until this person has been in the text; kept while they look elsewhere: they still stand there. */
      private read(): Cursor | null {
        if (!this.been) return null;
        const { anchor, head } = this.view.state.selection.main;
        const limit = text.length;
        const at = (index: number) =>
          Y.relativePositionToJSON(Y.createRelativePositionFromTypeIndex(text, Math.min(index, limit)));
        return { shot: shotId, anchor: at(anchor), head: at(head) };
      }

      destroy(): void {
        this.stop();
      }
    },
    { decorations: (value) => value.marks },
  );
  return plugin;
}
