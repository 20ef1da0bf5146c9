"""Who has a socket open in this process: counts them, and sees to it that they still may."""

import asyncio
import logging
import re
from collections import Counter
from importlib import import_module
from typing import Any, Protocol
from uuid import UUID
from weakref import WeakKeyDictionary

from django.conf import settings
from django.contrib import auth
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest

from studio import trace
from studio.domain.access import Access, Right, enter
from studio.domain.errors import DomainError
from studio.live import groups
from studio.live.broadcast import digest
from studio.live.limits import KEPT_PLACES, SOCKETS_PER_PERSON, SOCKETS_PER_ROOM
from studio.live.threads import in_guards_thread, in_thread
from studio.models import User

logger = logging.getLogger(__name__)

RECHECK_S = 30.0
AGAIN_S, AGAIN = 0.3, 5
"""How soon and how often somebody whose way in changed is checked again, when that failed."""
_SESSION_KEY = re.compile(r"[a-z0-9]{32}")


class Guarded(Protocol):
    """A socket, as the guard sees it."""

    kind: str
    scope: dict[str, Any]
    project_id: UUID
    access: Access

    def close(self, reason: str) -> None: ...


class Guard:
    """The sockets of this process. Lets them in, and closes those whose person may no longer be there."""

    def __init__(self) -> None:
        self._sockets: dict[Guarded, str] = {}
        self._counts = Counter[object]()
        self._arriving: dict[Guarded, set[str]] = {}
        """What was revoked since the access of a socket began to be read."""
        self._rounds: asyncio.Task[None] | None = None
        self._is_due = self._is_checking = False
        """Whether everybody has to be checked once more, and whether that is being done."""

    async def admit(self, socket: Guarded) -> str:
        """Set the socket's access; else the reason to close it, from CLOSE_CODES."""
        session_key: str = socket.scope["session"].session_key or ""
        if not _SESSION_KEY.fullmatch(session_key):
            return "unauthenticated"
        if self._counts[_arriving(session_key)] >= SOCKETS_PER_PERSON:
            return "too_much"
        found = await self._find(socket, session_key)
        if isinstance(found, str):
            return found
        socket.access = found
        if self._full(socket):
            return "too_much"
        self._sockets[socket] = digest(session_key)
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
        await asyncio.gather(*map(self._check_or_close, named))

    async def check(self, socket: Guarded) -> None:
        """Close the socket when its session has ended, or its person's role is not what it was."""
        session_key: str = socket.scope["session"].session_key or ""
        if reason := await in_guards_thread(standing, session_key, socket.access):
            socket.close(reason)

    async def _find(self, socket: Guarded, session_key: str) -> Access | str:
        """Their access, or why there is none. Read again when it was revoked while it was being read."""
        heard = self._arriving[socket] = set()
        self._counts[_arriving(session_key)] += 1

        def read() -> Access | str:
            heard.clear()  # what was said while this waited for a thread is in the rows
            return arrive(session_key, socket.project_id)

        try:
            while True:
                found = await in_thread(read)
                if isinstance(found, str) or not heard & _concerning(found, digest(session_key)):
                    return found
        finally:
            del self._arriving[socket]
            self._counts -= Counter([_arriving(session_key)])

    async def _check_everybody(self) -> None:
        """Once for all who ask for it while it is done: a Redis that comes and goes asks ten times a second."""
        self._is_due = True
        if self._is_checking:
            return
        self._is_checking = True
        try:
            while self._is_due:
                self._is_due = False
                for socket in list(self._sockets):
                    await self._check_and_go_on(socket)
        finally:
            self._is_checking = False

    async def _check_or_close(self, socket: Guarded) -> None:
        """One whose way in changed does not stay because nobody can say how: its page comes back and is asked."""
        for _ in range(AGAIN):
            try:
                await self.check(socket)
            except Exception:
                logger.exception("access of user %s was not checked", socket.access.user.pk)
                await asyncio.sleep(AGAIN_S)
            else:
                return
        socket.close("unavailable")

    async def _check_and_go_on(self, socket: Guarded) -> None:
        """One that cannot be checked never keeps the others from it."""
        try:
            await self.check(socket)
        except Exception:
            logger.exception("access of user %s was not checked", socket.access.user.pk)

    def _full(self, socket: Guarded) -> bool:
        person, room = _counted(socket)
        places = SOCKETS_PER_ROOM + (KEPT_PLACES if socket.access.may(Right.EDIT) else 0)
        return self._counts[person] >= SOCKETS_PER_PERSON or self._counts[room] >= places

    async def _go_round(self) -> None:
        """Check every socket every RECHECK_S: this is what holds when a message of REVOKED was lost."""
        while True:
            await asyncio.sleep(RECHECK_S)
            for socket in list(self._sockets):
                await self._check_and_go_on(socket)


def _concerning(access: Access, session: str) -> set[str]:
    """The messages of groups.REVOKED that concern a socket."""
    return {f"user:{access.user.pk}", f"session:{session}", groups.EVERYBODY}


def _person(session_key: str) -> User | AnonymousUser:
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    user: User | AnonymousUser = auth.get_user(request)
    return user


def _arriving(session_key: str) -> object:
    """What a socket counts for until it is known whose it is."""
    return "arriving", session_key


def _counted(socket: Guarded) -> tuple[object, object]:
    """What a socket counts for: its person, and its kind in its room."""
    return socket.access.user.pk, (socket.kind, socket.project_id)


def arrive(session_key: str, project_id: UUID) -> Access | str:
    """The access of whoever has this session, or why there is none."""
    user = _person(session_key)
    if not user.is_authenticated:
        return "unauthenticated"
    try:
        return enter(user, project_id)
    except DomainError:
        return "not_found"


def standing(session_key: str, access: Access) -> str:
    """Why a socket has to close, or "": the session as it is now, then the role as it is now."""
    user = _person(session_key)
    if user.pk != access.user.pk:
        return "unauthenticated"
    try:
        now = enter(user, access.project.pk)
    except DomainError:
        return "revoked"
    return "" if now.role == access.role else "role_changed"


_guards: "WeakKeyDictionary[asyncio.AbstractEventLoop, Guard]" = WeakKeyDictionary()


def get() -> Guard:
    """The guard of the running loop, which is the process's but in tests."""
    return _guards.setdefault(asyncio.get_running_loop(), Guard())
