"""The document socket: ``/ws/rooms/<project>/doc``, which any y-websocket provider can speak.

``?epoch=N`` fences: a client of another history is closed with 4409 and drops what it has. ``?acks=1`` asks for
acknowledgements, which an unmodified provider would not understand.
"""

import asyncio
import os
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID
from weakref import WeakKeyDictionary

from studio import trace
from studio.domain.access import Right
from studio.live import hub, keeper_client
from studio.live.document_log import Connections, DocumentLog
from studio.live.document_room import DocumentRoom
from studio.live.document_wire import Kind, decode, saved_frame
from studio.live.document_work import Edit, Probe, Question
from studio.live.prescan import EMPTY, UpdateError
from studio.live.presence import Speaker
from studio.live.socket import Socket

LEAVE_TIMEOUT_S = 5.0
FAILED_S = 30.0
"""A room whose document cannot be loaded is left alone for so long: each try may cost the other rooms the keeper."""
AWARENESS_FRAME = b"\x01"
MIN_AWARENESS_BYTES = 64
"""A smaller awareness frame counts as so many bytes: handling one costs about as much as a state of this size."""
Key = tuple[UUID, int]


class DocumentSession(Socket):
    """One connection to a project's document."""

    kind = "document"
    # After a lost subscription up to a whole document, 2 MiB, is news; what was asked for does not count.
    outbox_bytes = 6 * 1024 * 1024

    async def opened(self) -> None:
        """Join the room, unless the client's history is another."""
        query = parse_qs(self.scope["query_string"].decode("latin-1"))
        epoch = self.access.project.doc_epoch
        if query.get("epoch", [str(epoch)]) != [str(epoch)]:
            self.close("stale_epoch")
            return
        self._acks, self._saved = query.get("acks") == ["1"], 0
        self._may_edit = self.access.may(Right.EDIT)
        room = rooms().open(self.project_id, epoch)
        if room is None:
            self.close("unavailable")
            return
        self._room = room
        self.speaker = Speaker(self._room.presence, _person(self))
        self._room.join(self)

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Awareness is counted in bytes only: an unmodified provider says back what it hears of everybody else."""
        data = message.get("bytes") or b""
        if data[:1] != AWARENESS_FRAME or self.closing is not None:
            await super().dispatch(message)
        elif self._bytes.take(max(len(data), MIN_AWARENESS_BYTES)):
            await self.received(data)
        else:
            self.close("too_much")

    async def received(self, data: str | bytes) -> None:
        """Take one frame in. Nothing here waits: the room's task does the work."""
        try:
            kind, payload = decode(data if isinstance(data, bytes) else b"")
            self._handle(kind, payload)
        except UpdateError:
            self.close("bad_update")

    async def closed(self) -> None:
        """Leave; the last one waits until what was sent is durable."""
        if hasattr(self, "_room"):
            self._room.leave(self)
            await rooms().settled(self._room, LEAVE_TIMEOUT_S)

    def saved(self, count: int) -> None:
        """So many more of this connection's updates are durable."""
        self._saved += count
        if self._acks:
            self.push(saved_frame(self._saved))

    def _handle(self, kind: Kind, payload: bytes) -> None:
        if kind is Kind.VECTOR:
            self._room.put(Question(self, payload))
        elif kind is Kind.AWARENESS:
            self.speaker.hear(payload)
        elif kind is Kind.QUERY:
            self._room.introduce(self)
        elif payload == EMPTY or self._may_edit:
            self._room.put(Edit(self, payload))
        elif kind is Kind.SYNC:
            self._room.put(Probe(self, payload))
        else:
            self.close("read_only")


class Rooms:
    """The document rooms of this process."""

    def __init__(self) -> None:
        self.origin = os.urandom(16)
        self._connections = Connections()
        self._rooms: dict[Key, DocumentRoom] = {}
        self._tasks: dict[DocumentRoom, asyncio.Task[None]] = {}
        self._failed = set[Key]()

    def open(self, project_id: UUID, epoch: int) -> DocumentRoom | None:
        """The room of a project and epoch; it lives as long as somebody is in it. None when it has just failed."""
        key = project_id, epoch
        if key in self._failed:
            return None
        if key not in self._rooms:
            log = DocumentLog(self._connections, project_id, epoch)
            room = DocumentRoom(project_id, log, keeper_client.get(), hub.get(), self.origin)
            self._rooms[key] = room
            running = self._run(key, room)
            self._tasks[room] = asyncio.create_task(running, context=trace.only(room=project_id))
        return self._rooms[key]

    async def _run(self, key: Key, room: DocumentRoom) -> None:
        try:
            if not await room.live(ended=lambda: self._forget(key)):
                self._failed.add(key)
                asyncio.get_running_loop().call_later(FAILED_S, self._failed.discard, key)
        finally:
            del self._tasks[room]

    def _forget(self, key: Key) -> None:
        del self._rooms[key]

    async def settled(self, room: DocumentRoom, timeout_s: float) -> None:
        """Wait until a room that everybody has left has done its work."""
        if not room.peers and (task := self._tasks.get(room)):
            await asyncio.wait([task], timeout=timeout_s)

    async def close(self) -> None:
        """End every room. For tests; a process's rooms end with it."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._connections.close()


_all: "WeakKeyDictionary[asyncio.AbstractEventLoop, Rooms]" = WeakKeyDictionary()


def rooms() -> Rooms:
    """The rooms of the running loop, which is the process's but in tests."""
    return _all.setdefault(asyncio.get_running_loop(), Rooms())


def use(rooms_: Rooms) -> None:
    """Have the running loop use these rooms. For tests."""
    _all[asyncio.get_running_loop()] = rooms_


def _person(session: DocumentSession) -> dict[str, int | str]:
    """Who a connection is, as the others see it."""
    user = session.access.user
    return {"id": user.pk, "name": str(user), "colour": user.colour, "role": session.access.role.value}
