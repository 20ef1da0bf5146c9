/** States of shots and takes in words. */
import type { Translate } from "../i18n";
import type { TakeView } from "../protocol";
import { activeTake, progressOf, shotSeconds, standingTake, takesOf } from "./select";
import type { RoomState } from "./state";

/** "step 6/12 · 3 s left" */
function runningLine(t: Translate, state: RoomState, take: TakeView): string {
  if (take.cancelling) return t("state_stopping");
  if (take.error_code !== "") return t("state_stalled");
  const { step, steps, leftMs } = progressOf(state, take);
  if (steps === 0) return t("line_starting");
  const line = t("line_step", { step, steps });
  return leftMs > 0 ? `${line} · ${t("line_left", { n: Math.ceil(leftMs / 1000) })}` : line;
}

/** The line under a shot's title, without its number, and whether it tells of something under way. */
export function shotLine(t: Translate, state: RoomState, shotId: string): { text: string; active: boolean } {
  const active = activeTake(state, shotId);
  const length = t("seconds", { n: t.number(shotSeconds(state, shotId), 1) });
  if (active?.state === "running") return { text: runningLine(t, state, active), active: true };
  if (active !== null) return { text: `${length} · ${queuedLine(t, state, active)}`, active: false };
  return { text: `${length} · ${restingLine(t, state, shotId)}`, active: false };
}

function queuedLine(t: Translate, state: RoomState, take: TakeView): string {
  return state.workers.alive > 0 ? t("line_queued", { place: t.place(take.place) }) : t("line_waiting");
}

function restingLine(t: Translate, state: RoomState, shotId: string): string {
  const takes = takesOf(state, shotId);
  const done = takes.filter((take) => take.state === "done").length;
  if (standingTake(state, shotId) !== null && state.shots.some((shot) => shot.id === shotId && shot.picked_take_id))
    return t("line_picked");
  if (done > 0) return t.count("line_takes", done);
  return takes.at(-1)?.state === "failed" ? t("line_failed") : t("line_draft");
}

/** What a running take is held up by; "" while it is not. */
export function heldUp(t: Translate, take: TakeView): string {
  if (take.cancelling) return t("stopping");
  if (take.error_code !== "") return t("stalled");
  return take.attempt > 1 ? t("retried", { attempt: take.attempt, max: take.max_attempts }) : "";
}

/** A take's state in a word or two. */
export function takeState(t: Translate, state: RoomState, take: TakeView): string {
  switch (take.state) {
    case "queued":
      return t("state_queued", { place: t.place(take.place) });
    case "running": {
      const { step, steps } = progressOf(state, take);
      if (take.cancelling) return t("state_stopping");
      if (take.error_code !== "") return t("state_stalled");
      return steps === 0 ? t("state_starting") : t("state_running", { step, steps });
    }
    case "done":
      return t("state_done");
    case "failed":
      return t("state_failed");
    case "cancelled":
      return t("state_cancelled");
  }
}

/** 0 to 1. */
export function share(state: RoomState, take: TakeView): number {
  const { step, steps } = progressOf(state, take);
  return steps > 0 ? step / steps : 0;
}
