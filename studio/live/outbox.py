"""What waits to be sent on one socket: messages in order, none dropped, and previews, of which the newest wins."""

import asyncio
from collections.abc import Callable, Sequence
from uuid import UUID

from studio.live import shortcut
from studio.live.limits import count_bytes

CREDITS = 2
"""Preview packets that a viewer may have unacknowledged."""
# A viewer that reads nothing holds at most this much and an answer: 250 of them in a room are 250 MB and 250 answers.
MAX_BYTES = 1024 * 1024

Frame = str | bytes


class Outbox:
    """Written by whoever has news, read by the one task that sends. Previews wait until credit is given.

    A preview that nothing waits before goes out by ``send_now``, past that task.
    """

    def __init__(self, max_bytes: int = MAX_BYTES, send_now: Callable[[bytes], bool] = shortcut.never) -> None:
        self.size_bytes = 0
        """Of messages that were put and have not gone out."""
        self.credits = 0
        self._max_bytes, self._send_now = max_bytes, send_now
        self._all_sent = False
        self._taken_bytes = 0
        self._messages: list[Frame] = []
        self._answer_waits = False
        self._previews: dict[UUID, bytes] = {}
        self._wake = asyncio.Event()
        self._answered = asyncio.Event()
        self._answered.set()

    def put(self, frame: Frame) -> bool:
        """Add a message. False when the reader is so far behind that it has to be closed."""
        self.size_bytes += count_bytes(frame)
        self._messages.append(frame)
        self._wake.set()
        return self.size_bytes <= self._max_bytes

    def end(self) -> None:
        """Send the messages that wait, and no preview any more."""
        self.credits = 0
        self.put("")

    @property
    def has_messages(self) -> bool:
        """Whether messages wait to be taken."""
        return bool(self._messages)

    @property
    def is_answered(self) -> bool:
        """Whether every answer has gone out."""
        return self._answered.is_set()

    async def answered(self) -> None:
        """Wait until every answer has gone out."""
        await self._answered.wait()

    def answer(self, frames: Sequence[Frame]) -> None:
        """Add what the reader asked for. It may be of any size and is not counted: asking is not being behind."""
        self._messages += frames
        self._answer_waits = True
        self._answered.clear()
        self._wake.set()

    def offer(self, take_id: UUID, packet: bytes) -> None:
        """Send a preview, or add it, in place of an older one of the same take that has not gone out."""
        if self._all_sent and self.credits and not self._wake.is_set() and self._send_now(packet):
            self.credits -= 1
            return
        self._previews[take_id] = packet
        if self.credits:
            self._wake.set()

    def offer_late(self, take_id: UUID, packet: bytes) -> None:
        """Add a preview that was kept for late joiners, unless a fresh one of the same take is there already."""
        self._previews.setdefault(take_id, packet)
        self._wake.set()

    def forget(self, take_id: UUID) -> None:
        """Drop a take's waiting preview: the take has ended."""
        self._previews.pop(take_id, None)

    def credit(self, count: int) -> None:
        """The viewer has shown ``count`` previews."""
        self.credits = min(CREDITS, self.credits + count)
        if self._previews:
            self._wake.set()

    async def take(self) -> list[Frame]:
        """What to send next, waiting until there is something: all messages, then previews as credit allows.

        Whoever takes again has sent all that they took before.
        """
        self.size_bytes -= self._taken_bytes
        self._taken_bytes = 0
        if not self._answer_waits:
            self._answered.set()
        while not (frames := self._ready()):
            self._wake.clear()
            self._all_sent = True
            try:
                await self._wake.wait()
            finally:
                self._all_sent = False
        return frames

    def _ready(self) -> list[Frame]:
        frames, self._messages = self._messages, []
        self._taken_bytes, self._answer_waits = self.size_bytes, False
        while self._previews and self.credits:
            self.credits -= 1
            frames.append(self._previews.pop(next(iter(self._previews))))
        return frames
