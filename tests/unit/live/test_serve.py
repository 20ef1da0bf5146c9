"""The server's connections, and those that do not end as they should: R-31 to R-33 of SPEC-ROOM.md."""

import asyncio
import base64
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import daphne.server
import pytest
from daphne.ws_protocol import WebSocketFactory
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from websockets.frames import Frame, Opcode

from studio.live import serve
from studio.live.request import Request
from studio.live.serve import CLOSE_TIMEOUT_S, STOP_TIMEOUT_S, Pace, Protocol, RushesServer

HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: " + base64.b64encode(bytes(16)) + b"\r\n\r\n"
)
LARGE = 1 << 40


class Transport(StringTransport):  # type: ignore[misc]  # twisted's own types are partial
    """One to a peer that reads nothing: what is written stays, and closing in order waits for ever."""

    dataBuffer, _tempDataLen = b"unsent", 0  # noqa: N815 - twisted's name
    is_aborted = False

    def abortConnection(self) -> None:
        self.is_aborted = True

    def setTcpNoDelay(self, is_on: bool) -> None:
        """There is no TCP here."""

    def unregisterProducer(self) -> None:
        self.producer = None


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(daphne.server, "reactor", made)
    return made


@pytest.fixture
def server(clock: Clock) -> RushesServer:
    async def application(**_: object) -> None:
        return

    made = RushesServer(application, endpoints=["unused"])
    made.connections = {}
    return made


@pytest.fixture
async def websocket(server: RushesServer, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An open websocket."""
    monkeypatch.setattr(WebSocketFactory, "protocol", Protocol)
    factory = WebSocketFactory(server, server="", reactor=clock)
    factory.setProtocolOptions(
        allowNullOrigin=True, openHandshakeTimeout=0, closeHandshakeTimeout=0, maxMessagePayloadSize=1 << 18
    )
    made = factory.buildProtocol(None)
    made._raw_query_string = b""
    made.makeConnection(Transport())
    made.dataReceived(HANDSHAKE)
    await server.handle_reply(made, {"type": "websocket.accept"})
    assert made.state == made.STATE_OPEN
    made.transport.clear()
    return made


def from_client(opcode: Opcode, data: bytes) -> bytes:
    return Frame(opcode, data).serialize(mask=True)


def looked_after(clock: Clock, *names: str) -> bool:
    """Whether the server has said that it looks again."""
    return set(names) <= {call.func.__name__ for call in clock.getDelayedCalls()}


async def test_r33_a_peer_that_says_goodbye_and_reads_nothing_is_cut_off(websocket: Any, clock: Clock) -> None:
    websocket.dataReceived(from_client(Opcode.CLOSE, b"\x03\xe8"))
    clock.advance(CLOSE_TIMEOUT_S - 0.1)
    assert (websocket.transport.disconnecting, websocket.transport.is_aborted) == (True, False)
    clock.advance(0.1)
    assert websocket.transport.is_aborted


async def test_r33_a_peer_that_goes_in_time_leaves_no_clock_running(websocket: Any, clock: Clock) -> None:
    websocket.dataReceived(from_client(Opcode.CLOSE, b"\x03\xe8"))
    websocket.connectionLost(Failure(ConnectionDone()))
    assert clock.getDelayedCalls() == []


@pytest.mark.parametrize("opcode", [Opcode.PING, Opcode.BINARY])
async def test_r33_nothing_is_kept_of_what_a_peer_sends_that_broke_the_protocol(websocket: Any, opcode: Opcode) -> None:
    websocket.dataReceived(bytes([0x80 | opcode, 0xFF]) + LARGE.to_bytes(8, "big") + bytes(4))
    said = websocket.transport.value()
    assert said[0] == 0x88, "it is told why"
    for _ in range(64):
        websocket.dataReceived(bytes(65536))
    kept = [websocket.data, *getattr(websocket, "control_frame_data", ()), *getattr(websocket, "frame_data", ())]
    assert sum(map(len, kept)) == 0
    assert websocket.transport.value() == said


async def test_a_message_to_a_peer_that_left_before_it_was_accepted_goes_nowhere(server: RushesServer) -> None:
    gone = Protocol()
    server.connections[gone] = {"disconnected": time.time()}
    await server.handle_reply(gone, {"type": "websocket.send", "text": "hello"})


class Broken:
    """A connection at which everything fails."""

    def handle_exception(self, exception: BaseException) -> None:
        raise ValueError("an error about an error")

    def check_timeouts(self) -> None:
        raise ValueError("an error of a clock")


class Whole:
    """A connection that is looked after."""

    is_checked = False

    def check_timeouts(self) -> None:
        self.is_checked = True


async def failed() -> None:
    raise RuntimeError("the application failed")


async def ended(application: Callable[[], Any]) -> "asyncio.Task[None]":
    task = asyncio.create_task(application())
    await asyncio.wait([task])
    return task


async def test_r31_an_error_about_one_connection_leaves_the_others_looked_after(
    server: RushesServer, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    whole = Whole()
    server.connections = {Broken(): {"application_instance": await ended(failed)}, whole: {}}
    server.application_checker()
    server.timeout_checker()
    assert looked_after(clock, "application_checker", "timeout_checker")
    assert whole.is_checked
    assert "an error about an error" in caplog.text
    assert "an error of a clock" in caplog.text


def answering(server: RushesServer) -> Any:
    """A request whose answer has begun."""
    channel: Any = SimpleNamespace(transport=Transport(), factory=SimpleNamespace(server=server))
    request = Request.__new__(Request)
    request.channel, request.server, request._response_started, request.finished = channel, server, True, 0
    return request


async def test_r31_an_answer_that_fails_once_it_has_begun_is_cut_off(server: RushesServer, clock: Clock) -> None:
    request = answering(server)
    server.connections[request] = {"application_instance": await ended(failed)}
    server.application_checker()
    assert request.channel.transport.is_aborted
    assert server.connections[request] == {}
    assert looked_after(clock, "application_checker")


async def test_r32_who_takes_nothing_of_an_answer_is_cut_off(
    server: RushesServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "READ_TIMEOUT_S", 0.0)
    request, pace = answering(server), Pace()
    await server._drained(request, pace)
    assert not request.channel.transport.is_aborted, "it reads"
    pace.pauseProducing()
    await server._drained(request, pace)
    assert request.channel.transport.is_aborted


async def test_r17_requests_have_what_websockets_left_of_the_time_to_stop(
    server: RushesServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[tuple[bool, float]] = []

    async def wait(timeout_s: float, *, websockets_only: bool) -> None:
        waited.append((websockets_only, timeout_s))

    monkeypatch.setattr(server, "_wait", wait)
    await server._drain()
    assert [websockets_only for websockets_only, _ in waited] == [True, False]
    assert waited[0][1] == CLOSE_TIMEOUT_S
    assert STOP_TIMEOUT_S - 1 < waited[1][1] <= STOP_TIMEOUT_S
