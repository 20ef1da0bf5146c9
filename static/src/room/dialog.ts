/** A modal dialog with a heading; the browser keeps the focus in it and Escape leaves it. */
import { el } from "../dom";
import { icon } from "../icons";
import type { Translate } from "../i18n";

let count = 0;

export function createDialog(t: Translate, heading: string, ...content: (Node | string)[]) {
  count += 1;
  const title = el("h2", { id: `dialog-${count}` }, heading);
  const close = el(
    "button",
    { type: "button", class: "bare", "aria-label": t("close"), title: t("close") },
    icon("cross"),
  );
  const element = el("dialog", { "aria-labelledby": title.id }, el("header", {}, title, close), ...content);
  close.addEventListener("click", () => element.close());
  element.addEventListener("click", (event) => {
    if (event.target === element) element.close();
  });
  document.body.append(element);
  return {
    element,
    title,
    open: (): void => {
      if (!element.open) element.showModal();
    },
    close: (): void => element.close(),
    dispose: (): void => element.remove(),
  };
}
export type Dialog = ReturnType<typeof createDialog>;

/** A question with one way to say yes. */
export function createConfirm(t: Translate, hint: string, yes: string) {
  const agree = el("button", { type: "button", class: "danger" }, yes);
  const cancel = el("button", { type: "button" }, t("cancel"));
  const dialog = createDialog(t, "", el("p", {}, hint), el("div", { class: "acts" }, cancel, agree));
  let run: () => void = () => undefined;
  cancel.addEventListener("click", dialog.close);
  agree.addEventListener("click", () => {
    dialog.close();
    run();
  });
  return {
    ask(question: string, then: () => void): void {
      dialog.title.textContent = question;
      run = then;
      dialog.open();
      cancel.focus();
    },
    dispose: dialog.dispose,
  };
}
