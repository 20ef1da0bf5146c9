"""Somebody who types into a shot's prompt: a socket of the document, as a page has one."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from pycrdt import Doc, Map, Text
from websockets.asyncio.client import ClientConnection, connect

from studio.live.document_wire import step_1, step_2, update_frame
from studio.live.prescan import EMPTY, Cursor
from tests.bench.guests import Guest

STEP_1, STEP_2, UPDATE, SAVED = b"\x00\x00", b"\x00\x01", b"\x00\x02", b"\x64"
LINE = 60
"""Letters, after which the line is deleted again: a text that grows for ever would be memory that does."""


@dataclass
class Typist:
    """One editor's socket and document. ``sent`` and ``saved`` hold the time of each update, by its number."""

    socket: ClientConnection
    shot: str
    doc: "Doc[Any]" = field(default_factory=Doc)
    sent: list[float] = field(default_factory=list)
    saved: list[float] = field(default_factory=list)
    heard: int = 0
    place: int = 0

    async def begin(self) -> None:
        """Have what the server has."""
        self.doc.get("shots", type=Map)
        await self.socket.send(step_1(self.doc.get_state()))
        async for frame in self.socket:
            assert isinstance(frame, bytes)
            if frame[:2] == STEP_1:
                await self.socket.send(step_2(EMPTY))
            if frame[:2] == STEP_2:
                self.doc.apply_update(payload(frame))
                break

    async def listen(self) -> None:
        """Count what comes, and note when what was sent is durable."""
        async for frame in self.socket:
            assert isinstance(frame, bytes)
            if frame[:2] == UPDATE:
                self.heard += 1
                self.hear(frame)
            elif frame[:1] == SAVED:
                # The answer to the server's own question is the first that is acknowledged.
                count = Cursor(frame[1:]).number(2**53) - 1
                self.saved += [time.monotonic()] * (count - len(self.saved))

    def hear(self, frame: bytes) -> None:
        """What others wrote is not read: it would cost this process more than the servers."""

    async def type(self, count: int, rate_hz: float) -> None:
        """Press so many keys, beginning at some time within the first pause."""
        await asyncio.sleep(random.random() / rate_hz)
        for number in range(count):
            begun = time.monotonic()
            await self.key("abcdefgh"[number % 8])
            await asyncio.sleep(max(0.0, begun + 1 / rate_hz - time.monotonic()))

    async def key(self, letter: str = "x") -> None:
        """Write a letter behind the last one, or delete the line when it is long."""
        update = self._change(lambda prompt: self._press(prompt, letter))
        self.sent.append(time.monotonic())
        await self.socket.send(update_frame(update))

    def _press(self, prompt: Text, letter: str) -> None:
        if self.place < LINE:
            prompt.insert(self.place, letter)
            self.place += 1
        else:
            del prompt[: self.place]
            self.place = 0

    def _change(self, act: Callable[[Text], None]) -> bytes:
        made: list[bytes] = []
        subscription = self.doc.observe(lambda event: made.append(event.update))
        act(self.doc["shots"][self.shot]["prompt"])
        self.doc.unobserve(subscription)
        return made[0]


def payload(frame: bytes) -> bytes:
    """The state or update in a sync frame; the server's may be of any size."""
    return Cursor(frame[2:]).words(2**31)


@asynccontextmanager
async def typist(guest: Guest, shot_id: str) -> AsyncIterator[Typist]:
    """Open the document of a guest's room."""
    address = f"{guest.url.replace('http', 'ws', 1)}/ws/rooms/{guest.project_id}/doc?acks=1"
    origin: Any = guest.url
    async with connect(address, additional_headers={"Cookie": guest.cookie}, origin=origin) as socket:
        at = Typist(socket, shot_id)
        async with asyncio.timeout(10):
            await at.begin()
        listening = asyncio.create_task(at.listen())
        try:
            yield at
        finally:
            listening.cancel()
