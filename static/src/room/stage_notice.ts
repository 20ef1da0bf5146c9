/** The word in the middle of an empty stage: nothing yet, waiting, starting, failed, cancelled. */
import { el, say, show } from "../dom";
import type { Key, Translate } from "../i18n";
import type { TakeView } from "../protocol";
import type { Actions } from "./actions";
import type { RoomState } from "./state";

export interface NoticeInput {
  state: RoomState;
  take: TakeView | null;
  /** Whether the stage shows pictures. */
  pictures: boolean;
  /** Whether the clip could not be loaded. */
  broken: boolean;
}

export type NoticeKind =
  "none" | "loading" | "empty" | "unready" | "idle" | "warming" | "queued" | "starting" | "failed" | "cancelled" | "broken";

export function noticeOf({ state, take, pictures, broken }: NoticeInput): NoticeKind {
  if (!state.loaded) return "loading";
  if (take === null) return state.workers.error === "" ? "empty" : "unready";
  switch (take.state) {
    case "queued":
      if (state.workers.alive > 0) return "queued";
      return state.workers.loading > 0 && state.workers.error === "" ? "warming" : "idle";
    case "running":
      return pictures ? "none" : "starting";
    case "done":
      return broken ? "broken" : "none";
    case "failed":
    case "cancelled":
      return take.state;
  }
}

interface Wording {
  title: string;
  hint: string;
  command: string;
  again: Key | null;
}

export function createNotice(t: Translate, actions: Actions, reload: () => void) {
  const title = el("h3");
  const hint = el("p");
  const command = el("code");
  const again = el("button", { type: "button" });
  const element = el("div", { class: "notice" }, title, hint, command, again);
  let input: NoticeInput | null = null;

  again.addEventListener("click", () => {
    if (input === null || input.take === null) return;
    if (input.broken) reload();
    else void actions.requestAgain(input.take);
  });

  return {
    element,
    render(next: NoticeInput): void {
      input = next;
      const kind = noticeOf(next);
      const words = wording(t, kind, next);
      show(element, kind !== "none");
      element.dataset["kind"] = kind;
      say(title, words.title);
      say(hint, words.hint);
      say(command, words.command);
      show(hint, words.hint !== "");
      show(command, words.command !== "");
      show(again, words.again === "clip_again" || (words.again !== null && next.state.mayGenerate));
      if (words.again !== null) say(again, t(words.again));
    },
  };
}

function wording(t: Translate, kind: NoticeKind, { state, take }: NoticeInput): Wording {
  const n = take?.number ?? 0;
  const place = t.place(take?.place ?? 0);
  const plain = { command: "", again: null };
  switch (kind) {
    case "none":
      return { title: "", hint: "", ...plain };
    case "loading":
      return { title: t("connecting"), hint: "", ...plain };
    case "empty":
      return { title: t("empty_title"), hint: t("empty_hint"), ...plain };
    case "unready":
      return { title: t("idle_title"), hint: t("unready_hint"), command: state.workers.error, again: null };
    case "idle":
      return state.workers.error === ""
        ? { title: t("idle_title"), hint: t("idle_hint", { n }), command: t("idle_command"), again: null }
        : { title: t("idle_title"), hint: t("idle_broken", { n }), command: state.workers.error, again: null };
    case "warming":
      return { title: t("warming_title"), hint: t("warming_hint", { n }), ...plain };
    case "queued":
      return { title: t("queued_title", { n, place }), hint: t("queued_hint"), ...plain };
    case "starting":
      return { title: t("starting_title", { n }), hint: t("starting_hint"), ...plain };
    case "failed":
      return { title: t("failed_title", { n }), hint: reasonOf(t, take), command: "", again: "try_again" };
    case "cancelled":
      return { title: t("cancelled_title", { n }), hint: stopped(t, take), command: "", again: "try_again" };
    case "broken":
      return { title: t("take_n", { n }), hint: t("clip_missing"), command: "", again: "clip_again" };
  }
}

/** Why a take failed and what to do, in the reader's language; the worker's own words are in the panel. */
export function reasonOf(t: Translate, take: TakeView | null): string {
  if (take === null) return "";
  const family = take.error_code.startsWith("model.") ? "why_model" : `why_${take.error_code.replace(".", "_")}`;
  return t.has(family) ? t(family) : take.error_message;
}

function stopped(t: Translate, take: TakeView | null): string {
  if (take === null || take.steps === 0) return t("cancelled_queued");
  return t("cancelled_hint", { step: take.step, steps: take.steps });
}
