/** The strip of a shot's takes, and what can be done with the selected one. */
import { createBin, createList, el, part, say, set, show, type Row } from "../dom";
import { icon } from "../icons";
import type { Translate } from "../i18n";
import type { TakeView } from "../protocol";
import type { Actions } from "./actions";
import type { Previews } from "./preview";
import { selectedShot, shownTake, takesOf } from "./select";
import type { RoomState, RoomStore } from "./state";
import { createThumb } from "./thumb";
import { share, takeState } from "./wording";

export interface TakesOptions {
  t: Translate;
  store: RoomStore;
  previews: Previews;
  actions: Actions;
}

export function createTakes({ t, store, previews, actions }: TakesOptions) {
  const bin = createBin();
  const container = part("takes");
  const empty = el("p", { class: "faint empty" }, t("no_takes"));
  container.after(empty);
  const list = createList<TakeView>(
    container,
    (take) => take.id,
    () => createTakeRow({ t, store, previews, actions }),
  );
  const bar = createTakeActions({ t, store, actions });
  part("take-actions").append(...bar.elements);
  let shown: string | null = null;

  function render(state: RoomState): void {
    const takes = state.shotId === null ? [] : takesOf(state, state.shotId);
    const take = shownTake(state, state.shotId);
    list.render(takes);
    show(empty, takes.length === 0);
    bar.render(state, take);
    if (take?.id !== shown) reveal(take);
  }

  /** Keep the selected take in view, without moving the page. */
  function reveal(take: TakeView | null): void {
    shown = take?.id ?? null;
    const card = take === null ? undefined : list.row(take.id)?.element;
    if (card === undefined) return;
    const { offsetLeft, offsetWidth } = card;
    if (offsetLeft < container.scrollLeft || offsetLeft + offsetWidth > container.scrollLeft + container.clientWidth) {
      container.scrollLeft = offsetLeft - container.clientWidth / 2;
    }
  }

  bin.add(store.subscribe(render));
  return { reuseSeed: bar.reuseSeed, dispose: bin.dispose };
}

function createTakeRow({ t, store, previews }: TakesOptions): Row<TakeView> {
  const thumb = createThumb();
  const number = el("span");
  const word = el("span");
  const select = el("button", { type: "button" }, thumb.element, el("small", {}, number, word));
  const element = el("li", { class: "take" }, select);
  let id = "";
  select.addEventListener("click", () => store.dispatch({ type: "take", takeId: id }));

  return {
    element,
    update(take: TakeView): void {
      id = take.id;
      const state = store.get();
      const picked = selectedShot(state)?.picked_take_id === take.id;
      const on = shownTake(state, take.shot_id)?.id === take.id;
      const running = take.state === "running";
      thumb.render(take.poster_url || previews.thumb(take.id), running ? share(state, take) : null);
      say(number, `${take.number}${picked ? " ★" : ""}`);
      say(word, take.state === "done" ? t(take.quality) : takeWord(t, take));
      element.classList.toggle("on", on);
      set(element, "data-state", take.state);
      const standing = picked ? `${takeState(t, state, take)}, ${t("state_picked")}` : takeState(t, state, take);
      set(select, "aria-label", t("take_name", { n: take.number, quality: t(take.quality), state: standing }));
      set(select, "aria-current", on ? "true" : null);
    },
  };
}

/** A word short enough for a card. */
function takeWord(t: Translate, take: TakeView): string {
  switch (take.state) {
    case "queued":
      return t("line_queued", { place: t.place(take.place) });
    case "running":
      return t(take.quality);
    default:
      return t(`state_${take.state}`);
  }
}

function createTakeActions({ t, store, actions }: Omit<TakesOptions, "previews">) {
  const pick = el("button", { type: "button", class: "pick" }, icon("star"), el("span"));
  const download = el("a", { class: "button", download: true }, t("download"));
  const use = el("button", { type: "button" }, t("use_prompt"));
  const seed = el("button", { type: "button", "aria-keyshortcuts": "S" }, t("reuse_seed"), el("kbd", {}, "S"));
  let take: TakeView | null = null;

  function reuseSeed(): void {
    const { mayEdit } = store.get();
    if (take !== null && mayEdit) actions.setting(take.shot_id, "seed", take.seed);
  }

  function togglePick(): void {
    if (take === null) return;
    const picked = selectedShot(store.get())?.picked_take_id === take.id;
    void actions.pick(take.shot_id, picked ? null : take.id);
  }

  pick.addEventListener("click", togglePick);
  use.addEventListener("click", () => {
    if (take !== null) actions.usePrompt(take);
  });
  seed.addEventListener("click", reuseSeed);

  return {
    elements: [pick, use, seed, download],
    reuseSeed,
    render(state: RoomState, shown: TakeView | null): void {
      take = shown;
      const done = shown?.state === "done";
      const picked = shown !== null && selectedShot(state)?.picked_take_id === shown.id;
      show(pick, done && state.mayEdit);
      set(pick, "aria-pressed", String(picked));
      set(pick, "aria-label", shown === null ? null : t("pick_name", { n: shown.number }));
      say(pick.lastElementChild ?? pick, t(picked ? "picked" : "pick"));
      show(download, done);
      if (done) set(download, "href", shown.download_url);
      show(use, shown !== null && state.mayEdit);
      show(seed, shown !== null && state.mayEdit);
    },
  };
}
