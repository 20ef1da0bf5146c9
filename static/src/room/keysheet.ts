/** The overlay that lists the keys. */
import { el } from "../dom";
import type { Key, Translate } from "../i18n";
import { createDialog } from "./dialog";

type Names = readonly string[];

function rowsOf(t: Translate): readonly (readonly [Names, Key])[] {
  const mod = /Mac|iPhone|iPad/.test(navigator.userAgent) ? "⌘" : "Ctrl";
  return [
    [[t("key_space"), "K"], "key_play"],
    [["J", "L"], "key_second"],
    [["←", "→"], "key_frame"],
    [["F"], "key_fullscreen"],
    [[`${mod} ↵`], "key_generate"],
    [["S"], "key_seed"],
    [["N"], "key_new_shot"],
    [["F2"], "key_rename"],
    [["Alt ⇧ ↑", "Alt ⇧ ↓"], "key_move"],
    [["?"], "key_help"],
    [["Esc"], "key_escape"],
  ];
}

export function createKeySheet(t: Translate) {
  const rows = rowsOf(t).flatMap(([names, meaning]) => [
    el("dt", {}, ...names.map((name) => el("kbd", {}, name))),
    el("dd", {}, t(meaning)),
  ]);
  const dialog = createDialog(
    t,
    t("keys"),
    el("dl", { class: "keys" }, ...rows),
    el("p", { class: "muted" }, t("keys_hint")),
  );
  return { open: dialog.open, dispose: dialog.dispose };
}
