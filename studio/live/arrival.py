"""What somebody who comes into a room is told first: all of it, or only what they missed."""

import asyncio
from collections.abc import Mapping, Set
from dataclasses import dataclass
from uuid import UUID
from weakref import WeakKeyDictionary

from django.utils import translation

from studio.domain import events, views
from studio.domain.access import Access, Right, rights_of, roles
from studio.domain.errors import not_found
from studio.live import broadcast, protocol
from studio.live.shared import Shared
from studio.live.threads import THREADS
from studio.models import Role, User

AT_ONCE = THREADS // 2
"""Readings. They are the longest that a client can ask for, and commands and admissions want a thread as well."""


@dataclass(frozen=True)
class Arrival:
    """``texts`` go out in order; they show the room at ``seq``. ``running`` takes may have a preview.

    ``role`` is that of the moment of the reading, and what the welcome says.
    """

    texts: tuple[str, ...]
    seq: int
    running: tuple[UUID, ...]
    role: Role


@dataclass(frozen=True)
class Reading:
    """What everybody is told who may see a room and has seen as much of it, and their roles after it was read.

    ``room`` is JSON, "null" when what was missed is told event by event, in ``texts``.
    """

    room: str
    texts: tuple[str, ...]
    seq: int
    running: tuple[UUID, ...]
    roles: Mapping[int, Role]


class Arrivals:
    """Reads rooms for those who come in: once for all who come while the reading before theirs runs."""

    def __init__(self) -> None:
        places = asyncio.Semaphore(AT_ONCE)
        self._whole: Shared[tuple[UUID, str], int, Reading] = Shared(read_whole, places)
        self._missed: Shared[tuple[UUID, str, int], int, Reading | None] = Shared(read_missed, places)

    async def read(self, access: Access, last_seq: int | None) -> Arrival:
        """Read a room, in the language of now, for somebody who has seen its events up to ``last_seq``, or nothing.

        Raises:
            DomainError: not_found, when they may not see it any more.
        """
        project_id, language, user = access.project.pk, translation.get_language() or "", access.user
        reading = None if last_seq is None else await self._missed.ask((project_id, language, last_seq), user.pk)
        if reading is None:
            reading = await self._whole.ask((project_id, language), user.pk)
        if user.pk not in reading.roles:
            raise not_found()
        role = reading.roles[user.pk]
        return Arrival((_welcome(user, role, reading.room), *reading.texts), reading.seq, reading.running, role)


def read_missed(key: tuple[UUID, str, int], user_ids: Set[int]) -> Reading | None:
    """The events after a number, then the notices that the whole room would have held; None when that is too much."""
    project_id, language, last_seq = key
    if not roles(project_id, user_ids):
        return Reading("null", (), last_seq, (), {})
    missed = events.since(project_id, last_seq)
    if missed is None:
        return None
    told = [broadcast.encode(protocol.event_message(event.seq, event.type, event.payload)) for event in missed]
    with translation.override(language):
        workers = views.workers_view()
    notices = (
        {"type": "workers.changed", "v": protocol.VERSION, "workers": workers},
        {"type": "queue.moved", "v": protocol.VERSION, "places": views.places().get(project_id, {})},
    )
    seq = missed[-1].seq if missed else last_seq
    texts, running = (*told, *map(broadcast.encode, notices)), tuple(views.running(project_id))
    return Reading("null", texts, seq, running, roles(project_id, user_ids))


def read_whole(key: tuple[UUID, str], user_ids: Set[int]) -> Reading:
    """A project in a language, and which of these people may see it.

    Raises:
        DomainError: not_found, when it is deleted.
    """
    project_id, language = key
    with translation.override(language):
        room = views.room_view(project_id)
    running = tuple(UUID(take["id"]) for take in room["takes"] if take["state"] == "running")
    return Reading(broadcast.encode(room), (), room["seq"], running, roles(project_id, user_ids))


def _welcome(user: User, role: Role, room: str) -> str:
    """``room`` is JSON: it is large, and the same for everybody."""
    rights = rights_of(role)
    head = broadcast.encode(
        {
            "type": "welcome",
            "v": protocol.VERSION,
            "you": views.person_view(user),
            "role": role.value,
            "may_edit": Right.EDIT in rights,
            "may_generate": Right.GENERATE in rights,
            "may_share": Right.SHARE in rights,
        }
    )
    return f'{head.removesuffix("}")},"room":{room}}}'


_arrivals: "WeakKeyDictionary[asyncio.AbstractEventLoop, Arrivals]" = WeakKeyDictionary()


def get() -> Arrivals:
    """The arrivals of the running loop, which is the process's but in tests."""
    return _arrivals.setdefault(asyncio.get_running_loop(), Arrivals())
