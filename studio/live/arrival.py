"""What somebody who comes into a room is told first: all of it, or only what they missed."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from studio.domain import events, views
from studio.domain.access import Access, Right, enter
from studio.live import broadcast, protocol


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
    missed = None if last_seq is None else events.since(access.project.pk, last_seq)
    return _snapshot(access) if missed is None else _replay(access, missed, last_seq or 0)


def _snapshot(access: Access) -> Arrival:
    room = views.room_view(access)
    running = tuple(UUID(take["id"]) for take in room["takes"] if take["state"] == "running")
    return Arrival((_welcome(access, room),), room["seq"], running)


def _replay(access: Access, missed: list[events.Event], last_seq: int) -> Arrival:
    """The events, then the two notices that a snapshot would have held."""
    project_id = access.project.pk
    messages = [
        *(protocol.event_message(event.seq, event.type, event.payload) for event in missed),
        {
            "type": "workers.changed",
            "v": protocol.VERSION,
            "workers": views.workers_view(),
        },
        {"type": "queue.moved", "v": protocol.VERSION, "places": views.places().get(project_id, {})},
    ]
    texts = (_welcome(access, None), *(broadcast.encode(message) for message in messages))
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
