"""Daphne as Rushes runs it: websockets with backpressure, tight limits, and a stop that says goodbye."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

import daphne.server
from channels.routing import get_default_application
from daphne.endpoints import build_endpoint_description_strings
from daphne.server import Server
from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from twisted.internet import defer

from studio import pools
from studio.live import shortcut
from studio.live.protocol import MAX_MESSAGE_BYTES
from studio.live.pulse import pulse
from studio.live.request import RequestFactory

logger = logging.getLogger(__name__)

PING_S, PING_TIMEOUT_S = 15, 20
CLOSE_TIMEOUT_S, STOP_TIMEOUT_S = 3.0, 7.0
READ_TIMEOUT_S = 120.0
"""A peer that takes nothing of its answer for so long is not there; a film that was paused is asked for again."""
GOING_AWAY = 1012
"""Close code "service restart": a browser reconnects at once."""


class Pace:
    """Whether a peer reads. Twisted says so to whoever is registered as its producer: pause above 64 KiB unsent,
    resume when that has gone out. Daphne by itself ignores this, and queues without bound for a peer that does not.
    """

    def __init__(self) -> None:
        self.drained = asyncio.Event()
        self.drained.set()

    def pauseProducing(self) -> None:  # noqa: N802 - twisted's name
        self.drained.clear()

    def resumeProducing(self) -> None:  # noqa: N802 - twisted's name
        self.drained.set()

    def stopProducing(self) -> None:  # noqa: N802 - twisted's name
        self.drained.set()


class Protocol(WebSocketProtocol):  # type: ignore[misc]  # daphne has no types
    """A websocket that knows whether its peer reads, and is a ``shortcut.Shortcut``."""

    hear: Callable[[bytes], bool] | None = None
    pace: Pace | None = None
    """None until the websocket is open, and for good with a peer that left before."""
    _end: Any = None
    maxMessagePayloadSize: int  # noqa: N815 - autobahn's name

    def onOpen(self) -> None:  # noqa: N802 - autobahn's name
        # A peer that breaks a rule of the protocol is told which, before the connection goes.
        self.failByDrop = False
        # Autobahn's one second is short for who is busy or far away, and a reset takes the code with it.
        self.closeHandshakeTimeout = CLOSE_TIMEOUT_S
        self.pace = Pace()
        self.transport.unregisterProducer()
        self.transport.registerProducer(self.pace, True)
        super().onOpen()

    def sendMessage(self, *args: Any, **options: Any) -> None:  # noqa: N802 - autobahn's name
        # Autobahn holds what goes out to the limit of what comes in; a room or a document may well be larger.
        limit, self.maxMessagePayloadSize = self.maxMessagePayloadSize, 0
        try:
            super().sendMessage(*args, **options)
        finally:
            self.maxMessagePayloadSize = limit

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - twisted's name
        # It has been told, and is cut off in seconds. What it sends meanwhile Autobahn would keep, however much.
        if self.failedByMe:
            return
        # An acknowledgement comes in a segment of its own, and Autobahn takes five times as long over it.
        whole = self.hear is not None and not self.data and self.current_frame is None and not self.inside_message
        text = shortcut.short_text(data) if whole else None
        if text is None or self.hear is None or self.state != self.STATE_OPEN or not self.hear(text):
            super().dataReceived(data)
            return
        self.last_ping = time.time()

    def send_now(self, packet: bytes) -> bool:
        """Send a binary message at once; False, and nothing sent, when the peer is behind."""
        transport = self.transport
        if self.state != self.STATE_OPEN or transport.dataBuffer or transport._tempDataLen:
            return False
        frame = shortcut.binary_frame(packet)
        # Tried at once, not when the reactor comes round to it: that costs two changes of epoll's set and a copy.
        sent = transport.writeSomeData(frame)
        if sent != len(frame):
            transport.write(frame[sent:] if isinstance(sent, int) else frame)
        return True

    def dropConnection(self, abort: bool = False) -> None:  # noqa: N802 - autobahn's name
        super().dropConnection(abort=abort)
        # The transport waits until all has gone out, and to a peer that does not read nothing goes.
        if not abort and self._end is None:
            self._end = self.factory.reactor.callLater(CLOSE_TIMEOUT_S, self.transport.abortConnection)

    def connectionLost(self, *reason: Any) -> None:  # noqa: N802 - twisted's name
        if self._end is not None and self._end.active():
            self._end.cancel()
        super().connectionLost(*reason)

    def onClose(self, *reason: Any) -> None:  # noqa: N802 - autobahn's name
        self.hear = None
        if self.pace is not None:
            self.pace.stopProducing()
        super().onClose(*reason)


class RushesServer(Server):  # type: ignore[misc]  # daphne has no types
    """Daphne's server, whose ``send`` waits for a slow reader, and which drains before it stops."""

    pulse_fd: int | None = None
    _pulse: "asyncio.Task[None] | None" = None

    def run(self) -> None:
        daphne.server.reactor.callWhenRunning(self._start_pulse)
        WebSocketFactory.protocol = Protocol
        daphne.server.HTTPFactory = RequestFactory
        super().run()

    def _start_pulse(self) -> None:
        if self.pulse_fd is not None:
            self._pulse = asyncio.ensure_future(pulse(self.pulse_fd))

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        if isinstance(protocol, Protocol):
            scope.setdefault("extensions", {})[shortcut.EXTENSION] = protocol
        return super().create_application(protocol, scope)

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        pace = self._pace(protocol, message) if message["type"] == "http.response.body" else None
        await super().handle_reply(protocol, message)
        if pace is not None:
            await self._drained(protocol, pace)
        if message["type"] == "websocket.send" and protocol.pace is not None:
            await protocol.pace.drained.wait()

    async def _drained(self, request: Any, pace: Pace) -> None:
        """Wait for whoever reads an answer; who does not in READ_TIMEOUT_S is cut off."""
        try:
            async with asyncio.timeout(READ_TIMEOUT_S):
                await pace.drained.wait()
        except TimeoutError:
            request.abort()

    def _pace(self, protocol: Any, message: dict[str, Any]) -> Pace | None:
        """The pace of a response that comes in parts. Without it a download of 80 MB is held in memory at once."""
        if protocol.channel is None:
            return None
        pace: Pace | None = protocol.producer
        if not message.get("more_body", False):
            if pace is not None:
                protocol.unregisterProducer()
            return None
        if pace is None:
            pace = Pace()
            protocol.registerProducer(pace, True)
        return pace

    def application_checker(self) -> None:
        """Daphne's, which after one error would look after no connection ever again."""
        try:
            super().application_checker()
        except Exception:
            logger.exception("connections were not looked after")
            daphne.server.reactor.callLater(1, self.application_checker)

    def timeout_checker(self) -> None:
        """Daphne's, but that one connection's error is no other's."""
        for protocol in list(self.connections):
            try:
                protocol.check_timeouts()
            except Exception:
                logger.exception("a connection's time limits were not checked")
        daphne.server.reactor.callLater(2, self.timeout_checker)

    def kill_all_applications(self) -> Any:
        """Called before the reactor stops, which waits for what this returns."""
        return defer.Deferred.fromFuture(asyncio.ensure_future(self._drain()))

    async def _drain(self) -> None:
        """Close every websocket with 1012, let what runs end, then cancel the rest: STOP_TIMEOUT_S in all."""
        begun_s = time.monotonic()
        for listener in self.listeners:
            listener.addCallback(lambda port: port and port.stopListening())
        for protocol in list(self.connections):
            if isinstance(protocol, Protocol) and protocol.state == Protocol.STATE_OPEN:
                # Not through sendClose, which lets an application say only 1000 and 3000 to 4999.
                protocol.sendCloseFrame(code=GOING_AWAY, isReply=False)
        await self._wait(CLOSE_TIMEOUT_S, websockets_only=True)
        await self._wait(begun_s + STOP_TIMEOUT_S - time.monotonic(), websockets_only=False)
        left = self._running(websockets_only=False)
        for application in left:
            application.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        if self._pulse is not None:
            self._pulse.cancel()

    async def _wait(self, timeout_s: float, *, websockets_only: bool) -> None:
        if running := self._running(websockets_only=websockets_only):
            await asyncio.wait(running, timeout=timeout_s)

    def _running(self, *, websockets_only: bool) -> list["asyncio.Future[None]"]:
        details = [d for p, d in self.connections.items() if isinstance(p, Protocol) or not websockets_only]
        applications = [d["application_instance"] for d in details if "application_instance" in d]
        return [application for application in applications if not application.done()]


def serve(
    *,
    host: str | None = None,
    port: int | None = None,
    unix: str | None = None,
    fd: int | None = None,
    pulse_fd: int | None = None,
) -> None:
    """Serve the site on an address, a Unix socket or an open descriptor, until SIGTERM or SIGINT.

    ``pulse_fd``: an open pipe that is told every second that the process does not hang.

    Raises:
        SystemExit: the address could not be listened on.
    """
    pools.for_web()
    endpoints = build_endpoint_description_strings(host=host, port=port, unix_socket=unix, file_descriptor=fd)
    server = RushesServer(
        get_default_application(),
        endpoints=endpoints,
        ping_interval=PING_S,
        ping_timeout=PING_TIMEOUT_S,
        websocket_timeout=-1,
        websocket_connect_timeout=5,
        websocket_handshake_timeout=5,
        websocket_max_message_size=MAX_MESSAGE_BYTES,
        websocket_max_frame_size=MAX_MESSAGE_BYTES,
        server_name="",
    )
    server.pulse_fd = pulse_fd
    server.run()
    if server.abort_start:
        raise SystemExit(f"cannot listen on {', '.join(endpoints)}")
