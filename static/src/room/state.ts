/** What this person sees of the room, and how it changes. Pure: no DOM, no clock, no socket. */
import type { OfferView, Outgoing, PersonView, RoomView, ShotView, TakeChanged, TakeView, Welcome, WorkersView } from "../protocol";
import type { SocketState } from "../socket";
import { shownTake } from "./select";
import type { createStore } from "./store";

export interface Progress {
  attempt: number;
  step: number;
  steps: number;
  leftMs: number;
}

/** What happened since the page was loaded and is not to be read from the takes. */
export type LogEntry =
  // the attempt that comes next
  | { at: string; kind: "retried"; shotId: string; number: number; attempt: number }
  | { at: string; kind: "picked"; shotId: string; number: number }
  | { at: string; kind: "unpicked"; shotId: string }
  | { at: string; kind: "shot_added" | "shot_renamed" | "shot_deleted"; title: string }
  | { at: string; kind: "shot_moved" }
  | { at: string; kind: "project_renamed"; title: string };

export interface RoomState {
  loaded: boolean;
  link: SocketState;
  title: string;
  workspace: string;
  shots: readonly ShotView[];
  takes: Readonly<Record<string, TakeView>>;
  offer: OfferView | null;
  workers: WorkersView;
  you: PersonView;
  role: string;
  mayEdit: boolean;
  mayGenerate: boolean;
  mayShare: boolean;
  /** The selected shot and, by shot, the take that this person looks at. */
  shotId: string | null;
  chosen: Readonly<Record<string, string>>;
  progress: Readonly<Record<string, Progress>>;
  /** Frames asked for in each shot's settings. */
  planned: Readonly<Record<string, number>>;
  log: readonly LogEntry[];
}

type Numbered = Extract<Outgoing, { seq: number }>;
type Notice = Exclude<Outgoing, Numbered | { type: "reply" }>;
export type Action =
  | { type: "link"; link: SocketState }
  | { type: "notice"; notice: Notice }
  | { type: "event"; event: Numbered; at: string }
  | { type: "progress"; progress: Readonly<Record<string, Progress>> }
  | { type: "planned"; planned: Readonly<Record<string, number>> }
  | { type: "shot"; shotId: string }
  | { type: "take"; takeId: string };

export type RoomStore = ReturnType<typeof createStore<RoomState, Action>>;

const LOG_LIMIT = 200;

export function initialState(you: PersonView, role: string, shotId: string | null): RoomState {
  return {
    loaded: false,
    link: { kind: "connecting" },
    title: "",
    workspace: "",
    shots: [],
    takes: {},
    offer: null,
    workers: { alive: 0, loading: 0, error: "" },
    you,
    role,
    mayEdit: false,
    mayGenerate: false,
    mayShare: false,
    shotId,
    chosen: {},
    progress: {},
    planned: {},
    log: [],
  };
}

export function reduce(state: RoomState, action: Action): RoomState {
  switch (action.type) {
    case "link":
      return { ...state, link: action.link };
    case "notice":
      return reduceNotice(state, action.notice);
    case "event":
      return reduceEvent(state, action.event, action.at);
    case "progress":
      return { ...state, progress: { ...state.progress, ...action.progress } };
    case "planned":
      return same(state.planned, action.planned) ? state : { ...state, planned: action.planned };
    case "shot":
      return state.shotId === action.shotId ? state : { ...state, shotId: action.shotId };
    case "take":
      return chooseTake(state, action.takeId);
  }
}

function same(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): boolean {
  const keys = Object.keys(b);
  return keys.length === Object.keys(a).length && keys.every((key) => a[key] === b[key]);
}

function chooseTake(state: RoomState, takeId: string): RoomState {
  const take = state.takes[takeId];
  return take === undefined ? state : { ...state, chosen: { ...state.chosen, [take.shot_id]: takeId } };
}

function reduceNotice(state: RoomState, notice: Notice): RoomState {
  switch (notice.type) {
    case "welcome":
      return welcomed(state, notice);
    case "queue.moved":
      return { ...state, takes: placed(state.takes, notice.places) };
    case "workers.changed":
      return { ...state, workers: notice.workers };
    case "refused":
      return state;
    default:
      return state; // of a server that is newer than this page
  }
}

function placed(takes: RoomState["takes"], places: Record<string, number>): RoomState["takes"] {
  const moved = Object.values(takes).filter((take) => take.state === "queued" && places[take.id] !== undefined);
  return { ...takes, ...Object.fromEntries(moved.map((take) => [take.id, { ...take, place: places[take.id] ?? 0 }])) };
}

