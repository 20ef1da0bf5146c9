"""A Yjs client at the document socket, in the test's own process."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from pycrdt import Doc, Map, Text

from studio.domain.access import Access
from studio.live.document import DocumentSession
from studio.live.document_wire import (
    Kind,
    State,
    awareness_frame,
    decode,
    decode_awareness,
    step_1,
    step_2,
    update_frame,
)
from studio.live.prescan import Cursor, read

DEADLINE_S = 10.0
SAVED = 100


class Admitted(DocumentSession):
    """A session whose person has been let in."""

    def __init__(self, access: Access) -> None:
        super().__init__()
        self.access = access

    async def _admit(self) -> None:
        self._admitted = True
        await self.opened()


class Client:
    """Speaks as a y-websocket provider does, by hand: ``doc`` follows the server, ``edit`` sends what it changed."""

    def __init__(self, access: Access, query: str = "acks=1", doc: Doc[Any] | None = None) -> None:
        self.doc: Doc[Any] = doc or Doc()
        self.shots = self.doc.get("shots", type=Map)
        self.states: dict[int, State] = {}
        self.close_code: int | None = None
        self.synced, self.asked, self.saved, self.sent = False, False, 0, 0
        self.updates: list[bytes] = []
        self._news = asyncio.Condition()
        self._inward: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.session = Admitted(access)
        scope = {
            "type": "websocket",
            "url_route": {"kwargs": {"project_id": access.project.pk}},
            "query_string": query.encode(),
        }
        self._inward.put_nowait({"type": "websocket.connect"})
        self.task = asyncio.create_task(self.session(scope, self._inward.get, self._take))

    @classmethod
    async def joined(cls, access: Access, query: str = "acks=1", doc: Doc[Any] | None = None) -> "Client":
        """A client that has all there is."""
        client = cls(access, query, doc)
        client.ask()
        await client.until(lambda: client.synced and client.asked)
        return client

    def send(self, frame: bytes) -> None:
        """A frame, as it is."""
        self._inward.put_nowait({"type": "websocket.receive", "bytes": frame, "text": None})

    def ask(self) -> None:
        """Sync step 1."""
        self.send(step_1(self.doc.get_state()))

    def send_update(self, update: bytes) -> None:
        """An update, as it is; counted, as acknowledgements are."""
        self.sent += 1
        self.send(update_frame(update))

    def edit(self, change: Callable[[], object]) -> bytes:
        """Change the document, send what came of it."""
        before = self.doc.get_state()
        with self.doc.transaction():
            change()
        update = self.doc.get_update(before)
        self.send_update(update)
        return update

    def say(self, client: int, clock: int, text: str) -> None:
        """An awareness state."""
        self.send(awareness_frame([State(client, clock, text)]))

    def prompt(self, shot: str) -> Text:
        """A shot's prompt."""
        text: Text = self.shots[shot]["prompt"]
        return text

    def text(self, shot: str) -> str:
        """A shot's prompt as it reads here; "" before it is here."""
        return str(self.prompt(shot)) if shot in self.shots else ""

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait until something holds, looking after each frame; fails after DEADLINE_S."""
        async with asyncio.timeout(DEADLINE_S), self._news:
            await self._news.wait_for(lambda: bool(holds()))

    async def taken(self) -> None:
        """Wait until the server has taken in all that was sent, done or not."""
        async with asyncio.timeout(DEADLINE_S):
            while not self._inward.empty():  # noqa: ASYNC110 - a queue tells nobody that it is empty
                await asyncio.sleep(0)

    async def all_saved(self) -> None:
        """Wait until everything that was sent is acknowledged."""
        await self.until(lambda: self.saved >= self.sent)

    async def closed_with(self) -> int:
        """Wait for the close code."""
        await self.until(lambda: self.close_code is not None)
        assert self.close_code is not None
        return self.close_code

    async def leave(self) -> None:
        """Disconnect, and wait until the server has let go."""
        self._inward.put_nowait({"type": "websocket.disconnect", "code": 1000})
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait_for(self.task, DEADLINE_S)

    async def _take(self, message: dict[str, Any]) -> None:
        async with self._news:
            if message["type"] == "websocket.send":
                self._frame(message["bytes"])
            elif message["type"] == "websocket.close":
                self.close_code = message["code"]
            self._news.notify_all()

    def _frame(self, frame: bytes) -> None:
        if frame[0] == SAVED:
            self.saved = read(frame[1:], lambda cursor: cursor.number(2**31))
            return
        kind, payload = decode(frame)
        if kind is Kind.VECTOR:
            self.asked = True
            self.sent += 1
            self.send(step_2(self.doc.get_update(payload)))
        elif kind is Kind.AWARENESS:
            self.states |= {state.client: state for state in decode_awareness(payload)}
        else:
            self.synced = self.synced or kind is Kind.SYNC
            self.updates.append(payload)
            self.doc.apply_update(payload)


__all__ = ["Client", "Cursor"]
