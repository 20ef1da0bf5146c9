"""The viewers of one room in this process, and what each of them gets.

Events come in the order of their numbers, each once: what Redis lost, or delivered out of order, is read from
Postgres. A text or a packet is made once, and the same object goes to every viewer.
"""

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any
from uuid import UUID

from studio import trace
from studio.domain import events
from studio.live import broadcast, groups, protocol
from studio.live.outbox import CREDITS, Outbox
from studio.live.threads import in_thread

logger = logging.getLogger(__name__)

HELD_LIMIT = 500
RETRY_S = 1.0
_ENDED = ("take.done", "take.failed", "take.cancelled")
_TAKE_ID = slice(4, 20)
"""Where a preview packet says whose it is."""


class Viewer:
    """One room socket. It holds texts back while its snapshot or its replay is being read."""

    def __init__(
        self, outbox: Outbox, *, push: Callable[[str], None], resync: Callable[[], None], end: Callable[[str], None]
    ) -> None:
        self.outbox, self._push, self.resync, self.end = outbox, push, resync, end
        self.seq = 0
        self._held: list[tuple[int, str]] | None = []

    def hold(self) -> None:
        """Keep texts back until ``begin``."""
        self._held = self._held or []

    def begin(self, seq: int) -> None:
        """What the viewer has shows the room at ``seq``; from here on it hears the room as it goes."""
        held, self._held, self.seq = self._held or [], None, seq
        self.outbox.credit(CREDITS)
        for number, text in held:
            self.tell(number, text)

    def tell(self, seq: int, text: str) -> None:
        """Pass on an event that the viewer does not have yet, or a notice, whose number is 0."""
        if self._held is None:
            if seq == 0 or seq > self.seq:
                self.seq = max(self.seq, seq)
                self._push(text)
        elif len(self._held) < HELD_LIMIT:
            self._held.append((seq, text))
        else:
            self.end("too_slow")


class Audience:
    """The listener of a room's channel on behalf of its viewers."""

    def __init__(self, project_id: UUID, seq: int) -> None:
        """``seq`` is a number that the room had before its channel was subscribed to."""
        self.project_id = project_id
        self.viewers: set[Viewer] = set()
        self._seq = self._newest = seq
        self._catching_up: asyncio.Task[None] | None = None

    def on_message(self, data: bytes) -> None:
        """Take a message of the room's channel; what concerns documents is not for viewers."""
        if data.startswith(groups.PREVIEW):
            self._preview(data)
        elif data.startswith(groups.EVENT):
            text = data.decode()
            message = json.loads(text)
            if "seq" in message:
                self._event(message, text)
            else:
                self.notice(text)

    def on_resync(self) -> None:
        """Redis was away."""
        self._catch_up()

    def expect(self, seq: int) -> None:
        """The room has events up to this number: what of them has not been heard is read."""
        self._newest = max(self._newest, seq)
        if seq > self._seq:
            self._catch_up()

    def notice(self, text: str) -> None:
        """Tell every viewer something that has no number."""
        for viewer in tuple(self.viewers):
            viewer.tell(0, text)

    def close(self) -> None:
        """The last viewer has gone."""
        if self._catching_up is not None:
            self._catching_up.cancel()

    def _preview(self, packet: bytes) -> None:
        take_id = UUID(bytes=packet[_TAKE_ID])
        for viewer in self.viewers:
            viewer.outbox.offer(take_id, packet)

    def _event(self, message: dict[str, Any], text: str) -> None:
        seq: int = message["seq"]
        self._newest = max(self._newest, seq)
        if seq == self._seq + 1:
            self._deliver(message, text)
        elif seq > self._seq:
            self._catch_up()

    def _deliver(self, message: dict[str, Any], text: str) -> None:
        self._seq = message["seq"]
        for viewer in tuple(self.viewers):
            viewer.tell(self._seq, text)
            if message["type"] in _ENDED:
                viewer.outbox.forget(UUID(message["take"]["id"]))
            if message["type"] == "project.deleted":
                viewer.end("not_found")

    def _catch_up(self) -> None:
        if self._catching_up is None or self._catching_up.done():
            self._catching_up = asyncio.create_task(self._read_missed(), context=trace.only(room=self.project_id))

    async def _read_missed(self) -> None:
        """Read until nothing that was heard of is missing; while Postgres is away, again and again."""
        while True:
            try:
                await self._read_once()
            except Exception:
                logger.exception("events of room %s after %d were not read", self.project_id, self._seq)
            else:
                if self._seq >= self._newest:
                    return
            await asyncio.sleep(RETRY_S)

    async def _read_once(self) -> None:
        missed = await in_thread(events.since, self.project_id, self._seq)
        if missed is None:
            self._seq = self._newest = await in_thread(events.newest, self.project_id)
            for viewer in tuple(self.viewers):
                viewer.hold()
                viewer.resync()
            return
        for event in missed:
            if event.seq == self._seq + 1:
                message = protocol.event_message(event.seq, event.type, event.payload)
                self._deliver(message, broadcast.encode(message))
