"""Who has a socket open in this process: counts them, and sees to it that they still may."""

import asyncio
import logging
import re
import time
from collections import Counter
from collections.abc import Collection, Set
from typing import Protocol
from uuid import UUID
from weakref import WeakKeyDictionary

from studio import trace
from studio.domain.access import Access, Right
from studio.live import admission, groups
from studio.live.broadcast import digest
from studio.live.limits import KEPT_PLACES, SOCKETS_PER_PERSON, SOCKETS_PER_ROOM
from studio.live.shared import Shared
from studio.live.threads import in_guards_thread

logger = logging.getLogger(__name__)

LANES = 2
"""Readings of who comes in, beside each other. The second is for those who come while the first one hangs."""
HANGS_S = 0.5
RECHECK_S = 30.0
CHECKED_AT_ONCE = 50
"""Sockets whose standing is read with one another, in some 10 ms."""
AGAIN_S, AGAIN = 0.3, 5
"""How soon and how often those whose way in changed are checked again, when that failed."""
_SESSION_KEY = re.compile(r"[a-z0-9]{32}")


class Guarded(Protocol):
    """A socket, as the guard sees it."""

    kind: str
    project_id: UUID
    access: Access

    @property
    def session_key(self) -> str: ...

    def close(self, reason: str) -> None: ...

    def __hash__(self) -> int: ...


