/** What happened: the takes in order of time, and the room's events since the page was loaded. */
import { el } from "../dom";
import type { Translate } from "../i18n";
import type { TakeView } from "../protocol";
import type { LogEntry, RoomState, RoomStore } from "./state";

export interface Happening {
  at: string;
  /** Who did it; empty where nobody in particular did. */
  who: string;
  text: string;
  takeId: string | null;
}

const MOST = 200;

/** Newest first. */
export function happenings(t: Translate, state: RoomState): Happening[] {
  const all = [
    ...Object.values(state.takes).flatMap((take) => ofTake(t, state, take)),
    ...state.log.map((entry) => ofLog(t, state, entry)),
  ];
  return all.sort((a, b) => Date.parse(b.at) - Date.parse(a.at)).slice(0, MOST);
}

function shotTitle(t: Translate, state: RoomState, shotId: string): string {
  const title = state.shots.find((shot) => shot.id === shotId)?.title;
  return title === undefined ? t("deleted_shot") : `“${title}”`;
}

function ofTake(t: Translate, state: RoomState, take: TakeView): Happening[] {
  const values = { n: take.number, shot: shotTitle(t, state, take.shot_id) };
  const asked = {
    at: take.created_at,
    who: take.requested_by?.name ?? t("someone"),
    text: t("did_queued", values),
    takeId: take.id,
  };
  const { state: now } = take;
  if (take.ended_at === null || now === "queued" || now === "running") return [asked];
  const ended = { at: take.ended_at, who: "", text: t(`did_${now}`, values), takeId: take.id };
  // Nobody asked for the takes that a sample project begins with.
  return take.requested_by === null ? [ended] : [asked, ended];
}

function ofLog(t: Translate, state: RoomState, entry: LogEntry): Happening {
  return { at: entry.at, who: "", text: logText(t, state, entry), takeId: null };
}

function logText(t: Translate, state: RoomState, entry: LogEntry): string {
  switch (entry.kind) {
    case "retried":
      return t("did_retried", { n: entry.number, shot: shotTitle(t, state, entry.shotId), attempt: entry.attempt });
    case "picked":
      return t("did_picked", { n: entry.number, shot: shotTitle(t, state, entry.shotId) });
    case "unpicked":
      return t("did_unpicked", { shot: shotTitle(t, state, entry.shotId) });
    case "shot_moved":
      return t("did_shot_moved");
    case "project_renamed":
      return t("did_project_renamed", { title: entry.title });
    default:
      return t(`did_${entry.kind}`, { shot: entry.title });
  }
}

export function createHistory(t: Translate, store: RoomStore) {
  const element = el("ol", { class: "history" });
  const clock = new Intl.DateTimeFormat(t.language, { hour: "2-digit", minute: "2-digit" });
  let shown = "";

  function row(one: Happening): HTMLElement {
    const who = one.who === "" ? [] : [el("b", {}, one.who), " "];
    const time = el("time", { datetime: one.at, title: t.time(one.at) }, clock.format(new Date(one.at)));
    return el("li", {}, el("span", {}, ...who, one.text), time);
  }

  function render(): void {
    const list = happenings(t, store.get());
    const key = JSON.stringify(list);
    if (key === shown) return;
    shown = key;
    element.replaceChildren(
      ...(list.length === 0 ? [el("li", { class: "faint" }, t("history_empty"))] : list.map(row)),
    );
  }
  return { element, render };
}
