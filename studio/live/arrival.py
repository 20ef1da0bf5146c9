"""What somebody who comes into a room is told first: all of it, or only what they missed."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from studio.domain import events, views
from studio.domain.access import Access, Right, enter
from studio.live import broadcast, protocol
from studio.live.limits import count_bytes

MAX_REPLAY_BYTES = 256 * 1024
"""Events that tell of the whole storyboard add up: 30 of 200 shots are 1 MB, and the room as it is now far less."""


@dataclass(frozen=True)
class Arrival:
    """``texts`` go out in order; they show the room at ``seq``. ``running`` takes may have a preview."""

    texts: tuple[str, ...]
    seq: int
    running: tuple[UUID, ...]


def read(access: Access, last_seq: int | None) -> Arrival:
    """Read a room, in the language of now, for somebody who has seen its events up to ``last_seq``, or nothing.

    Raises:
        DomainError: not_found, when they may not see it any more.
    """
    access = enter(access.user, access.project.pk)
    return (None if last_seq is None else _replay(access, last_seq)) or _snapshot(access)


def _snapshot(access: Access) -> Arrival:
    room = views.room_view(access)
    running = tuple(UUID(take["id"]) for take in room["takes"] if take["state"] == "running")
    return Arrival((_welcome(access, room),), room["seq"], running)


def _replay(access: Access, last_seq: int) -> Arrival | None:
    """The events, then the two notices that a snapshot would have held; None when that is too much."""
    project_id = access.project.pk
    missed = events.since(project_id, last_seq)
    if missed is None:
        return None
    told = [broadcast.encode(protocol.event_message(event.seq, event.type, event.payload)) for event in missed]
    if sum(map(count_bytes, told)) > MAX_REPLAY_BYTES:
        return None
    notices = (
        {"type": "workers.changed", "v": protocol.VERSION, "workers": views.workers_view()},
        {"type": "queue.moved", "v": protocol.VERSION, "places": views.places().get(project_id, {})},
    )
    texts = (_welcome(access, None), *told, *map(broadcast.encode, notices))
    return Arrival(texts, missed[-1].seq if missed else last_seq, tuple(views.running(project_id)))


def _welcome(access: Access, room: dict[str, Any] | None) -> str:
    return broadcast.encode(
        {
            "type": "welcome",
            "v": protocol.VERSION,
            "you": views.person_view(access.user),
            "role": access.role.value,
            "may_edit": access.may(Right.EDIT),
            "may_generate": access.may(Right.GENERATE),
            "may_share": access.may(Right.SHARE),
            "room": room,
        }
    )