class Guard:
    """The sockets of this process. Lets them in, and closes those whose person may no longer be there."""

    def __init__(self) -> None:
        self._sockets: dict[Guarded, str] = {}
        self._counts = Counter[object]()
        self._arriving: dict[Guarded, set[str]] = {}
        """What was revoked since the access of a socket began to be read."""
        self._finding: Shared[int, Guarded, dict[Guarded, Access | str]] = Shared(self._read, asyncio.Semaphore(LANES))
        self._reading: dict[int, float] = {}
        """Since when each lane is being read."""
        self._rounds: asyncio.Task[None] | None = None
        self._is_due = self._is_checking = False
        """Whether everybody has to be checked once more, and whether that is being done."""

    async def admit(self, socket: Guarded) -> str:
        """Set the socket's access; else the reason to close it, from CLOSE_CODES."""
        if not _SESSION_KEY.fullmatch(socket.session_key):
            return "unauthenticated"
        if self._counts[_arriving(socket)] >= SOCKETS_PER_PERSON:
            return "too_much"
        found = await self._find(socket)
        if isinstance(found, str):
            return found
        socket.access = found
        if self._full(socket):
            return "too_much"
        self._sockets[socket] = digest(socket.session_key)
        self._counts.update(_counted(socket))
        self._rounds = self._rounds or asyncio.create_task(self._go_round(), context=trace.only())
        return ""

    def forget(self, socket: Guarded) -> None:
        """The socket is gone."""
        if self._sockets.pop(socket, None) is not None:
            self._counts -= Counter(_counted(socket))
        if not self._sockets and self._rounds is not None:
            self._rounds.cancel()
            self._rounds = None

    async def revoked(self, payload: str) -> None:
        """A message of groups.REVOKED came, or some may have been missed: check those concerned at once."""
        for heard in self._arriving.values():
            heard.add(payload)
        if payload == groups.EVERYBODY:
            await self._check_everybody()
            return
        named = [socket for socket, session in self._sockets.items() if payload in _concerning(socket.access, session)]
        if named:
            await self._check_or_close(named)

    async def check(self, sockets: Collection[Guarded]) -> None:
        """Close those whose session has ended, or whose person's role is not what it was."""
        found = await in_guards_thread(admission.find, {_asked(socket) for socket in sockets})
        for socket in sockets:
            if reason := standing(socket.access, found[_asked(socket)]):
                socket.close(reason)

    async def _find(self, socket: Guarded) -> Access | str:
        """Their access, or why there is none. Read again when it was revoked while it was being read."""
        heard = self._arriving[socket] = set()
        self._counts[_arriving(socket)] += 1
        try:
            while True:
                found = (await self._finding.ask(self._lane(), socket))[socket]
                if isinstance(found, str) or not heard & _concerning(found, digest(socket.session_key)):
                    return found
        finally:
            del self._arriving[socket]
            self._counts -= Counter([_arriving(socket)])

    def _lane(self) -> int:
        """The first that does not hang: together they cost least."""
        now = time.monotonic()
        return next((lane for lane in range(LANES) if now - self._reading.get(lane, now) <= HANGS_S), 0)

    def _read(self, lane: int, sockets: Set[Guarded]) -> dict[Guarded, Access | str]:
        """In a thread: what each of these is let in to, or why it is not."""
        self._reading[lane] = time.monotonic()
        try:
            for socket in sockets:
                # What was said while this waited for a thread is in the rows.
                self._arriving.get(socket, set()).clear()
            found = admission.find({_asked(socket) for socket in sockets})
        finally:
            del self._reading[lane]
        return {socket: found[_asked(socket)] for socket in sockets}

    async def _check_everybody(self) -> None:
        """Once for all who ask for it while it is done: a Redis that comes and goes asks ten times a second."""
        self._is_due = True
        if self._is_checking:
            return
        self._is_checking = True
        try:
            while self._is_due:
                self._is_due = False
                await self._check_all()
        finally:
            self._is_checking = False

    async def _check_or_close(self, sockets: Collection[Guarded]) -> None:
        """Those whose way in changed do not stay because nobody can say how: their pages come back and are asked."""
        for _ in range(AGAIN):
            if await self._has_checked(sockets):
                return
            await asyncio.sleep(AGAIN_S)
        for socket in sockets:
            socket.close("unavailable")

    async def _check_all(self) -> None:
        """Those that cannot be checked never keep the others from it."""
        sockets = list(self._sockets)
        for first in range(0, len(sockets), CHECKED_AT_ONCE):
            await self._has_checked(sockets[first : first + CHECKED_AT_ONCE])

    async def _has_checked(self, sockets: Collection[Guarded]) -> bool:
        try:
            await self.check(sockets)
        except Exception:
            logger.exception(
                "access of users %s was not checked", sorted({socket.access.user.pk for socket in sockets})
            )
            return False
        return True

    def _full(self, socket: Guarded) -> bool:
        person, room = _counted(socket)
        places = SOCKETS_PER_ROOM + (KEPT_PLACES if socket.access.may(Right.EDIT) else 0)
        return self._counts[person] >= SOCKETS_PER_PERSON or self._counts[room] >= places

    async def _go_round(self) -> None:
        """Check every socket every RECHECK_S: this is what holds when a message of REVOKED was lost."""
        while True:
            await asyncio.sleep(RECHECK_S)
            await self._check_all()


def _concerning(access: Access, session: str) -> set[str]:
    """The messages of groups.REVOKED that concern a socket."""
    return {f"user:{access.user.pk}", f"session:{session}", groups.EVERYBODY}


def _asked(socket: Guarded) -> admission.Asked:
    return socket.session_key, socket.project_id


def _arriving(socket: Guarded) -> object:
    """What a socket counts for until it is known whose it is."""
    return "arriving", socket.session_key


def _counted(socket: Guarded) -> tuple[object, object]:
    """What a socket counts for: its person, and its kind in its room."""
    return socket.access.user.pk, (socket.kind, socket.project_id)


def standing(before: Access, now: Access | str) -> str:
    """Why somebody who was let in has to go, or "": by what their session is let in to now."""
    if isinstance(now, str):
        return "revoked" if now == "not_found" else now
    if now.user.pk != before.user.pk:
        return "unauthenticated"
    return "" if now.role == before.role else "role_changed"


_guards: "WeakKeyDictionary[asyncio.AbstractEventLoop, Guard]" = WeakKeyDictionary()


def get() -> Guard:
    """The guard of the running loop, which is the process's but in tests."""
    return _guards.setdefault(asyncio.get_running_loop(), Guard())
