"""What those who do nothing cost the others: a viewer that never reads, a slow link, a thousand idle sockets.

``python -m tests.bench.bystanders``.
"""

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import redis.asyncio
from websockets.asyncio.client import ClientConnection

from inference.wire import PreviewPacket
from tests.bench.crowd import MIB, Crowd, cpu_s, gather, resident_bytes, serving
from tests.bench.fanout import ACK
from tests.bench.figures import Figure, percentile, table
from tests.bench.typist import Typist
from tests.helpers.studio import Studio

PACKET_BYTES = 30_000
RATE_HZ = 20
PACKETS = 300
READERS = 10
LINK_BYTES_S = 200_000
IDLE = 1000
IDLE_A_ROOM = 250
OPENING_AT_ONCE = 20
DEADLINE_S = 60
TAKE = UUID(int=1)


def _packet(step: int) -> bytes:
    frames = ((0, os.urandom(PACKET_BYTES)),)
    return PreviewPacket(TAKE, 1, step, 1000, 25, 24, 512, 320, 0, frames).encode()


class Room:
    """A room to which this process says previews, as a worker does; ``step`` is the newest."""

    def __init__(self, client: "redis.asyncio.Redis", crowd: Crowd) -> None:
        self._client, self._channel = client, f"rushes:room:{crowd.project_id}"
        self.step = 0

    async def play(self, packets: int) -> None:
        """Say so many previews, at their rate."""
        begun = time.monotonic()
        for number in range(packets):
            self.step += 1
            await self._client.publish(self._channel, _packet(self.step))
            await asyncio.sleep(max(0.0, begun + (number + 1) / RATE_HZ - time.monotonic()))


@asynccontextmanager
async def _room(crowd: Crowd) -> AsyncIterator[Room]:
    client: redis.asyncio.Redis = redis.asyncio.Redis.from_url(crowd.studio.redis_url)
    async with client:
        yield Room(client, crowd)


async def _count(viewer: ClientConnection, came: list[int]) -> None:
    """Read and acknowledge at once, and note the step of each preview."""
    async for message in viewer:
        if isinstance(message, bytes):
            came.append(PreviewPacket.decode(message).step)
            await viewer.send(ACK)


def _narrow() -> socket.socket:
    """A socket whose kernel takes in little before its application reads."""
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    return narrow


async def _enter_narrow(crowd: Crowd, cookie: str) -> ClientConnection:
    narrow = _narrow()
    narrow.setblocking(False)
    await asyncio.get_running_loop().sock_connect(narrow, ("127.0.0.1", crowd.studio.port))
    # A queue of one frame: with the usual sixteen it would be this process that holds what is not read.
    return await crowd.enter(cookie, sock=narrow, max_queue=1)


async def _lost(crowd: Crowd, *, with_sleeper: bool) -> tuple[float, float]:
    """The share of packets that viewers who read did not get, and how much the web process grew."""
    readers = [await crowd.enter(cookie) for cookie in crowd.cookies[1:]]
    came: list[list[int]] = [[] for _ in readers]
    tasks = [asyncio.create_task(_count(*pair)) for pair in zip(readers, came, strict=True)]
    async with _room(crowd) as room:
        await room.play(RATE_HZ)
        sleeper = await _enter_narrow(crowd, crowd.cookies[0]) if with_sleeper else None
        before, warm = resident_bytes(crowd.web), sum(map(len, came))
        await room.play(PACKETS)
        grown = resident_bytes(crowd.web) - before
        await asyncio.sleep(1)  # what is on its way
    for viewer in [*readers, *([sleeper] if sleeper else [])]:
        viewer.transport.abort()
    await asyncio.gather(*tasks, return_exceptions=True)
    return 1 - (sum(map(len, came)) - warm) / PACKETS / len(readers), grown / MIB


def sleeper(studio: Studio) -> list[Figure]:
    """One viewer that acknowledges nothing and reads nothing."""
    crowd = gather(studio, READERS + 1, "viewer")
    alone, _ = asyncio.run(_lost(crowd, with_sleeper=False))
    lost, grown = asyncio.run(_lost(crowd, with_sleeper=True))
    what = f"one of {READERS + 1} viewers never reads"
    return [
        Figure(f"{what}: previews lost by the others", 100 * lost, "%", 1.0, f"{100 * alone:.2g} % without it"),
        Figure(f"{what}: the web process grows by", grown, "MiB", 5.0, f"{PACKETS} packets of {PACKET_BYTES} bytes"),
    ]


