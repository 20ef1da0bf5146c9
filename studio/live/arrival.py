"""What somebody who comes into a room is told first: all of it, or only what they missed."""

import asyncio
from collections.abc import Mapping, Set
from dataclasses import dataclass
from uuid import UUID
from weakref import WeakKeyDictionary

from django.utils import translation

from studio.domain import events, views
from studio.domain.access import Access, Right, enter, rights_of, roles
from studio.domain.errors import not_found
from studio.live import broadcast, protocol
from studio.live.limits import count_bytes
from studio.live.shared import Shared
from studio.live.threads import in_thread
from studio.models import Role, User

MAX_REPLAY_BYTES = 256 * 1024
"""Events that tell of the whole storyboard add up: 30 of 200 shots are 1 MB, and the room as it is now far less."""


@dataclass(frozen=True)
class Arrival:
    """``texts`` go out in order; they show the room at ``seq``. ``running`` takes may have a preview."""

    texts: tuple[str, ...]
    seq: int
    running: tuple[UUID, ...]


@dataclass(frozen=True)
class Picture:
    """A whole room at one moment, as JSON in one language, for those who have a role in it."""

    text: str
    seq: int
    running: tuple[UUID, ...]
    roles: Mapping[int, Role]


class Arrivals:
    """Reads rooms for those who come in. A room is read once for all who come while it was being read before."""

    def __init__(self) -> None:
        self._pictures: Shared[tuple[UUID, str], int, Picture] = Shared(read_picture)

    async def read(self, access: Access, last_seq: int | None) -> Arrival:
        """Read a room, in the language of now, for somebody who has seen its events up to ``last_seq``, or nothing.

        Raises:
            DomainError: not_found, when they may not see it any more.
        """
        if last_seq is not None:
            replay = await in_thread(read_missed, access, last_seq)
            if replay is not None:
                return replay
        key = access.project.pk, translation.get_language() or ""
        return _show(access.user, await self._pictures.ask(key, access.user.pk))


def read_missed(access: Access, last_seq: int) -> Arrival | None:
    """The events, then the two notices that the whole room would have held; None when that is too much.

    Raises:
        DomainError: not_found, when they may not see it any more.
    """
    access = enter(access.user, access.project.pk)
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
    texts = (_welcome(access.user, access.role, "null"), *told, *map(broadcast.encode, notices))
    return Arrival(texts, missed[-1].seq if missed else last_seq, tuple(views.running(project_id)))


def read_picture(key: tuple[UUID, str], user_ids: Set[int]) -> Picture:
    """A project in a language, and which of these people may see it.

    Raises:
        DomainError: not_found, when it is deleted.
    """
    project_id, language = key
    with translation.override(language):
        room = views.room_view(project_id)
    running = tuple(UUID(take["id"]) for take in room["takes"] if take["state"] == "running")
    return Picture(broadcast.encode(room), room["seq"], running, roles(project_id, user_ids))


def _show(user: User, picture: Picture) -> Arrival:
    if user.pk not in picture.roles:
        raise not_found()
    return Arrival((_welcome(user, picture.roles[user.pk], picture.text),), picture.seq, picture.running)


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
