"""Somebody who types into a shot's prompt: a socket of the document, as a page has one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from pycrdt import Doc, Map, Text
from websockets.asyncio.client import ClientConnection, connect

from studio.live.document_wire import Kind, decode, step_1, step_2, update_frame
from tests.bench.guests import Guest

LINE = 60
"""Letters, after which the line is deleted again: a text that grows for ever would be memory that does."""
SAVED = 100


class Typist:
    """One open document."""

    def __init__(self, socket: ClientConnection, shot_id: str) -> None:
        self._socket, self._shot_id = socket, shot_id
        self._doc: Doc[Any] = Doc()
        self._shots = self._doc.get("shots", type=Map)
        self._written = 0
        self.synced = asyncio.Event()

    async def key(self) -> None:
        """Write a letter, or delete the line."""
        prompt: Text = self._shots[self._shot_id]["prompt"]
        before = self._doc.get_state()
        if self._written < LINE:
            prompt.insert(len(prompt), "x")
            self._written += 1
        else:
            del prompt[len(prompt) - self._written : len(prompt)]
            self._written = 0
        await self._socket.send(update_frame(self._doc.get_update(before)))

    async def read(self) -> None:
        """Take in what comes, until the socket closes."""
        await self._socket.send(step_1(self._doc.get_state()))
        async for frame in self._socket:
            assert isinstance(frame, bytes)
            if frame[0] != SAVED:
                await self._take(frame)

    async def _take(self, frame: bytes) -> None:
        kind, payload = decode(frame)
        if kind is Kind.VECTOR:
            await self._socket.send(step_2(self._doc.get_update(payload)))
        elif kind is not Kind.AWARENESS:
            self._doc.apply_update(payload)
            self.synced.set()


@asynccontextmanager
async def typist(guest: Guest, shot_id: str) -> AsyncIterator[Typist]:
    """Open the document of a guest's room."""
    address = f"{guest.url.replace('http', 'ws', 1)}/ws/rooms/{guest.project_id}/doc?acks=1"
    origin: Any = guest.url
    async with connect(address, additional_headers={"Cookie": guest.cookie}, origin=origin) as socket:
        at = Typist(socket, shot_id)
        reading = asyncio.create_task(at.read())
        try:
            async with asyncio.timeout(10):
                await at.synced.wait()
            yield at
        finally:
            reading.cancel()
