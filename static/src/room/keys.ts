/** Which command a key gives. Single keys are off while typing. */
import { createBin } from "../dom";

export type KeyCommand =
  | "play"
  | "back"
  | "forward"
  | "frame_back"
  | "frame_forward"
  | "fullscreen"
  | "generate"
  | "new_shot"
  | "rename_shot"
  | "shot_up"
  | "shot_down"
  | "reuse_seed"
  | "help";

/** Where the key was pressed. */
export type KeyPlace = "page" | "control" | "typing" | "dialog";

export interface KeyPress {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  shiftKey: boolean;
}

const SINGLE: Readonly<Record<string, KeyCommand>> = {
  " ": "play",
  k: "play",
  j: "back",
  l: "forward",
  arrowleft: "frame_back",
  arrowright: "frame_forward",
  f: "fullscreen",
  n: "new_shot",
  s: "reuse_seed",
  f2: "rename_shot",
  "?": "help",
};

export function keyCommand(press: KeyPress, place: KeyPlace): KeyCommand | null {
  if (place === "dialog") return null;
  const key = press.key.toLowerCase();
  const mod = press.ctrlKey || press.metaKey;
  if (mod) return key === "enter" && !press.altKey ? "generate" : null;
  if (press.altKey) return press.shiftKey ? moved(key) : null;
  if (place === "typing") return null;
  if (place === "control" && key === " ") return null;
  return SINGLE[key] ?? null;
}

function moved(key: string): KeyCommand | null {
  if (key === "arrowup") return "shot_up";
  return key === "arrowdown" ? "shot_down" : null;
}

export function placeOf(target: EventTarget | null): KeyPlace {
  if (!(target instanceof HTMLElement)) return "page";
  if (target.closest("dialog, [role=menu]") !== null) return "dialog";
  if (target.isContentEditable || target.closest("input, textarea, select, [contenteditable=true]") !== null)
    return "typing";
  return target.closest("button, a, summary, [role=tab]") !== null ? "control" : "page";
}

/** Listens to the whole page; a command that takes the key says so by returning nothing else. */
export function createKeys(run: (command: KeyCommand) => void) {
  const bin = createBin();
  bin.listen(document, "keydown", (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    const command = keyCommand(event, placeOf(event.target));
    if (command === null) return;
    event.preventDefault();
    run(command);
  });
  return { dispose: bin.dispose };
}
