"""People who come by "Try it now", each with a room of their own: over HTTP, as anybody would."""

import asyncio
import itertools
import json
import re
import urllib.parse
import urllib.request
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from tests.live.rooms.client import request

ACK = '{"type":"preview.ack","v":1,"count":1}'
ANSWER_S = 300.0
"""A take may wait behind those of many rooms on a busy machine."""


@dataclass(frozen=True)
class Guest:
    """Somebody signed in, and the room that was made for them."""

    url: str
    cookie: str
    project_id: str

    @classmethod
    def come(cls, url: str) -> "Guest":
        """Press "Try it now"."""
        jar = CookieJar()
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
        with browser.open(url, timeout=30) as page:
            token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.read().decode())
        assert token is not None, "the front page has no form"
        form = urllib.parse.urlencode({"csrfmiddlewaretoken": token[1], "name": "Ana"}).encode()
        with browser.open(f"{url}/try/", form, timeout=30) as page:
            project_id = urllib.parse.urlsplit(page.url).path.strip("/").rpartition("/")[2]
        return cls(url, "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar), str(uuid.UUID(project_id)))


class Desk:
    """A guest's room socket, from which takes are asked for. Everything is read as it comes, as a page does."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._commands = itertools.count(1)
        self._answers: dict[str, dict[str, Any]] = {}
        self._news = asyncio.Condition()

    async def enter(self) -> None:
        """Say hello."""
        await self._socket.send('{"type":"hello","v":1}')
        room = (await self._answer("welcome"))["room"]
        self.shot_id, self._offer = str(room["shots"][0]["id"]), room["offer"]

    async def ask(self, **fields: Any) -> str:
        """Ask for a take of the first size and length on offer; returns its id."""
        size, frames, command = self._offer["sizes"][0]["id"], self._offer["lengths"][0], f"c{next(self._commands)}"
        asked = request(self.shot_id, size=size, frames=frames, **fields)
        await self._socket.send(json.dumps({"type": "take.request", "v": 1, "id": command, **asked}))
        reply = await self._answer(command)
        assert reply["error"] is None, reply["error"]
        return str(reply["take_id"])

    async def ended(self, take_id: str) -> dict[str, Any]:
        """Wait until a take has ended; returns its event."""
        return await self._answer(take_id)

    async def read(self) -> None:
        """Take in what comes, until the socket closes."""
        async for data in self._socket:
            if isinstance(data, bytes):
                await self._socket.send(ACK)
            elif name := _name(message := json.loads(data)):
                async with self._news:
                    self._answers[name] = message
                    self._news.notify_all()

    async def _answer(self, name: str) -> dict[str, Any]:
        async with asyncio.timeout(ANSWER_S), self._news:
            await self._news.wait_for(lambda: name in self._answers)
            return self._answers.pop(name)


def _name(message: dict[str, Any]) -> str:
    """What somebody may wait for a message by: a command's id, or that of a take which has ended."""
    if message["type"] == "reply":
        return str(message["id"])
    if message["type"] in ("take.done", "take.failed", "take.cancelled"):
        return str(message["take"]["id"])
    return "welcome" if message["type"] == "welcome" else ""


@asynccontextmanager
async def desk(guest: Guest) -> AsyncIterator[Desk]:
    """Open a guest's room."""
    address = f"{guest.url.replace('http', 'ws', 1)}/ws/rooms/{guest.project_id}/"
    origin: Any = guest.url
    options: Any = {"additional_headers": {"Cookie": guest.cookie}, "origin": origin, "max_size": None}
    async with connect(address, **options) as socket:
        at = Desk(socket)
        reading = asyncio.create_task(at.read())
        try:
            await at.enter()
            yield at
        finally:
            reading.cancel()
