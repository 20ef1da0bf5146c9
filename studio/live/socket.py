"""What both sockets of a room share: being let in, staying let in, limits, and one task that sends.

A subclass answers ``opened``, ``received`` and ``closed``, and says things with ``push``.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

from channels.consumer import AsyncConsumer
from django.conf import settings

from studio.domain.access import Access
from studio.live import guard, shortcut
from studio.live.limits import BYTE_BURST, BYTES_PER_S, MESSAGE_BURST, MESSAGES_PER_S, Bucket, count_bytes
from studio.live.outbox import MAX_BYTES, Frame, Outbox
from studio.live.protocol import CLOSE_CODES, MAX_MESSAGE_BYTES

logger = logging.getLogger(__name__)

AUTHORISE_TIMEOUT_S = 5.0
CLOSE_TIMEOUT_S = 2.0
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Socket(AsyncConsumer):  # type: ignore[misc]  # channels has no types
    """One websocket of one person in one room.

    It has no channel layer, and its reader is a plain loop: Channels' own ``dispatch`` hops to a thread and makes
    a task for every message. ``received`` runs in that loop and must not wait for slow work, because the server
    queues without bound what is not read.
    """

    kind: str
    """Which of a room's two sockets this is; each kind has its own limit a room."""

    outbox_bytes: int = MAX_BYTES
    """How far a peer may be behind before it is closed."""
    access: Access
    scope: dict[str, Any]
    project_id: UUID

    @property
    def session_key(self) -> str:
        """Of the session that the socket was opened with; "" without one."""
        key: str = self.scope["cookies"].get(settings.SESSION_COOKIE_NAME, "")
        return key

    async def opened(self) -> None:
        """The person is in: ``access`` is set."""

    async def received(self, data: str | bytes) -> None:
        """A message came, within the limits."""
        raise NotImplementedError

    async def closed(self) -> None:
        """The socket is gone; called once, and only after ``opened`` was."""

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        self.scope, self._transmit = scope, send
        self.project_id = scope["url_route"]["kwargs"]["project_id"]
        self.shortcut = shortcut.of(scope)
        self.outbox = Outbox(self.outbox_bytes, self.shortcut.send_now if self.shortcut else shortcut.never)
        self.closing: int | None = None
        self._admitted = False
        self._messages, self._bytes = Bucket(MESSAGES_PER_S, MESSAGE_BURST), Bucket(BYTES_PER_S, BYTE_BURST)
        await receive()
        # Accepted before anything is known of the person: a browser can read a close code, but not a refusal.
        await send({"type": "websocket.accept"})
        self._writer = asyncio.create_task(self._write())
        try:
            for message in await self._let_in(receive):
                await self.dispatch(message)
            message = await self._hearing
            while message["type"] == "websocket.receive":
                await self.dispatch(message)
                message = await receive()
        finally:
            self._hearing.cancel()
            await self._leave()

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Take one message in, or close over what it is."""
        data = _said(message)
        if self.closing is None and self.within_limits(data):
            await self.received(data)

    def within_limits(self, data: str | bytes) -> bool:
        """Count a message that came. False when it is one too many: the socket closes."""
        size_bytes = count_bytes(data)
        if size_bytes <= MAX_MESSAGE_BYTES and self._messages.take() and self._bytes.take(size_bytes):
            return True
        self.close("too_much")
        return False

    def push(self, frame: Frame) -> None:
        """Send a message after those before it. A reader too far behind is closed with 4408."""
        if self.closing is None and not self.outbox.put(frame):
            self.closing = CLOSE_CODES["too_slow"]
            self._abort()

    def answer(self, frames: Sequence[Frame]) -> None:
        """Send what the peer asked for, of any size. Until that is out, another answer counts as what is pushed."""
        if self.closing is None and self.outbox.is_answered:
            self.outbox.answer(frames)
            return
        for frame in frames:
            self.push(frame)

    def close(self, reason: str) -> None:
        """Close with one of CLOSE_CODES, once what was pushed has gone out; nothing goes out after."""
        if self.closing is None:
            self.closing = CLOSE_CODES[reason]
            self.outbox.end()
            asyncio.get_running_loop().call_later(CLOSE_TIMEOUT_S, self._abort)

    def _abort(self) -> None:
        """Close without waiting for a peer that does not read; the server then drops what is unsent."""
        if not self._writer.done():
            self._writer.cancel()
            self._writer = asyncio.create_task(self._transmit_close())

    async def _let_in(self, receive: Receive) -> list[dict[str, Any]]:
        """Be admitted. Returns what the peer said meanwhile, which the server would queue without bound."""
        admitting: asyncio.Future[None] = asyncio.create_task(self._admit())
        early: list[dict[str, Any]] = []
        size_bytes = 0
        self._hearing = _hear(receive)
        try:
            while True:
                both: set[asyncio.Future[Any]] = {admitting, self._hearing}
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
                if admitting.done():
                    admitting.result()
                    return early
                message = self._hearing.result()
                if message["type"] != "websocket.receive":
                    return []  # it is gone, and the loop that comes after this sees so
                self._hearing = _hear(receive)
                size_bytes += count_bytes(_said(message))
                if size_bytes > BYTE_BURST or len(early) >= MESSAGE_BURST:
                    self.close("too_much")
                if self.closing is None:
                    early.append(message)
        finally:
            admitting.cancel()
            await asyncio.wait({admitting})

    async def _admit(self) -> None:
        try:
            async with asyncio.timeout(AUTHORISE_TIMEOUT_S):
                reason = await guard.get().admit(self)
        except TimeoutError:
            # Ours to answer for: a page believes "unauthenticated", and would have its person sign in again.
            reason = "unavailable"
        except Exception:
            logger.exception("room %s: access was not checked", self.project_id)
            reason = "unavailable"
        if reason:
            self.close(reason)
            return
        self._admitted = True
        await self.opened()

    async def _leave(self) -> None:
        self._writer.cancel()
        guard.get().forget(self)
        if self._admitted:
            await self.closed()

    async def _write(self) -> None:
        """Send until closing. A peer that can be sent no more is closed: it would wait for ever, and show nothing."""
        try:
            await self._send_until_closing()
        except Exception:
            logger.exception("room %s: nothing more can be sent on a %s socket", self.project_id, self.kind)
            self.closing = self.closing or CLOSE_CODES["unavailable"]
        await self._transmit_close()

    async def _send_until_closing(self) -> None:
        """``send`` waits while the peer does not read, where the server lets it know."""
        while self.closing is None or self.outbox.has_messages:
            for frame in await self.outbox.take():
                if frame:
                    await self._transmit({"type": "websocket.send", **_body(frame)})

    async def _transmit_close(self) -> None:
        with contextlib.suppress(RuntimeError):
            await self._transmit({"type": "websocket.close", "code": self.closing})


def _hear(receive: Receive) -> "asyncio.Future[dict[str, Any]]":
    return asyncio.ensure_future(receive())


def _said(message: dict[str, Any]) -> str | bytes:
    text = message.get("text")
    data: str | bytes = message["bytes"] if text is None else text
    return data


def _body(frame: Frame) -> dict[str, Frame]:
    return {"text": frame} if isinstance(frame, str) else {"bytes": frame}
