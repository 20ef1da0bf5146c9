/** Colours for “spoken words” and [sounds] in the prompt. */
import type { Extension } from "@codemirror/state";
import {
  Decoration,
  MatchDecorator,
  ViewPlugin,
  type DecorationSet,
  type EditorView,
  type ViewUpdate,
} from "@codemirror/view";

const PATTERN = /“[^”\n]*”|"[^"\n]*"|«[^»\n]*»|\[[^\]\n]*\]/g;
const SPOKEN = Decoration.mark({ class: "say" });
const SOUND = Decoration.mark({ class: "snd" });

const matcher = new MatchDecorator({
  regexp: PATTERN,
  decoration: (match) => (match[0].startsWith("[") ? SOUND : SPOKEN),
});

export const highlight: Extension = ViewPlugin.fromClass(
  class {
    marks: DecorationSet;

    constructor(view: EditorView) {
      this.marks = matcher.createDeco(view);
    }

    update(update: ViewUpdate): void {
      this.marks = matcher.updateDeco(update, this.marks);
    }
  },
  { decorations: (value) => value.marks },
);
