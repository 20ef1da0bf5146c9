"""The socket that both of a room's sockets are made of: rules R-04, R-13, R-15 and R-19 of studio/live/SPEC-ROOM.md."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from studio.live import guard, outbox, socket
from studio.live.limits import MESSAGE_BURST
from studio.live.protocol import MAX_MESSAGE_BYTES
from studio.live.socket import Socket


class Echo(Socket):
    """Says what it hears; everybody may come in."""

    kind = "echo"

    async def received(self, data: str | bytes) -> None:
        self.push(data)

    async def _admit(self) -> None:
        return


class Wire:
    """A server and its peer; ``reads`` says whether the peer reads."""

    def __init__(self, made: Socket | None = None) -> None:
        self.inward: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.outward: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.reads = asyncio.Event()
        self.reads.set()
        self.sending = asyncio.Event()
        self.breaks_at = ""
        self.socket = made or Echo()
        scope = {"type": "websocket", "url_route": {"kwargs": {"project_id": uuid4()}}}
        self.say({"type": "websocket.connect"})
        self.task = asyncio.create_task(self.socket(scope, self.inward.get, self._send))

    def say(self, message: dict[str, Any]) -> None:
        self.inward.put_nowait(message)

    def text(self, text: str) -> None:
        self.say({"type": "websocket.receive", "text": text})

    async def next(self) -> dict[str, Any]:
        return await asyncio.wait_for(self.outward.get(), 5)

    async def closed_with(self) -> int:
        while (message := await self.next())["type"] != "websocket.close":
            pass
        code: int = message["code"]
        return code

    async def taken(self) -> None:
        """Wait until the socket has taken all that was said."""
        async with asyncio.timeout(5):
            while not self.inward.empty():  # noqa: ASYNC110 - a queue tells nobody that it is empty
                await asyncio.sleep(0)

    def opens(self) -> None:
        assert isinstance(self.socket, Slow)
        self.socket.opens.set()

    async def gone(self) -> None:
        self.say({"type": "websocket.disconnect", "code": 1006})
        await asyncio.wait_for(self.task, 5)

    async def _send(self, message: dict[str, Any]) -> None:
        if message["type"] == "websocket.send":
            self.sending.set()
            await self.reads.wait()
            if message.get("text") == self.breaks_at:
                raise ValueError("this cannot be sent")
        self.outward.put_nowait(message)


@pytest.fixture
async def wire() -> Wire:
    made = Wire()
    assert await made.next() == {"type": "websocket.accept"}
    return made


async def test_text_and_bytes_go_out_in_order(wire: Wire) -> None:
    wire.text("one")
    wire.say({"type": "websocket.receive", "bytes": b"\x02", "text": None})
    assert await wire.next() == {"type": "websocket.send", "text": "one"}
    assert await wire.next() == {"type": "websocket.send", "bytes": b"\x02"}
    await wire.gone()


async def test_what_was_said_before_the_close_goes_out_and_nothing_after(wire: Wire) -> None:
    wire.socket.push("last words")
    wire.socket.close("revoked")
    wire.socket.push("too late")
    wire.text("too late")
    assert (await wire.next())["text"] == "last words"
    assert await wire.next() == {"type": "websocket.close", "code": 4403}
    await wire.gone()
    assert wire.outward.empty()


async def test_r15_what_was_said_before_the_close_goes_out_also_while_the_peer_is_slow(wire: Wire) -> None:
    wire.reads.clear()
    wire.socket.push("first")
    await asyncio.wait_for(wire.sending.wait(), 5)
    wire.socket.push("last words")
    wire.socket.outbox.credit(1)
    wire.socket.close("revoked")
    wire.socket.push("too late")
    wire.socket.outbox.offer(uuid4(), b"too late")
    wire.reads.set()
    assert [(await wire.next())["text"] for _ in range(2)] == ["first", "last words"]
    assert await wire.next() == {"type": "websocket.close", "code": 4403}
    await wire.gone()
    assert wire.outward.empty()


async def test_r04_a_flood_closes_the_socket(wire: Wire) -> None:
    for _ in range(MESSAGE_BURST + 10):
        wire.text("x")
    assert await wire.closed_with() == 4429
    await wire.gone()


async def test_r04_too_many_bytes_close_the_socket(wire: Wire) -> None:
    for _ in range(5):
        wire.text("x" * MAX_MESSAGE_BYTES)
    assert await wire.closed_with() == 4429
    await wire.gone()


@pytest.mark.parametrize("text", ["x" * (MAX_MESSAGE_BYTES + 1), "あ" * (MAX_MESSAGE_BYTES // 2)], ids=["x", "あ"])
async def test_r04_a_message_above_the_limit_closes_the_socket(wire: Wire, text: str) -> None:
    wire.text(text)
    assert await wire.closed_with() == 4429
    await wire.gone()


async def test_r13_a_peer_that_reads_nothing_is_closed_and_holds_a_bounded_amount(wire: Wire) -> None:
    wire.reads.clear()
    for _ in range(5):
        wire.socket.push("x" * (outbox.MAX_BYTES // 2))
        await asyncio.sleep(0)
    assert await wire.closed_with() == 4408
    assert wire.socket.outbox.size_bytes <= outbox.MAX_BYTES + outbox.MAX_BYTES // 2
    await wire.gone()


@pytest.mark.parametrize("poison", ["poison", "half a character: \ud83d"], ids=["poison", "half"])
async def test_r19_a_socket_that_can_send_no_more_is_closed_and_logged(
    wire: Wire, caplog: pytest.LogCaptureFixture, poison: str
) -> None:
    wire.breaks_at = poison
    wire.text(poison)
    wire.text("unheard")
    assert await wire.closed_with() == 4503
    assert "this cannot be sent" in caplog.text
    await wire.gone()
    assert wire.outward.empty()


async def test_r13_an_answer_larger_than_the_cap_is_sent(wire: Wire) -> None:
    wire.socket.answer(["x" * (2 * outbox.MAX_BYTES)])
    wire.socket.push("news")
    assert len((await wire.next())["text"]) == 2 * outbox.MAX_BYTES
    assert (await wire.next())["text"] == "news"
    await wire.gone()


async def test_r13_a_peer_that_asks_again_and_again_and_reads_nothing_is_closed(wire: Wire) -> None:
    wire.reads.clear()
    wire.socket.answer(["x" * outbox.MAX_BYTES * 2])
    await asyncio.wait_for(wire.sending.wait(), 5)
    wire.socket.answer(["x" * outbox.MAX_BYTES])
    assert wire.socket.closing is None
    wire.socket.answer(["x"])
    assert await wire.closed_with() == 4408
    await wire.gone()


async def test_r13_an_answer_counts_as_waiting_until_the_peer_has_read_all_of_it(wire: Wire) -> None:
    wire.reads.clear()
    wire.socket.answer(["one", "two"])
    await asyncio.wait_for(wire.sending.wait(), 5)
    again = asyncio.create_task(wire.socket.outbox.answered())
    await asyncio.sleep(0)
    assert not again.done()
    wire.reads.set()
    await asyncio.wait_for(again, 5)
    assert wire.outward.qsize() == 2
    await wire.gone()


async def test_a_close_does_not_wait_for_a_peer_that_reads_nothing(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "CLOSE_TIMEOUT_S", 0.02)
    wire.reads.clear()
    wire.socket.push("unread")
    await asyncio.sleep(0)
    wire.socket.close("revoked")
    assert await wire.closed_with() == 4403
    await wire.gone()


async def test_r02_whoever_cannot_be_looked_up_in_time_is_not_taken_for_a_stranger(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Slow:
        async def admit(self, socket: Socket) -> str:
            await asyncio.Event().wait()
            return ""

        def forget(self, socket: Socket) -> None:
            return

    monkeypatch.setattr(guard, "get", Slow)
    monkeypatch.setattr(socket, "AUTHORISE_TIMEOUT_S", 0.01)
    monkeypatch.setattr(Echo, "_admit", Socket._admit)
    wire = Wire()
    assert await wire.closed_with() == 4503
    await wire.gone()


class Slow(Echo):
    """Somebody is let in when the test says so."""

    async def _admit(self) -> None:
        self.opens = asyncio.Event()
        await self.opens.wait()


@pytest.fixture
async def slow() -> Wire:
    made = Wire(Slow())
    assert await made.next() == {"type": "websocket.accept"}
    return made


async def test_what_is_said_before_one_is_let_in_is_answered_afterwards(slow: Wire) -> None:
    slow.text("one")
    slow.text("two")
    await slow.taken()
    slow.opens()
    slow.text("three")
    assert [(await slow.next())["text"] for _ in range(3)] == ["one", "two", "three"]
    await slow.gone()


@pytest.mark.parametrize(("count", "text"), [(MESSAGE_BURST + 1, "x"), (6, "x" * (200 * 1024))])
async def test_r04_what_is_said_before_one_is_let_in_has_limits_too(slow: Wire, count: int, text: str) -> None:
    for _ in range(count):
        slow.text(text)
    assert await slow.closed_with() == 4429
    await slow.taken()
    await slow.gone()


async def test_whoever_leaves_before_they_are_let_in_is_not_waited_for(slow: Wire) -> None:
    await slow.gone()
    assert slow.task.done()


async def test_an_error_while_one_is_let_in_is_not_swallowed() -> None:
    class Failing(Echo):
        async def _admit(self) -> None:
            raise ValueError("nothing opened")

    made = Wire(Failing())
    with pytest.raises(ValueError, match="nothing opened"):
        await asyncio.wait_for(made.task, 5)
