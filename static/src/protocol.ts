// Written by `manage.py protocol_ts` from studio/live/protocol.py. Do not edit.

export const VERSION = 1;

export const MAX_MESSAGE_BYTES = 262144;

export const CLOSE_CODES = {
  bad_update: 4400,
  unauthenticated: 4401,
  revoked: 4403,
  not_found: 4404,
  stale_epoch: 4409,
  role_changed: 4410,
  read_only: 4411,
  too_much: 4429,
  too_slow: 4408,
  unavailable: 4503,
} as const;

/** Somebody in the room or named by it. ``colour`` is 0 to 7. */
export interface PersonView {
  id: number;
  name: string;
  colour: number;
}

/** A shot of the storyboard; its prompt and settings are in the document. */
export interface ShotView {
  id: string;
  title: string;
  position: number;
  picked_take_id: string | null;
}

/** A take. ``place`` counts from 1 while it is queued, else 0; addresses are empty until it is done. */
export interface TakeView {
  id: string;
  shot_id: string;
  number: number;
  state: "queued" | "running" | "done" | "failed" | "cancelled";
  cancelling: boolean;
  place: number;
  attempt: number;
  max_attempts: number;
  step: number;
  steps: number;
  prompt: string;
  quality: "draft" | "final";
  style: string;
  light: string;
  pace: string;
  width: number;
  height: number;
  frames: number;
  rate_hz: number;
  seed: number;
  requested_by: PersonView | null;
  created_at: string;
  started_at: string | null;
  ended_at: string | null;
  error_code: string;
  error_message: string;
  clip_url: string;
  poster_url: string;
  download_url: string;
  clip_size_bytes: number;
  clip_sha256: string;
  waveform: number[];
  model: string;
  model_prompt: string;
  render_ms: number;
}

/** One value of a setting; ``label`` is in the reader's language. */
export interface ChoiceView {
  id: string;
  label: string;
}

/** A picture size on offer. */
export interface SizeView {
  id: string;
  width: number;
  height: number;
  label: string;
}

/** What the model can be asked for. ``lengths`` are frame counts at ``rate_hz``. */
export interface OfferView {
  model: string;
  rate_hz: number;
  sizes: SizeView[];
  lengths: number[];
  styles: ChoiceView[];
  lights: ChoiceView[];
  paces: ChoiceView[];
  suggestions: string[];
  prompt_limit: number;
  seed_limit: number;
}

/** How many workers are alive and how many load their model. Without one takes wait; ``error`` may say why. */
export interface WorkersView {
  alive: number;
  loading: number;
  error: string;
}

/** The whole state of a room at ``seq``. */
export interface RoomView {
  project_id: string;
  title: string;
  workspace: string;
  seq: number;
  doc_epoch: number;
  shots: ShotView[];
  takes: TakeView[];
  offer: OfferView;
  workers: WorkersView;
}

/** First message, within 5 s. With ``last_seq`` the server replays what was missed. */
export interface Hello {
  type: "hello";
  v: 1;
  last_seq?: number | null;
}

/** ``id`` comes back in the reply. */
export interface Command {
  v: 1;
  id: string;
}

/** Render a take of a shot. ``seed`` None lets the server choose; ``key`` makes a repeat harmless. */
export interface TakeRequest extends Command {
  type: "take.request";
  shot_id: string;
  key: string;
  prompt: string;
  quality: string;
  style?: string;
  light?: string;
  pace?: string;
  size: string;
  frames: number;
  seed?: number | null;
}

/** Stop a take at its next denoise step, or take it out of the queue. */
export interface TakeCancel extends Command {
  type: "take.cancel";
  take_id: string;
}

/** Choose the take that stands for its shot; None un-picks. */
export interface TakePick extends Command {
  type: "take.pick";
  shot_id: string;
  take_id: string | null;
}

/** Add a shot at the end of the storyboard. */
export interface ShotAdd extends Command {
  type: "shot.add";
  title: string;
}

/** Give a shot another title. */
export interface ShotRename extends Command {
  type: "shot.rename";
  shot_id: string;
  title: string;
}

/** Put a shot at another place; ``position`` counts from 0. */
export interface ShotMove extends Command {
  type: "shot.move";
  shot_id: string;
  position: number;
}

/** Take a shot off the storyboard. */
export interface ShotDelete extends Command {
  type: "shot.delete";
  shot_id: string;
}

/** Give the project another title. */
export interface ProjectRename extends Command {
  type: "project.rename";
  title: string;
}

/** Gives back credit for ``count`` preview packets; a viewer holds at most 2 unacknowledged. */
export interface PreviewAck {
  type: "preview.ack";
  v: 1;
  count: number;
}

/** What every event carries. */
export interface Event {
  v: 1;
  seq: number;
}

/** Any change of a take; ``take`` is its whole state. */
export interface TakeChanged extends Event {
  type: "take.queued" | "take.started" | "take.stalled" | "take.retried" | "take.cancelling" | "take.cancelled" | "take.done" | "take.failed";
  take: TakeView;
}

/** A shot's picked take changed. */
export interface TakePicked extends Event {
  type: "take.picked";
  shot_id: string;
  take_id: string | null;
}

/** The storyboard changed; ``shots`` is all of it, in order. */
export interface ShotsChanged extends Event {
  type: "shot.added" | "shot.renamed" | "shot.moved" | "shot.deleted";
  shots: ShotView[];
}

/** The project has another title. */
export interface ProjectRenamed extends Event {
  type: "project.renamed";
  title: string;
}

/** The project is gone; the socket closes with 4404 after this. */
export interface ProjectDeleted extends Event {
  type: "project.deleted";
}

/** Answer to hello. ``room`` is null when a replay of the missed events follows instead. */
export interface Welcome {
  type: "welcome";
  v: 1;
  you: PersonView;
  role: "owner" | "editor" | "reviewer" | "viewer";
  may_edit: boolean;
  may_generate: boolean;
  may_share: boolean;
  room: RoomView | null;
}

/** Places of this room's waiting takes, by take id. */
export interface QueueMoved {
  type: "queue.moved";
  v: 1;
  places: Record<string, number>;
}

/** Workers came, went, or could not start. */
export interface WorkersChanged {
  type: "workers.changed";
  v: 1;
  workers: WorkersView;
}

/** A refusal: a stable code, a sentence for people, and the field at fault where there is one. */
export interface ErrorView {
  code: string;
  message: string;
  field: string;
}

/** Answer to a command: ``error`` is null when it was done; ``take_id`` answers take.request. */
export interface Reply {
  type: "reply";
  v: 1;
  id: string;
  error: ErrorView | null;
  take_id: string | null;
}

/** A message that could not be read at all; what was expected is in ``error``. */
export interface Refused {
  type: "refused";
  v: 1;
  error: ErrorView;
}

/** Client to server. */
export type Incoming =
  | Hello
  | TakeRequest
  | TakeCancel
  | TakePick
  | ShotAdd
  | ShotRename
  | ShotMove
  | ShotDelete
  | ProjectRename
  | PreviewAck;

/** Server to client, as text. Binary frames are preview packets. */
export type Outgoing =
  | TakeChanged
  | TakePicked
  | ShotsChanged
  | ProjectRenamed
  | ProjectDeleted
  | Welcome
  | QueueMoved
  | WorkersChanged
  | Reply
  | Refused;