async def _ages(crowd: Crowd) -> list[int]:
    """How many packets behind the newest each preview is when it has come over a slow link."""
    viewer = await _enter_narrow(crowd, crowd.cookies[0])
    ages = []
    async with _room(crowd) as room:
        playing = asyncio.create_task(room.play(PACKETS // 2))
        while not playing.done():
            try:
                message = await asyncio.wait_for(viewer.recv(), 1)
            except TimeoutError:
                break
            if isinstance(message, bytes):
                # The link: what has come took so long, and meanwhile nothing else did.
                await asyncio.sleep(len(message) / LINK_BYTES_S)
                ages.append(room.step - PreviewPacket.decode(message).step)
                await viewer.send(ACK)
        await playing
    viewer.transport.abort()
    return ages


def slow_link(studio: Studio) -> list[Figure]:
    """A viewer at 200 KB/s of previews that are made at three times that."""
    ages = asyncio.run(_ages(gather(studio, 1, "viewer")))
    detail = f"{len(ages)} shown of {PACKETS // 2} made at {RATE_HZ} a second; at most {max(ages)}"
    late = percentile([float(age) for age in ages], 0.5)
    beyond = late * LINK_BYTES_S / PACKET_BYTES / RATE_HZ
    return [
        Figure("viewer at 200 KB/s: a preview's age when shown, in packets of that link", beyond, "", 2.0, detail),
    ]


async def _idle(crowds: Sequence[Crowd], editing: Crowd) -> tuple[float, float, float, list[float]]:
    """Seconds to open, seconds of CPU for it, MiB, and milliseconds of an editor's edits meanwhile."""
    before, before_s = resident_bytes(editing.web), cpu_s(editing.web)
    places = asyncio.Semaphore(OPENING_AT_ONCE)

    async def enter(crowd: Crowd, cookie: str) -> ClientConnection:
        async with places:
            return await crowd.enter(cookie, open_timeout=DEADLINE_S)

    begun = time.monotonic()
    opened = await asyncio.gather(*(enter(crowd, cookie) for crowd in crowds for cookie in crowd.cookies))
    taken_s = time.monotonic() - begun
    grown, used_s = resident_bytes(editing.web) - before, cpu_s(editing.web) - before_s
    waits = await _echoes(editing)
    for viewer in opened:
        viewer.transport.abort()
    return taken_s, used_s, grown / MIB, waits


async def _echoes(crowd: Crowd) -> list[float]:
    """Milliseconds to the acknowledgement of each of fifty edits."""
    typist = Typist(await crowd.open(crowd.cookies[0], "doc?acks=1"), str(crowd.shot_id))
    await typist.begin()
    listening = asyncio.create_task(typist.listen())
    await typist.type(50, rate_hz=10)
    async with asyncio.timeout(DEADLINE_S):
        while len(typist.saved) < len(typist.sent):  # noqa: ASYNC110 - acknowledgements come in the other task
            await asyncio.sleep(0.02)
    await typist.socket.close()
    await listening
    return [1e3 * (there - here) for here, there in zip(typist.sent, typist.saved, strict=True)]


def idle(studio: Studio) -> list[Figure]:
    """A thousand sockets in four rooms that are open and silent."""
    crowds = [gather(studio, IDLE_A_ROOM, "viewer") for _ in range(IDLE // IDLE_A_ROOM)]
    editing = gather(studio, 1)
    alone: Any = asyncio.run(_echoes(editing))
    taken_s, used_s, grown, waits = asyncio.run(_idle(crowds, editing))
    detail = f"50 edits; {percentile(alone, 0.95):.0f} ms without them"
    return [
        Figure(f"{IDLE} idle sockets: all welcomed after", taken_s, "s", 10.0, f"{used_s:.1f} s of CPU of web"),
        Figure(f"{IDLE} idle sockets: the web process grows by", grown, "MiB", 100.0),
        Figure(
            f"{IDLE} idle sockets: an edit to its acknowledgement, p95", percentile(waits, 0.95), "ms", 100.0, detail
        ),
    ]


def figures(studio: Studio) -> list[Figure]:
    """All of them."""
    return [*sleeper(studio), *slow_link(studio), *idle(studio)]


def main() -> None:
    """Print the figures."""
    with serving() as studio:
        print(table(figures(studio)))


if __name__ == "__main__":
    main()
