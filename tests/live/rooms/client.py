"""A client of the room socket, as a page would be one."""

import asyncio
import itertools
import json
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from inference.wire import PreviewPacket

DEADLINE_S = 10.0
Message = dict[str, Any]


class RoomClient:
    """One open room socket. What comes is kept until it is asked for."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self._ids = itertools.count(1)
        self._kept: list[Message | PreviewPacket] = []

    async def send(self, **message: Any) -> None:
        await self.socket.send(json.dumps({"v": 1, **message}))

    async def hello(self, last_seq: int | None = None) -> Message:
        """Say hello; returns the welcome."""
        await self.send(type="hello", **({} if last_seq is None else {"last_seq": last_seq}))
        return await self.next("welcome")

    async def command(self, type_: str, **fields: Any) -> Message:
        """Send a command; returns its reply."""
        command_id = f"c{next(self._ids)}"
        await self.send(type=type_, id=command_id, **fields)
        return await self.wait(lambda message: message["type"] == "reply" and message["id"] == command_id)

    async def next(self, *types: str) -> Message:
        """The next message of one of these types; others stay for later."""
        return await self.wait(lambda message: message["type"] in types)

    async def wait(self, wanted: Callable[[Message], bool]) -> Message:
        """The next message that is wanted; others stay for later."""
        found = await self._find(lambda message: isinstance(message, dict) and wanted(message))
        assert isinstance(found, dict)
        return found

    async def preview(self) -> PreviewPacket:
        """The next preview; it is not acknowledged."""
        found = await self._find(lambda message: isinstance(message, PreviewPacket))
        assert isinstance(found, PreviewPacket)
        return found

    async def any(self, deadline_s: float = DEADLINE_S) -> Message | PreviewPacket:
        """What came next, whatever it is."""
        return await self._find(lambda message: True, deadline_s)

    def kept(self) -> list[Message | PreviewPacket]:
        """What has come and was not asked for."""
        return list(self._kept)

    async def closed(self) -> int:
        """Wait for the close; returns its code."""
        try:
            async with asyncio.timeout(DEADLINE_S):
                while True:
                    self._kept.append(_parse(await self.socket.recv()))
        except ConnectionClosed as error:
            return error.rcvd.code if error.rcvd else 1006

    async def _find(
        self, wanted: Callable[[Message | PreviewPacket], bool], deadline_s: float = DEADLINE_S
    ) -> Message | PreviewPacket:
        for message in self._kept:
            if wanted(message):
                self._kept.remove(message)
                return message
        async with asyncio.timeout(deadline_s):
            while not wanted(message := _parse(await self.socket.recv())):
                self._kept.append(message)
        return message


def _parse(data: str | bytes) -> Message | PreviewPacket:
    if isinstance(data, bytes):
        return PreviewPacket.decode(data)
    message: Message = json.loads(data)
    return message


@asynccontextmanager
async def room(
    url: str, project_id: object, cookie: str = "", *, origin: str | None = None, **options: Any
) -> AsyncIterator[RoomClient]:
    """Open a room socket, from the site's own page unless another origin is given."""
    address = f"{url.replace('http', 'ws', 1)}/ws/rooms/{project_id}/"
    headers = {"Cookie": cookie} if cookie else {}
    sent_origin: Any = url if origin is None else origin or None
    async with connect(address, additional_headers=headers, origin=sent_origin, **options) as socket:
        yield RoomClient(socket)


def request(shot_id: object, /, **fields: Any) -> dict[str, Any]:
    """The fields of a take.request that the shipped model can fulfil."""
    usual = {"key": uuid.uuid4().hex, "prompt": "a red ball", "quality": "draft", "size": "96x64", "frames": 25}
    return {"shot_id": str(shot_id), **usual, **fields}


async def code_of(url: str, project_id: object, cookie: str = "") -> int:
    async with room(url, project_id, cookie) as client:
        return await client.closed()
