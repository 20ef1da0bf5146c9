"""The shortcut under uvicorn, and the limit of a request's body."""

from typing import Any

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from studio.live import shortcut
from studio.live.request import MAX_BODY_BYTES
from studio.live.under_uvicorn import Bounded, RoomProtocol

ACK = b'{"type":"preview.ack"}'


class Transport:
    """Keeps what is written; ``waiting`` bytes have not gone out yet."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.waiting = 0

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def get_write_buffer_size(self) -> int:
        return self.waiting


@pytest.fixture
async def socket() -> RoomProtocol:
    made = RoomProtocol(Config("none:none", interface="asgi3", log_config=None), ServerState(), {})
    made.transport = Transport()  # type: ignore[assignment]
    return made


@pytest.fixture(autouse=True)
def no_application(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Config, "load", lambda self: setattr(self, "loaded_app", None))


def masked(text: bytes) -> bytes:
    """A whole text frame, as a browser sends it (with a mask of zeros)."""
    return bytes((0x81, 0x80 | len(text), 0, 0, 0, 0)) + text


async def test_an_acknowledgement_is_heard_and_reaches_no_queue(socket: RoomProtocol) -> None:
    heard: list[bytes] = []

    def hear(text: bytes) -> bool:
        heard.append(text)
        return True

    socket.hear = hear
    socket.data_received(masked(ACK))
    assert heard == [ACK]
    assert socket.queue.empty()


async def test_what_is_not_heard_goes_the_usual_way(socket: RoomProtocol, monkeypatch: pytest.MonkeyPatch) -> None:
    came: list[bytes] = []
    monkeypatch.setattr(socket.conn, "receive_data", came.append)
    socket.data_received(masked(ACK))
    socket.hear = lambda text: False
    socket.data_received(masked(ACK))
    assert came == [masked(ACK)] * 2


async def test_a_preview_is_written_at_once_unless_something_waits_or_the_socket_closes(socket: RoomProtocol) -> None:
    transport: Any = socket.transport
    assert socket.send_now(b"preview")
    assert transport.written == [shortcut.binary_frame(b"preview")]
    transport.waiting = 1
    assert not socket.send_now(b"behind")
    transport.waiting, socket.close_sent = 0, True
    assert not socket.send_now(b"closing")
    assert len(transport.written) == 1


async def answered(body: list[bytes], length: int | None) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What is sent to the peer, and what the application hears."""
    parts = [{"type": "http.request", "body": part, "more_body": True} for part in body]
    heard: list[dict[str, Any]] = []
    sent: list[dict[str, Any]] = []

    async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
        for _ in body:
            heard.append(await receive())

    async def receive() -> dict[str, Any]:
        return parts.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    headers = [] if length is None else [(b"content-length", str(length).encode())]
    await Bounded(application)({"type": "http", "headers": headers}, receive, send)
    return sent, heard


async def test_a_body_that_says_it_is_too_large_is_refused() -> None:
    sent, heard = await answered([b"x"], MAX_BODY_BYTES + 1)
    assert sent[0]["status"] == 413
    assert heard == []


async def test_a_body_that_becomes_too_large_is_cut_off() -> None:
    sent, heard = await answered([b"x" * MAX_BODY_BYTES, b"x"], None)
    assert sent == []
    assert [message["type"] for message in heard] == ["http.request", "http.disconnect"]
