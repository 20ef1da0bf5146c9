"""The room socket: hello, commands and acknowledgements in; events, notices, replies and previews out."""

import asyncio
import logging
from typing import Any

from channels.consumer import AsyncConsumer
from django.http import HttpRequest
from django.utils import translation
from django.utils.translation import gettext

from studio.domain.errors import DomainError, storage_full
from studio.live import arrival, commands, hub, protocol, rooms
from studio.live.audience import Viewer
from studio.live.limits import HELLO_BURST, HELLOS_PER_S, Bucket
from studio.live.reading import UnreadableError, read
from studio.live.socket import Receive, Send, Socket
from studio.live.threads import in_thread

logger = logging.getLogger(__name__)

HELLO_TIMEOUT_S = 5.0
REFUSALS = 10
"""A client that sends this many messages that cannot be read is not one of ours."""
INBOX_LIMIT = 64
_ACK = b'{"type":"preview.ack",'


class RoomConsumer(Socket):
    """One viewer of one room. Messages are read as they come; commands are done one after the other, beside."""

    kind = "room"

    async def opened(self) -> None:
        self._viewer = Viewer(self.outbox, push=self.push, resync=self._read_afresh, end=self.close)
        self._inbox: asyncio.Queue[protocol.Hello | protocol.Command] = asyncio.Queue(INBOX_LIMIT)
        self._refused = 0
        self._greeted = False
        self._hellos = Bucket(HELLOS_PER_S, HELLO_BURST)
        self._language = _language(self.scope)
        self._worker = asyncio.create_task(self._work())
        if self.shortcut is not None:
            self.shortcut.hear = self._hear_acknowledgement
        self._patience = asyncio.get_running_loop().call_later(HELLO_TIMEOUT_S, self.close, "unauthenticated")

    async def received(self, data: str | bytes) -> None:
        try:
            message = read(data)
        except UnreadableError as error:
            self._refuse(error)
            return
        if isinstance(message, protocol.PreviewAck):
            self.outbox.credit(message.count)
        elif isinstance(message, protocol.Hello) and not self._hellos.take():
            self.close("too_much")
        elif isinstance(message, protocol.Hello) or self._greeted:
            self._patience.cancel()
            self._greeted = True
            self._enqueue(message)
        else:
            error_view = protocol.ErrorView(code="hello.missing", message="Expected hello first.", field="type")
            self._refuse(UnreadableError(error_view, message.id))

    async def closed(self) -> None:
        self._patience.cancel()
        self._worker.cancel()
        await rooms.get().leave(self.project_id, self._viewer)

    def _hear_acknowledgement(self, data: bytes) -> bool:
        """Take what a viewer says for each preview, as our page says it; all else goes the usual way."""
        if not data.startswith(_ACK) or self.closing is not None:
            return False
        try:
            message = read(data.decode())
        except (UnreadableError, UnicodeDecodeError):
            return False
        if not isinstance(message, protocol.PreviewAck):
            return False
        if self.within_limits(data):
            self.outbox.credit(message.count)
        return True

    def _enqueue(self, message: protocol.Hello | protocol.Command) -> None:
        try:
            self._inbox.put_nowait(message)
        except asyncio.QueueFull:
            self.close("too_much")

    def _read_afresh(self) -> None:
        self._enqueue(protocol.Hello(type="hello", v=1))

    def _refuse(self, error: UnreadableError) -> None:
        if error.command_id:
            self._reply(error.command_id, error.error)
            return
        self._refused += 1
        self.push(protocol.Refused(type="refused", v=1, error=error.error).model_dump_json())
        if self._refused >= REFUSALS:
            self.close("too_much")

    def _reply(self, command_id: str, error: protocol.ErrorView | None, take_id: str | None = None) -> None:
        reply = protocol.Reply(type="reply", v=1, id=command_id, error=error, take_id=take_id)
        self.push(reply.model_dump_json())

    async def _work(self) -> None:
        """Do what comes. A viewer for whom no more is done is closed: it would wait for answers for ever."""
        try:
            while True:
                await self._do(await self._inbox.get())
        except Exception:
            logger.exception("room %s: no more is done for user %s", self.project_id, self.access.user.pk)
            self.close("unavailable")

    async def _do(self, message: protocol.Hello | protocol.Command) -> None:
        if self._is_closing():
            return
        with translation.override(self._language):
            if isinstance(message, protocol.Hello):
                await self._greet(message.last_seq)
            else:
                await self._perform(message)

    async def _greet(self, last_seq: int | None) -> None:
        """Hear the room first and read it then: what happens between the two is held, and told once.

        A viewer that is closed meanwhile is shown nothing more.
        """
        await self.outbox.answered()
        if self._is_closing():
            return
        self._viewer.hold()
        await rooms.get().enter(self.access, self._viewer)
        if self._is_closing():
            return
        came = await self._read_room(last_seq)
        if came is None or self._is_closing():
            return
        if came.role != self.access.role:
            self.close("role_changed")  # the document's socket was let in with the other, too
            return
        self.answer(came.texts)
        previews = await hub.get().newest_previews(list(came.running))
        if self._is_closing():
            return
        for take_id, packet in previews:
            self.outbox.offer_late(take_id, packet)
        self._viewer.begin(came.seq)

    def _is_closing(self) -> bool:
        return self.closing is not None

    async def _read_room(self, last_seq: int | None) -> arrival.Arrival | None:
        """The room as it is now. None when it cannot be read: the socket closes."""
        try:
            return await arrival.get().read(self.access, last_seq)
        except DomainError:
            self.close("not_found")
        except Exception:
            logger.exception("room %s was not read for user %s", self.project_id, self.access.user.pk)
            self.close("unavailable")
        return None

    async def _perform(self, command: protocol.Command) -> None:
        try:
            take_id = await in_thread(commands.perform, self.access, command)
        except DomainError as error:
            self._reply(command.id, _view(error))
        except Exception as error:
            logger.exception("room %s, user %s: %s failed", self.project_id, self.access.user.pk, type(command))
            full = storage_full(error)
            self._reply(command.id, _view(full) if full else _failed())
        else:
            self._reply(command.id, None, take_id)


def _view(error: DomainError) -> protocol.ErrorView:
    return protocol.ErrorView(code=error.code, message=error.message, field=error.field)


def _failed() -> protocol.ErrorView:
    message = gettext("The studio could not do this just now. Try again in a moment.")
    return protocol.ErrorView(code="failed", message=message, field="")


class Nowhere(AsyncConsumer):  # type: ignore[misc]  # channels has no types
    """Any other address: the same answer as for a room that does not exist."""

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": protocol.CLOSE_CODES["not_found"]})


def _language(scope: dict[str, Any]) -> str:
    """The language of the person's pages, by the same rule."""
    request = HttpRequest()
    request.COOKIES = scope["cookies"]
    request.META["HTTP_ACCEPT_LANGUAGE"] = dict(scope["headers"]).get(b"accept-language", b"").decode("latin-1")
    return translation.get_language_from_request(request)
