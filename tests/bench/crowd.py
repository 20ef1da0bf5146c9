"""Rows and sockets that the benches of the web process share."""

import asyncio
import os
import secrets
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from websockets.asyncio.client import ClientConnection, connect

from project import embedded
from tests.helpers.studio import Studio, running

SOCKETS_A_PERSON = 20
"""What the guard lets one person have open."""
OPENING_AT_ONCE = 20
OPEN_TIMEOUT_S = 60
LOOK_S = 0.02
"""Between two looks at a process's memory: shorter than the time in which a packet is made."""
MIB = 2**20


@dataclass(frozen=True)
class Crowd:
    """A project and as many cookies as it has sockets."""

    studio: Studio
    project_id: UUID
    shot_id: UUID
    cookies: Sequence[str]

    @property
    def web(self) -> int:
        """The process id of the web process."""
        (pid,) = self.studio.children("serve")
        return pid

    async def open(self, cookie: str, path: str = "", *, url: str = "", **options: Any) -> ClientConnection:
        """A socket of the project's: the room's, or ``doc``; on another web process where ``url`` is given."""
        address = f"{(url or self.studio.url).replace('http', 'ws', 1)}/ws/rooms/{self.project_id}/{path}"
        origin: Any = self.studio.url
        return await connect(
            address, origin=origin, additional_headers={"Cookie": cookie}, compression=None, max_size=None, **options
        )

    async def enter(self, cookie: str, **options: Any) -> ClientConnection:
        """A room socket that has been welcomed."""
        socket = await self.open(cookie, **options)
        await socket.send('{"type":"hello","v":1}')
        await socket.recv()
        return socket


async def enter_all(crowds: Sequence[Crowd]) -> list[ClientConnection]:
    """A room socket of every cookie, some of them at a time."""
    places = asyncio.Semaphore(OPENING_AT_ONCE)

    async def enter(crowd: Crowd, cookie: str) -> ClientConnection:
        async with places:
            return await crowd.enter(cookie, open_timeout=OPEN_TIMEOUT_S)

    return await asyncio.gather(*(enter(crowd, cookie) for crowd in crowds for cookie in crowd.cookies))


@contextmanager
def serving(**settings: str) -> Iterator[Studio]:
    """A studio without a worker, whose database Django's models read and write here."""
    data = Path(tempfile.mkdtemp(prefix="rushes-bench-"))
    os.environ |= {"DJANGO_SETTINGS_MODULE": "project.settings", "RUSHES_DATA": str(data), "RUSHES_ENV_FILE": ""}
    os.environ.setdefault("RUSHES_SECRET_KEY", secrets.token_hex(48))
    with running(data, RUSHES_WORKERS="0", **settings) as studio, _rows_of(studio):
        yield studio


@contextmanager
def _rows_of(studio: Studio) -> Iterator[None]:
    """Point Django here at a studio, also when it was set up for another before."""
    import django

    django.setup()
    from django.conf import settings
    from django.db import connections

    connections.close_all()
    connections.settings["default"].update(HOST=str(embedded.run_folder(studio.data)), NAME="rushes", USER="rushes")
    settings.REDIS_URL = studio.redis_url
    yield
    connections.close_all()


def gather(studio: Studio, count: int, role: str = "editor") -> Crowd:
    """A project with ``count`` places for members of one role."""
    from studio.models import Membership
    from tests.factories import Cast, make_person

    cast, cookies = Cast(), list[str]()
    while len(cookies) < count:
        person = make_person()
        Membership.objects.create(workspace=cast.workspace, user=person, role=role)
        cookies += [signed_in(person)] * SOCKETS_A_PERSON
    return Crowd(studio, cast.project.pk, cast.shots[0].pk, cookies[:count])


def signed_in(person: Any) -> str:
    """A Cookie header of a new session."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    session = SessionStore()
    session[SESSION_KEY] = str(person.pk)
    session[BACKEND_SESSION_KEY] = "allauth.account.auth_backends.AuthenticationBackend"
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session.save()
    return f"sessionid={session.session_key}"


def cpu_s(pid: int) -> float:
    """Seconds of CPU that a process has used, its own and the system's for it; ``stat`` counts in steps of 10 ms."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9


@asynccontextmanager
async def watching(pid: int) -> AsyncIterator[list[int]]:
    """The memory of a process in bytes, looked at all the while: the first is from before the block."""
    held = [resident_bytes(pid)]

    async def look() -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            held.append(resident_bytes(pid))

    looking = asyncio.create_task(look())
    try:
        yield held
    finally:
        looking.cancel()


def resident_bytes(pid: int) -> int:
    """Memory that a process holds."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
