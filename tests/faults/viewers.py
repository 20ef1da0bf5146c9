"""Viewers of one room, and what is said to it, in a process of their own: their reading takes no time from the editors.

``python -m tests.faults.viewers <manner> <url> <redis> <project> <packets> <cookie>…``: a viewer for each cookie, who
reads at once (``prompt``), or else (``slow``) over a slow link or not at all. Half of them stay, the others come and
go at the same moments in either manner. It says READY when those who stay are in, and from then on so many previews
with their notices; at the end, in one line, what became of the viewers.
"""

import asyncio
import json
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

import redis.asyncio
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from inference.wire import PreviewPacket
from studio.live import groups
from studio.live.document_wire import step_1
from studio.live.outbox import MAX_BYTES
from tests.faults.editors import until
from tests.live.rooms.client import RoomClient, room

READY = "they are in"
RATE_HZ, PACKET_BYTES, NOTICE_BYTES, PACKETS_A_NOTICE = 10, 30_000, 80_000, 2
LINK_BYTES_S = 550_000
"""All notices come over it, and about half of the previews."""
ON_ITS_WAY_BYTES = 768 * 1024
"""What kernels, transports and the client's library hold of a stream that nobody reads, mostly, with such a socket."""
UNREAD_BYTES = MAX_BYTES + ON_ITS_WAY_BYTES + 3 * NOTICE_BYTES
"""Whoever has so much of notices unread is closed by now, mostly, and not for so long that the close code is lost."""
CLOSED_S = 2.0
TAKE = UUID(int=1)
Opened = tuple[RoomClient, ClientConnection]
"""A page's room and document."""


@dataclass
class Fates:
    """How many previews each got who stayed, and what closed those who read, and those who did not."""

    previews: list[int] = field(default_factory=list)
    readers_closed: list[int] = field(default_factory=list)
    sleepers_closed: list[int] = field(default_factory=list)


class Traffic:
    """What is said to the room: previews as a worker sends them, and notices."""

    def __init__(self, client: "redis.asyncio.Redis", project_id: str) -> None:
        self._client, self._channel = client, groups.room(UUID(project_id))
        self._notice = json.dumps(
            {"type": "queue.moved", "v": 1, "places": {"x" * NOTICE_BYTES: 1}}, separators=(",", ":")
        )
        self.notices_bytes = 0

    async def says(self, notices_bytes: int) -> None:
        """Wait until so many further bytes of notices have been said."""
        enough_bytes = self.notices_bytes + notices_bytes
        await until(lambda: self.notices_bytes >= enough_bytes, 60, f"{notices_bytes} bytes of notices are said")

    async def play(self, packets: int) -> None:
        """Say so many previews, at their rate."""
        begun_s = time.monotonic()
        for step in range(1, packets + 1):
            await self._client.publish(self._channel, _packet(step))
            if step % PACKETS_A_NOTICE == 0:
                await self._client.publish(self._channel, self._notice)
                self.notices_bytes += NOTICE_BYTES
            await asyncio.sleep(max(0.0, begun_s + step / RATE_HZ - time.monotonic()))


def _packet(step: int) -> bytes:
    frames = ((0, os.urandom(PACKET_BYTES)),)
    return PreviewPacket(TAKE, 1, step, 1000, 25, 24, 512, 320, 0, frames).encode()


@dataclass
class Page:
    """Where a viewer's page connects: the room, and its document."""

    url: str
    project_id: str
    cookie: str

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Opened]:
        """Both sockets of a page that has been welcomed."""
        options: dict[str, Any] = {"max_queue": 1, "max_size": None, "ping_interval": None, "close_timeout": 0.1}
        address = f"{self.url.replace('http', 'ws', 1)}/ws/rooms/{self.project_id}/doc"
        headers: Any = {"additional_headers": {"Cookie": self.cookie}, "origin": self.url}
        async with (
            room(self.url, self.project_id, self.cookie, sock=await self._connected(), **options) as client,
            connect(address, sock=await self._connected(), **headers, **options) as document,
        ):
            await client.hello()
            await document.send(step_1(b"\x00"))
            yield client, document

    async def _connected(self) -> socket.socket:
        """A socket whose kernels hold what they would over a network, not the megabytes of loopback."""
        host, _, port = self.url.rpartition("/")[2].partition(":")
        made = socket.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1400)
        made.setblocking(False)
        await asyncio.get_running_loop().sock_connect(made, (host, int(port)))
        return made


