/** The panel on the right: the selected take, what happened, who is here. */
import { createBin, el, part, set, show } from "../dom";
import type { Key, Translate } from "../i18n";
import { createFacts } from "./facts";
import { createHistory } from "./history";
import { createPeople } from "./people";
import type { PresenceList } from "./presence";
import type { RoomStore } from "./state";

export interface PanelOptions {
  t: Translate;
  store: RoomStore;
  presence: PresenceList;
}

interface Tab {
  name: string;
  label: Key;
  content: { element: HTMLElement; render(): void };
}

export function createPanel({ t, store, presence }: PanelOptions) {
  const bin = createBin();
  const tabs: readonly Tab[] = [
    { name: "take", label: "tab_take", content: createFacts(t, store) },
    { name: "history", label: "tab_history", content: createHistory(t, store) },
    { name: "people", label: "tab_people", content: createPeople(t, store, presence) },
  ];
  const buttons = tabs.map((tab) =>
    el(
      "button",
      { type: "button", role: "tab", id: `tab-${tab.name}`, "aria-controls": `panel-${tab.name}` },
      t(tab.label),
    ),
  );
  const panels = tabs.map((tab) =>
    el(
      "div",
      { role: "tabpanel", id: `panel-${tab.name}`, "aria-labelledby": `tab-${tab.name}`, tabindex: 0 },
      tab.content.element,
    ),
  );
  const strip = el("div", { class: "tabs", role: "tablist", "aria-label": t("panel") }, ...buttons);
  part("panel").append(strip, ...panels);
  let open = 0;

  function select(index: number): void {
    open = index;
    buttons.forEach((button, at) => {
      set(button, "aria-selected", String(at === index));
      set(button, "tabindex", at === index ? 0 : -1);
    });
    panels.forEach((panel, at) => show(panel, at === index));
    render();
  }

  /** Only what is in view is kept up to date. */
  function render(): void {
    tabs[open]?.content.render();
  }

  bin.listen(strip, "keydown", (event) => {
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? tabs.length - 1 : 0;
    if (by === 0) return;
    event.preventDefault();
    select((open + by) % tabs.length);
    buttons[open]?.focus();
  });
  buttons.forEach((button, index) => bin.listen(button, "click", () => select(index)));
  bin.add(store.subscribe(render));
  bin.add(presence.subscribe(render));
  select(0);
  return { dispose: bin.dispose };
}
