/** What can be read from the room's state. */
import type { ShotView, TakeView } from "../protocol";
import type { Progress, RoomState } from "./state";

type Takes = RoomState["takes"];
type ByShot = ReadonlyMap<string, readonly TakeView[]>;

/** Of all takes of the room, grouped once: each of 200 shots asks for its own several times a render. */
const groups = new WeakMap<Takes, ByShot>();

/** The takes of a shot in the order of their numbers. */
export function takesOf(state: RoomState, shotId: string): readonly TakeView[] {
  let byShot = groups.get(state.takes);
  if (byShot === undefined) {
    byShot = group(state.takes);
    groups.set(state.takes, byShot);
  }
  return byShot.get(shotId) ?? [];
}

function group(takes: Takes): ByShot {
  const byShot = new Map<string, TakeView[]>();
  for (const take of Object.values(takes)) {
    const mates = byShot.get(take.shot_id);
    if (mates === undefined) byShot.set(take.shot_id, [take]);
    else mates.push(take);
  }
  for (const mates of byShot.values()) mates.sort((a, b) => a.number - b.number);
  return byShot;
}

export function selectedShot(state: RoomState): ShotView | null {
  return state.shots.find((shot) => shot.id === state.shotId) ?? null;
}

/** The take on stage: the one this person chose, else what runs, waits, is picked, is done, is newest. */
export function shownTake(state: RoomState, shotId: string | null): TakeView | null {
  if (shotId === null) return null;
  const chosen = state.takes[state.chosen[shotId] ?? ""];
  if (chosen !== undefined && chosen.shot_id === shotId) return chosen;
  const takes = takesOf(state, shotId);
  const newest = (kind: TakeView["state"]) => takes.findLast((take) => take.state === kind);
  return newest("running") ?? newest("queued") ?? standingTake(state, shotId) ?? takes.at(-1) ?? null;
}

/** The take that stands for its shot: the picked one, else the newest that is done. */
export function standingTake(state: RoomState, shotId: string): TakeView | null {
  const pickedId = state.shots.find((shot) => shot.id === shotId)?.picked_take_id;
  const picked = pickedId ? state.takes[pickedId] : undefined;
  return picked ?? takesOf(state, shotId).findLast((take) => take.state === "done") ?? null;
}

/** The take of a shot that is under way: running, else first in the queue. */
export function activeTake(state: RoomState, shotId: string): TakeView | null {
  const takes = takesOf(state, shotId);
  return takes.find((take) => take.state === "running") ?? takes.find((take) => take.state === "queued") ?? null;
}

/** How far a running take is: what its previews say, if they are of the same attempt, else the row. */
export function progressOf(state: RoomState, take: TakeView): Progress {
  const seen = state.progress[take.id];
  if (seen !== undefined && seen.attempt === take.attempt && seen.step >= take.step) return seen;
  return { attempt: take.attempt, step: take.step, steps: take.steps, leftMs: 0 };
}

/** How long a shot is, in seconds: its standing take, else what its settings ask for. */
export function shotSeconds(state: RoomState, shotId: string): number {
  const take = standingTake(state, shotId);
  if (take !== null && take.rate_hz > 0) return take.frames / take.rate_hz;
  const rateHz = state.offer?.rate_hz ?? 0;
  const frames = state.planned[shotId] ?? state.offer?.lengths[0] ?? 0;
  return rateHz > 0 ? frames / rateHz : 0;
}