@dataclass
class Crowd:
    """What the viewers share."""

    traffic: Traffic
    fates: Fates = field(default_factory=Fates)
    arrivals: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))


@asynccontextmanager
async def _reading(page: Opened, fates: Fates, link_bytes_s: float = float("inf")) -> AsyncIterator[list[int]]:
    """Read all that comes for as long as the block lasts, at the link's pace, and acknowledge each preview; the steps
    of those that came.
    """
    came: list[int] = []
    client, document = page
    tasks = [asyncio.create_task(_drain(document)), asyncio.create_task(_read(client, came, fates, link_bytes_s))]
    try:
        yield came
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def _read(client: RoomClient, came: list[int], fates: Fates, link_bytes_s: float) -> None:
    try:
        while True:
            message = await client.socket.recv()
            await asyncio.sleep(len(message) / link_bytes_s)
            if isinstance(message, bytes):
                came.append(PreviewPacket.decode(message).step)
                await client.send(type="preview.ack", count=1)
    except ConnectionClosed as error:
        fates.readers_closed.append(error.rcvd.code if error.rcvd else 1006)


async def _drain(document: ClientConnection) -> None:
    with suppress(ConnectionClosed):
        async for _ in document:
            pass


async def _stay(page: Page, crowd: Crowd, link_bytes_s: float) -> None:
    """Read until the end."""
    async with page.open() as opened:
        crowd.arrivals.release()
        async with _reading(opened, crowd.fates, link_bytes_s) as came:
            try:
                await asyncio.Event().wait()
            finally:
                crowd.fates.previews.append(len(came))


async def _come_and_go(page: Page, crowd: Crowd, late_bytes: int, *, asleep: bool) -> None:
    """Come again and again. ``asleep``: read nothing until the server must have closed, and see with what; else read,
    and leave just then.
    """
    crowd.arrivals.release()
    await crowd.traffic.says(late_bytes)
    while True:
        async with page.open() as opened:
            await (_sleep if asleep else _visit)(opened, crowd)


async def _sleep(opened: Opened, crowd: Crowd) -> None:
    """Where the kernel held more than that on its way, nobody was closed; whoever came for that comes again."""
    await crowd.traffic.says(UNREAD_BYTES)
    with suppress(TimeoutError):
        async with asyncio.timeout(CLOSED_S):
            crowd.fates.sleepers_closed.append(await opened[0].closed())


async def _visit(opened: Opened, crowd: Crowd) -> None:
    async with _reading(opened, crowd.fates):
        await crowd.traffic.says(UNREAD_BYTES)


def _viewer(manner: str, number: int, page: Page, crowd: Crowd) -> Coroutine[Any, Any, None]:
    """Every other one comes and goes, each a while after the one before."""
    is_slow = manner == "slow"
    if number % 2:
        return _come_and_go(page, crowd, number * NOTICE_BYTES, asleep=is_slow)
    return _stay(page, crowd, LINK_BYTES_S if is_slow else float("inf"))


async def watch(manner: str, url: str, redis_url: str, project_id: str, packets: str, *cookies: str) -> Fates:
    """Have all viewers in, and play to them."""
    async with redis.asyncio.Redis.from_url(redis_url) as client, asyncio.TaskGroup() as group:
        crowd = Crowd(Traffic(client, project_id))
        pages = (Page(url, project_id, cookie) for cookie in cookies)
        tasks = [group.create_task(_viewer(manner, number, page, crowd)) for number, page in enumerate(pages)]
        for _ in cookies:
            await crowd.arrivals.acquire()
        print(READY, flush=True)
        await crowd.traffic.play(int(packets))
        for task in tasks:
            task.cancel()
    return crowd.fates


if __name__ == "__main__":
    print(json.dumps(asdict(asyncio.run(watch(*sys.argv[1:])))), flush=True)
