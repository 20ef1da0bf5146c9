/** Small rooms for tests. */
import type { OfferView, PersonView, RoomView, ShotView, TakeView, Welcome } from "../../static/src/protocol";
import { initialState, reduce, type RoomState } from "../../static/src/room/state";

export const ana: PersonView = { id: 1, name: "Ana", colour: 0 };
export const bo: PersonView = { id: 2, name: "Bo", colour: 1 };

export function shot(id: string, position: number, picked: string | null = null): ShotView {
  return { id, title: `Shot ${id}`, position, picked_take_id: picked };
}

export function take(id: string, change: Partial<TakeView> = {}): TakeView {
  return {
    id,
    shot_id: "a",
    number: 1,
    state: "queued",
    cancelling: false,
    place: 1,
    attempt: 1,
    max_attempts: 3,
    step: 0,
    steps: 0,
    prompt: "a red ball",
    quality: "draft",
    style: "",
    light: "",
    pace: "",
    width: 96,
    height: 64,
    frames: 25,
    rate_hz: 8,
    seed: 7,
    requested_by: bo,
    created_at: "2026-11-22T12:00:00Z",
    started_at: null,
    ended_at: null,
    error_code: "",
    error_message: "",
    clip_url: "",
    poster_url: "",
    download_url: "",
    clip_size_bytes: 0,
    clip_sha256: "",
    waveform: [],
    model: "",
    model_prompt: "",
    render_ms: 0,
    ...change,
  };
}

export const offer: OfferView = {
  model: "Rushes Tiny",
  rate_hz: 8,
  sizes: [{ id: "96x64", width: 96, height: 64, label: "3:2" }],
  lengths: [25],
  styles: [{ id: "neon", label: "Neon" }],
  lights: [],
  paces: [],
  suggestions: ["a red ball"],
  prompt_limit: 4000,
  seed_limit: 2147483647,
};

export function room(change: Partial<RoomView> = {}): RoomView {
  return {
    project_id: "p",
    title: "Film",
    workspace: "Team",
    seq: 5,
    doc_epoch: 1,
    shots: [shot("b", 1), shot("a", 0)],
    takes: [],
    offer,
    workers: { alive: 1, loading: 0, error: "" },
    ...change,
  };
}

export function welcome(view: RoomView | null = room()): Welcome {
  return {
    type: "welcome",
    v: 1,
    you: ana,
    role: "editor",
    may_edit: true,
    may_generate: true,
    may_share: true,
    room: view,
  };
}

export function entered(view: RoomView = room(), shotId: string | null = null): RoomState {
  return reduce(initialState(ana, "editor", shotId), { type: "notice", notice: welcome(view) });
}
