/** A small menu that opens at its button and is walked with the arrow keys. */
import { createBin, el, set } from "../dom";

export interface MenuItem {
  label: string;
  keys?: string;
  danger?: boolean;
  run(): void;
}

/** ``items`` is asked at each opening, so that what cannot be done now is not offered. */
export function createMenu(button: HTMLButtonElement, items: () => MenuItem[]) {
  const bin = createBin();
  const list = el("div", { class: "menu", role: "menu", popover: "auto" });
  button.after(list);
  set(button, "aria-haspopup", "menu");
  set(button, "aria-expanded", "false");

  function row(item: MenuItem): HTMLElement {
    const keys = item.keys === undefined ? [] : [el("kbd", {}, item.keys)];
    const element = el(
      "button",
      { type: "button", role: "menuitem", tabindex: -1, class: item.danger ? "danger" : null },
      el("span", {}, item.label),
      ...keys,
    );
    element.addEventListener("click", () => {
      list.hidePopover();
      item.run();
    });
    return element;
  }

  function open(): void {
    list.replaceChildren(...items().map(row));
    list.showPopover();
    const at = button.getBoundingClientRect();
    const box = list.getBoundingClientRect();
    list.style.left = `${Math.max(8, Math.min(at.left, innerWidth - box.width - 8))}px`;
    list.style.top = `${at.bottom + box.height + 8 > innerHeight ? at.top - box.height - 4 : at.bottom + 4}px`;
    (list.firstElementChild as HTMLElement | null)?.focus();
  }

  function walk(event: KeyboardEvent): void {
    const rows = [...list.children] as HTMLElement[];
    const at = rows.indexOf(document.activeElement as HTMLElement);
    const to: Readonly<Record<string, number>> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1 + rows.length,
      Home: 0,
      End: rows.length - 1,
    };
    const next = to[event.key];
    if (next === undefined) {
      if (event.key === "Tab") list.hidePopover();
      return;
    }
    event.preventDefault();
    rows[next % rows.length]?.focus();
  }

  bin.listen(button, "click", open);
  bin.listen(list, "keydown", walk);
  bin.listen(list, "toggle", (event) => {
    const shown = (event as ToggleEvent).newState === "open";
    set(button, "aria-expanded", String(shown));
    if (!shown && list.contains(document.activeElement)) button.focus();
  });
  return { element: list, open, dispose: bin.dispose };
}
