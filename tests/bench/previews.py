"""Previews as a worker says them to a room, and the viewers that the benches of bystanders have."""

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import redis.asyncio
from websockets.asyncio.client import ClientConnection

from inference.wire import PreviewPacket
from tests.bench.crowd import Crowd
from tests.bench.fanout import ACK

PACKET_BYTES = 30_000
MADE_HZ = 4.0
"""``inference.outbox.SHOWN_HZ``, held equal by a test: a bench loads no torch."""
TAKE = UUID(int=1)


class Room:
    """A room to which this process says previews, as a worker does; ``step`` is the newest."""

    def __init__(self, client: "redis.asyncio.Redis", crowd: Crowd) -> None:
        self._client, self._channel = client, f"rushes:room:{crowd.project_id}"
        self.step = 0

    async def play(self, packets: int, rate_hz: float, size_bytes: int = PACKET_BYTES) -> None:
        """Say so many previews, at their rate."""
        begun = time.monotonic()
        for number in range(packets):
            self.step += 1
            await self._client.publish(self._channel, _packet(self.step, size_bytes))
            await asyncio.sleep(max(0.0, begun + (number + 1) / rate_hz - time.monotonic()))


def _packet(step: int, size_bytes: int) -> bytes:
    frames = ((0, os.urandom(size_bytes)),)
    return PreviewPacket(TAKE, 1, step, 1000, 25, 24, 512, 320, 0, frames).encode()


@asynccontextmanager
async def room_of(crowd: Crowd) -> AsyncIterator[Room]:
    """The room of a crowd."""
    client: redis.asyncio.Redis = redis.asyncio.Redis.from_url(crowd.studio.redis_url)
    async with client:
        yield Room(client, crowd)


async def count(viewer: ClientConnection, came: list[int]) -> None:
    """Read and acknowledge at once, and note the step of each preview."""
    async for message in viewer:
        if isinstance(message, bytes):
            came.append(PreviewPacket.decode(message).step)
            await viewer.send(ACK)


async def enter_narrow(crowd: Crowd, cookie: str) -> ClientConnection:
    """A room socket whose kernel takes in little before its application reads."""
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    narrow.setblocking(False)
    await asyncio.get_running_loop().sock_connect(narrow, ("127.0.0.1", crowd.studio.port))
    # A queue of one frame: with the usual sixteen it would be this process that holds what is not read.
    return await crowd.enter(cookie, sock=narrow, max_queue=1)
