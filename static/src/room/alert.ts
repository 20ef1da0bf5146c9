/** The line next to the desk that says what went wrong; an empty message takes it away. */
import { el, part, say, set, show } from "../dom";
import { icon } from "../icons";
import type { Translate } from "../i18n";

export type Complain = (message: string) => void;

export function createAlert(t: Translate): Complain {
  const words = el("span");
  const close = el("button", { type: "button", class: "bare", title: t("close") }, icon("cross"));
  set(close, "aria-label", t("close"));
  const box = part("alert");
  box.append(words, close);
  const complain = (message: string): void => {
    show(box, message !== "");
    say(words, message);
  };
  close.addEventListener("click", () => complain(""));
  return complain;
}
