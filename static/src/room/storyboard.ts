/** The shots in order: what each looks like and how it stands; select, add, rename, move, delete. */
import { createBin, createList, el, part, say, set, show, type Row } from "../dom";
import { icon } from "../icons";
import type { Translate } from "../i18n";
import type { ShotView } from "../protocol";
import type { Actions } from "./actions";
import { createConfirm } from "./dialog";
import { createMenu, type MenuItem } from "./menu";
import type { Previews } from "./preview";
import { activeTake, shotSeconds, standingTake } from "./select";
import type { RoomState, RoomStore } from "./state";
import { createThumb } from "./thumb";
import { minutes } from "./timecode";
import { share, shotLine } from "./wording";

export interface StoryboardOptions {
  t: Translate;
  store: RoomStore;
  previews: Previews;
  actions: Actions;
}

interface ShotRow extends Row<ShotView> {
  rename(): void;
}

export function createStoryboard({ t, store, previews, actions }: StoryboardOptions) {
  const bin = createBin();
  const confirm = createConfirm(t, t("delete_hint"), t("delete_yes"));
  const container = part("shots");
  const total = part("total");
  const empty = el("p", { class: "faint empty" }, t("no_shots"));
  const add = el(
    "button",
    { type: "button", class: "quiet add", "aria-label": t("add_shot_name"), "aria-keyshortcuts": "N" },
    `+ ${t("add_shot")}`,
    el("kbd", {}, "N"),
  );
  set(total, "title", t("total_length"));
  container.after(empty, add);
  const rows = new Map<string, ShotRow>();
  const list = createList<ShotView>(container, (shot) => shot.id, createRow);
  /** Our own new shot is selected and named as soon as it comes. */
  let expecting: Set<string> | null = null;

  function createRow(first: ShotView): Row<ShotView> {
    const row = createShotRow({ t, store, previews, actions, menu: () => menuOf(first.id) });
    rows.set(first.id, row);
    return row;
  }

  function menuOf(shotId: string): MenuItem[] {
    const { shots } = store.get();
    const index = shots.findIndex((shot) => shot.id === shotId);
    const items: MenuItem[] = [{ label: t("rename"), keys: "F2", run: () => rows.get(shotId)?.rename() }];
    if (index > 0) items.push({ label: t("move_up"), keys: "Alt ⇧ ↑", run: () => move(shotId, -1) });
    if (index < shots.length - 1) items.push({ label: t("move_down"), keys: "Alt ⇧ ↓", run: () => move(shotId, 1) });
    items.push({ label: t("delete"), danger: true, run: () => remove(shotId) });
    return items;
  }

  function move(shotId: string, by: number): void {
    const { shots, mayEdit } = store.get();
    const to = shots.findIndex((shot) => shot.id === shotId) + by;
    if (mayEdit && to >= 0 && to < shots.length) void actions.moveShot(shotId, to);
  }

  function remove(shotId: string): void {
    const title = store.get().shots.find((shot) => shot.id === shotId)?.title ?? "";
    confirm.ask(t("delete_title", { title }), () => void actions.deleteShot(shotId));
  }

  async function addShot(): Promise<void> {
    const { shots, mayEdit } = store.get();
    if (!mayEdit) return;
    expecting = new Set(shots.map((shot) => shot.id));
    const reply = await actions.addShot(t("new_shot"));
    if (reply === null || reply.error !== null) expecting = null;
    else meetNew(store.get());
  }

  function meetNew(state: RoomState): void {
    const known = expecting;
    const fresh = known === null ? undefined : state.shots.find((shot) => !known.has(shot.id));
    if (fresh === undefined) return;
    expecting = null;
    store.dispatch({ type: "shot", shotId: fresh.id });
    queueMicrotask(() => rows.get(fresh.id)?.rename());
  }

  function render(state: RoomState): void {
    list.render(state.shots);
    for (const id of [...rows.keys()]) if (list.row(id) === undefined) rows.delete(id);
    say(total, minutes(state.shots.reduce((sum, shot) => sum + shotSeconds(state, shot.id), 0)));
    show(empty, state.loaded && state.shots.length === 0);
    show(add, state.mayEdit);
    meetNew(state);
  }

  bin.listen(add, "click", () => void addShot());
  bin.add(store.subscribe(render));
  bin.add(confirm.dispose);

  return {
    add: () => void addShot(),
    rename(): void {
      const { shotId, mayEdit } = store.get();
      if (shotId !== null && mayEdit) rows.get(shotId)?.rename();
    },
    move(by: number): void {
      const { shotId } = store.get();
      if (shotId !== null) move(shotId, by);
    },
    dispose: bin.dispose,
  };
}

interface RowOptions extends StoryboardOptions {
  menu(): MenuItem[];
}

function createShotRow({ t, store, previews, actions, menu }: RowOptions): ShotRow {
  const thumb = createThumb();
  const title = el("span", { class: "title" });
  const line = el("small");
  const select = el(
    "button",
    { type: "button", class: "shot-main" },
    thumb.element,
    el("span", { class: "words" }, title, line),
  );
  const more = el("button", { type: "button", class: "bare more" }, icon("more"));
  const input = el("input", { class: "rename", maxlength: 120, hidden: true });
  const element = el("li", { class: "shot" }, select, input, more);
  createMenu(more, menu);
  let shot: ShotView | null = null;

  function rename(): void {
    if (shot === null || !store.get().mayEdit) return;
    input.value = shot.title;
    show(input, true);
    input.focus();
    input.select();
  }

  function leave(keep: boolean): void {
    if (input.hidden) return;
    const wanted = input.value.trim();
    const hadFocus = document.activeElement === input;
    show(input, false);
    if (hadFocus) select.focus();
    if (keep && shot !== null && wanted !== "" && wanted !== shot.title) void actions.renameShot(shot.id, wanted);
  }

  select.addEventListener("click", () => {
    if (shot !== null) store.dispatch({ type: "shot", shotId: shot.id });
  });
  select.addEventListener("dblclick", rename);
  input.addEventListener("blur", () => leave(true));
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") leave(true);
    if (event.key === "Escape") leave(false);
  });

  return {
    element,
    rename,
    update(next: ShotView, index: number): void {
      shot = next;
      const state = store.get();
      const active = activeTake(state, next.id);
      const running = active?.state === "running" ? active : null;
      const words = shotLine(t, state, next.id);
      const n = index + 1;
      const live = running === null ? "" : previews.thumb(running.id);
      thumb.render(
        live || (standingTake(state, next.id)?.poster_url ?? ""),
        running === null ? null : share(state, running),
      );
      say(title, next.title);
      say(line, `${n} · ${words.text}`);
      element.classList.toggle("on", next.id === state.shotId);
      element.classList.toggle("active", words.active);
      set(select, "aria-label", `${t("shot_name", { n, title: next.title })}, ${words.text}`);
      set(select, "aria-current", next.id === state.shotId ? "true" : null);
      set(more, "aria-label", t("shot_menu", { n }));
      show(more, state.mayEdit);
      set(input, "aria-label", t("shot_title", { n }));
    },
  };
}
