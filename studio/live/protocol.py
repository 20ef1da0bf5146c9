"""The room socket's messages, defined once. ``manage.py protocol_ts`` writes the TypeScript from here.

Text frames carry one JSON object each. Binary frames from the server are preview packets
(``inference.wire.PreviewPacket``). Coming in, a message is a command ``area.verb``; going out, it is an event
``area.past`` with a sequence number, a notice without one, or the reply to a command.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

VERSION = 1
MAX_MESSAGE_BYTES = 256 * 1024


class Message(BaseModel):
    """Strict: an unknown field or a wrong type is refused by name."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


# What a room is made of, as a client sees it.


class PersonView(Message):
    """Somebody in the room or named by it. ``colour`` is 0 to 7."""

    id: int
    name: str
    colour: int


class ShotView(Message):
    """A shot of the storyboard; its prompt and settings are in the document."""

    id: str
    title: str
    position: int
    picked_take_id: str | None


class TakeView(Message):
    """A take. ``place`` counts from 1 while it is queued, else 0; addresses are empty until it is done."""

    id: str
    shot_id: str
    number: int
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    cancelling: bool
    place: int
    attempt: int
    max_attempts: int
    step: int
    steps: int
    prompt: str
    quality: Literal["draft", "final"]
    style: str
    light: str
    pace: str
    width: int
    height: int
    frames: int
    rate_hz: int
    seed: int
    requested_by: PersonView | None
    created_at: str
    started_at: str | None
    ended_at: str | None
    error_code: str
    error_message: str
    clip_url: str
    poster_url: str
    download_url: str
    clip_size_bytes: int
    clip_sha256: str
    waveform: list[int]
    model: str
    model_prompt: str
    render_ms: int


class ChoiceView(Message):
    """One value of a setting; ``label`` is in the reader's language."""

    id: str
    label: str


class SizeView(Message):
    """A picture size on offer."""

    id: str
    width: int
    height: int
    label: str


class OfferView(Message):
    """What the model can be asked for. ``lengths`` are frame counts at ``rate_hz``."""

    model: str
    rate_hz: int
    sizes: list[SizeView]
    lengths: list[int]
    styles: list[ChoiceView]
    lights: list[ChoiceView]
    paces: list[ChoiceView]
    suggestions: list[str]
    prompt_limit: int
    seed_limit: int


class WorkersView(Message):
    """How many workers are alive and how many load their model. Without one takes wait; ``error`` may say why."""

    alive: int
    loading: int
    error: str


class RoomView(Message):
    """The whole state of a room at ``seq``."""

    project_id: str
    title: str
    workspace: str
    seq: int
    doc_epoch: int
    shots: list[ShotView]
    takes: list[TakeView]
    offer: OfferView
    workers: WorkersView


# Commands, client to server.


class Hello(Message):
    """First message, within 5 s. With ``last_seq`` the server replays what was missed."""

    type: Literal["hello"]
    v: Literal[1]
    last_seq: int | None = None


class Command(Message):
    """``id`` comes back in the reply."""

    v: Literal[1]
    id: Annotated[str, Field(min_length=1, max_length=40)]


class TakeRequest(Command):
    """Render a take of a shot. ``seed`` None lets the server choose; ``key`` makes a repeat harmless."""

    type: Literal["take.request"]
    shot_id: str
    key: Annotated[str, Field(min_length=8, max_length=80)]
    prompt: str
    quality: str
    style: str = ""
    light: str = ""
    pace: str = ""
    size: str
    frames: int
    seed: int | None = None


class TakeCancel(Command):
    """Stop a take at its next denoise step, or take it out of the queue."""

    type: Literal["take.cancel"]
    take_id: str


class TakePick(Command):
    """Choose the take that stands for its shot; None un-picks."""

    type: Literal["take.pick"]
    shot_id: str
    take_id: str | None


class ShotAdd(Command):
    """Add a shot at the end of the storyboard."""

    type: Literal["shot.add"]
    title: str


class ShotRename(Command):
    """Give a shot another title."""

    type: Literal["shot.rename"]
    shot_id: str
    title: str


class ShotMove(Command):
    """Put a shot at another place; ``position`` counts from 0."""

    type: Literal["shot.move"]
    shot_id: str
    position: int