function welcomed(state: RoomState, welcome: Welcome): RoomState {
  const rights = {
    you: welcome.you,
    role: welcome.role,
    mayEdit: welcome.may_edit,
    mayGenerate: welcome.may_generate,
    mayShare: welcome.may_share,
  };
  const next = { ...state, ...rights };
  return welcome.room === null ? next : entered(next, welcome.room);
}

function entered(state: RoomState, room: RoomView): RoomState {
  return withShots(
    {
      ...state,
      loaded: true,
      title: room.title,
      workspace: room.workspace,
      takes: Object.fromEntries(room.takes.map((take) => [take.id, take])),
      offer: room.offer,
      workers: room.workers,
    },
    room.shots,
  );
}

/** The new storyboard; when the selected shot is gone, its neighbour is selected. */
function withShots(state: RoomState, unordered: readonly ShotView[]): RoomState {
  const shots = [...unordered].sort((a, b) => a.position - b.position);
  if (shots.some((shot) => shot.id === state.shotId)) return { ...state, shots };
  const was = state.shots.findIndex((shot) => shot.id === state.shotId);
  const neighbour = shots[Math.min(Math.max(was, 0), shots.length - 1)];
  return { ...state, shots, shotId: neighbour?.id ?? null };
}

function reduceEvent(state: RoomState, event: Numbered, at: string): RoomState {
  const noted = note(state, event, at);
  switch (event.type) {
    case "take.queued":
    case "take.started":
    case "take.stalled":
    case "take.retried":
    case "take.cancelling":
    case "take.cancelled":
    case "take.done":
    case "take.failed":
      return takeChanged(noted, event);
    case "take.picked":
      return { ...noted, shots: picked(state.shots, event.shot_id, event.take_id) };
    case "shot.added":
    case "shot.renamed":
    case "shot.moved":
    case "shot.deleted":
      return withShots(noted, event.shots);
    case "project.renamed":
      return { ...noted, title: event.title };
    case "project.deleted":
      return state;
    default:
      return noted; // of a server that is newer than this page
  }
}

function picked(shots: readonly ShotView[], shotId: string, takeId: string | null): readonly ShotView[] {
  return shots.map((shot) => (shot.id === shotId ? { ...shot, picked_take_id: takeId } : shot));
}

/** Take the change in; whoever watched this take, or asked for it, or watched the newest, goes on with it. */
function takeChanged(state: RoomState, event: TakeChanged): RoomState {
  const { take } = event;
  const shown = shownTake(state, take.shot_id);
  const mine = take.requested_by?.id === state.you.id;
  const follows = event.type === "take.queued" && (mine || shown === null || isNewest(state, shown));
  const keeps = shown?.id === take.id;
  const chosen = follows || keeps ? { ...state.chosen, [take.shot_id]: take.id } : state.chosen;
  return { ...state, takes: { ...state.takes, [take.id]: take }, chosen };
}

function isNewest(state: RoomState, take: TakeView): boolean {
  return Object.values(state.takes).every((other) => other.shot_id !== take.shot_id || other.number <= take.number);
}

function note(state: RoomState, event: Numbered, at: string): RoomState {
  const entry = logEntry(state, event, at);
  return entry === null ? state : { ...state, log: [...state.log, entry].slice(-LOG_LIMIT) };
}

function logEntry(state: RoomState, event: Numbered, at: string): LogEntry | null {
  switch (event.type) {
    case "take.retried":
      return {
        at,
        kind: "retried",
        shotId: event.take.shot_id,
        number: event.take.number,
        attempt: event.take.attempt + 1,
      };
    case "take.picked": {
      const number = event.take_id === null ? undefined : state.takes[event.take_id]?.number;
      const shotId = event.shot_id;
      return number === undefined ? { at, kind: "unpicked", shotId } : { at, kind: "picked", shotId, number };
    }
    case "shot.added":
      return { at, kind: "shot_added", title: unlike(event.shots, state.shots)?.title ?? "" };
    case "shot.deleted":
      return { at, kind: "shot_deleted", title: unlike(state.shots, event.shots)?.title ?? "" };
    case "shot.renamed":
      return { at, kind: "shot_renamed", title: renamed(event.shots, state.shots)?.title ?? "" };
    case "shot.moved":
      return { at, kind: "shot_moved" };
    case "project.renamed":
      return { at, kind: "project_renamed", title: event.title };
    default:
      return null;
  }
}

function unlike(here: readonly ShotView[], there: readonly ShotView[]): ShotView | undefined {
  return here.find((shot) => there.every((other) => other.id !== shot.id));
}

function renamed(now: readonly ShotView[], before: readonly ShotView[]): ShotView | undefined {
  return now.find((shot) => before.some((other) => other.id === shot.id && other.title !== shot.title));
}