class ShotDelete(Command):
    """Take a shot off the storyboard."""

    type: Literal["shot.delete"]
    shot_id: str


class ProjectRename(Command):
    """Give the project another title."""

    type: Literal["project.rename"]
    title: str


class PreviewAck(Message):
    """Gives back credit for ``count`` preview packets; a viewer holds at most 2 unacknowledged."""

    type: Literal["preview.ack"]
    v: Literal[1]
    count: Annotated[int, Field(ge=1, le=16)]


Incoming = Annotated[
    Hello
    | TakeRequest
    | TakeCancel
    | TakePick
    | ShotAdd
    | ShotRename
    | ShotMove
    | ShotDelete
    | ProjectRename
    | PreviewAck,
    Field(discriminator="type"),
]
INCOMING: TypeAdapter[Incoming] = TypeAdapter(Incoming)


# Events, server to client: numbered, kept in Postgres, replayed after a gap.


class Event(Message):
    """What every event carries."""

    v: Literal[1]
    seq: int


class TakeChanged(Event):
    """Any change of a take; ``take`` is its whole state."""

    type: Literal[
        "take.queued",
        "take.started",
        "take.stalled",
        "take.retried",
        "take.cancelling",
        "take.cancelled",
        "take.done",
        "take.failed",
    ]
    take: TakeView


class TakePicked(Event):
    """A shot's picked take changed."""

    type: Literal["take.picked"]
    shot_id: str
    take_id: str | None


class ShotsChanged(Event):
    """The storyboard changed; ``shots`` is all of it, in order."""

    type: Literal["shot.added", "shot.renamed", "shot.moved", "shot.deleted"]
    shots: list[ShotView]


class ProjectRenamed(Event):
    """The project has another title."""

    type: Literal["project.renamed"]
    title: str


class ProjectDeleted(Event):
    """The project is gone; the socket closes with 4404 after this."""

    type: Literal["project.deleted"]


# Notices, server to client: no number, about now only.


class Welcome(Message):
    """Answer to hello. ``room`` is null when a replay of the missed events follows instead."""

    type: Literal["welcome"]
    v: Literal[1]
    you: PersonView
    role: Literal["owner", "editor", "reviewer", "viewer"]
    may_edit: bool
    may_generate: bool
    may_share: bool
    room: RoomView | None


class QueueMoved(Message):
    """Places of this room's waiting takes, by take id."""

    type: Literal["queue.moved"]
    v: Literal[1]
    places: dict[str, int]


class WorkersChanged(Message):
    """Workers came, went, or could not start."""

    type: Literal["workers.changed"]
    v: Literal[1]
    workers: WorkersView


class ErrorView(Message):
    """A refusal: a stable code, a sentence for people, and the field at fault where there is one."""

    code: str
    message: str
    field: str


class Reply(Message):
    """Answer to a command: ``error`` is null when it was done; ``take_id`` answers take.request."""

    type: Literal["reply"]
    v: Literal[1]
    id: str
    error: ErrorView | None
    take_id: str | None = None


class Refused(Message):
    """A message that could not be read at all; what was expected is in ``error``."""

    type: Literal["refused"]
    v: Literal[1]
    error: ErrorView


Outgoing = Annotated[
    TakeChanged
    | TakePicked
    | ShotsChanged
    | ProjectRenamed
    | ProjectDeleted
    | Welcome
    | QueueMoved
    | WorkersChanged
    | Reply
    | Refused,
    Field(discriminator="type"),
]
OUTGOING: TypeAdapter[Outgoing] = TypeAdapter(Outgoing)

CLOSE_CODES: dict[str, int] = {
    "bad_update": 4400,
    "unauthenticated": 4401,
    "revoked": 4403,
    "not_found": 4404,
    "stale_epoch": 4409,
    "role_changed": 4410,
    "read_only": 4411,
    "too_much": 4429,
    "too_slow": 4408,
    "unavailable": 4503,
}
"""Why the server closes a socket; the client does not reconnect after 4400, 4403, 4404, 4409 and 4411; after
4410 it comes back with the rights of its new role."""


def event_message(seq: int, type_: str, payload: dict[str, Any]) -> dict[str, Any]:
    """An event as it goes out on the wire."""
    return {"v": VERSION, "seq": seq, "type": type_, **payload}
