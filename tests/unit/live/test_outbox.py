"""What waits for one viewer: rules R-10 to R-13 of studio/live/SPEC-ROOM.md."""

import asyncio
from uuid import uuid4

from studio.live.limits import Bucket
from studio.live.outbox import CREDITS, Outbox

TAKE, OTHER = uuid4(), uuid4()


async def test_r10_a_viewer_gets_as_many_previews_as_it_has_credit_for() -> None:
    outbox = Outbox()
    outbox.credit(CREDITS)
    sent = []
    for number in range(5):
        outbox.offer(TAKE, bytes([number]))
        sent += outbox._ready()
    assert sent == [b"\x00", b"\x01"]


async def test_r11_the_newest_preview_of_each_take_wins() -> None:
    outbox = Outbox()
    for number in range(5):
        outbox.offer(TAKE, bytes([number]))
        outbox.offer(OTHER, bytes([100 + number]))
    outbox.credit(CREDITS)
    assert await outbox.take() == [b"\x04", bytes([104])]


async def test_r11_a_preview_kept_for_late_joiners_never_replaces_a_fresh_one() -> None:
    outbox = Outbox()
    outbox.offer(TAKE, b"fresh")
    outbox.offer_late(TAKE, b"kept")
    outbox.offer_late(OTHER, b"kept")
    outbox.credit(CREDITS)
    assert await outbox.take() == [b"fresh", b"kept"]


async def test_r11_no_preview_goes_out_once_its_take_has_ended() -> None:
    outbox = Outbox()
    outbox.offer(TAKE, b"late")
    outbox.forget(TAKE)
    outbox.put("take.done")
    outbox.credit(CREDITS)
    assert await outbox.take() == ["take.done"]


async def test_r12_messages_are_all_sent_in_order_without_credit() -> None:
    outbox = Outbox()
    outbox.offer(TAKE, b"preview")
    for number in range(1000):
        assert outbox.put(str(number))
    assert await outbox.take() == [str(number) for number in range(1000)]


async def test_r13_the_cap_counts_bytes_of_messages_that_wait() -> None:
    outbox = Outbox(max_bytes=10)
    assert outbox.put("12345")
    assert outbox.put("67890")
    assert not outbox.put("x")


async def test_r13_the_cap_counts_bytes_and_not_characters() -> None:
    outbox = Outbox(max_bytes=10)
    assert outbox.put("あああ")
    assert not outbox.put("あ")


async def test_r13_what_is_being_sent_counts_until_it_has_gone_out() -> None:
    outbox = Outbox(max_bytes=10)
    outbox.put("1234567890")
    await outbox.take()
    assert not outbox.put("x")
    await outbox.take()
    assert outbox.put("123456789")


async def test_r13_what_was_asked_for_does_not_count_however_large() -> None:
    outbox = Outbox(max_bytes=10)
    assert outbox.put("12345")
    outbox.answer(["x" * 100, "y" * 100])
    assert outbox.put("67890")
    assert not outbox.put("x")
    assert await outbox.take() == ["12345", "x" * 100, "y" * 100, "67890", "x"]


async def test_r13_an_answer_has_gone_out_when_whoever_sends_it_comes_for_more() -> None:
    outbox = Outbox()
    outbox.put("before it")
    await outbox.take()
    outbox.answer(["first"])
    assert await outbox.take() == ["first"]
    assert not outbox.is_answered
    more = asyncio.create_task(outbox.take())
    await asyncio.wait_for(outbox.answered(), 1)
    more.cancel()


async def test_whoever_waits_is_woken_by_what_comes() -> None:
    outbox = Outbox()
    waiting = asyncio.create_task(outbox.take())
    await asyncio.sleep(0)
    outbox.put("news")
    assert await asyncio.wait_for(waiting, 1) == ["news"]


class Line:
    """A shortcut that counts what goes out by it; ``free`` says whether the peer reads."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.free = True
        self.outbox = Outbox(send_now=self._send)
        self.taken = asyncio.create_task(self.outbox.take())

    def _send(self, packet: bytes) -> bool:
        if self.free:
            self.sent.append(packet)
        return self.free


async def test_a_preview_that_nothing_waits_before_goes_out_at_once_and_costs_a_credit() -> None:
    line = Line()
    await asyncio.sleep(0)
    line.outbox.credit(CREDITS)
    for number in range(4):
        line.outbox.offer(TAKE, bytes([number]))
    assert line.sent == [b"\x00", b"\x01"]
    line.outbox.credit(1)
    assert await line.taken == [b"\x03"], "the newest of those that waited"


async def test_a_preview_never_overtakes_a_message() -> None:
    line = Line()
    await asyncio.sleep(0)
    line.outbox.credit(CREDITS)
    line.outbox.put("take.started")
    line.outbox.offer(TAKE, b"first")
    assert (line.sent, await line.taken) == ([], ["take.started", b"first"])
    line.outbox.offer(TAKE, b"while it is being sent")
    assert line.sent == []


async def test_r11_a_peer_that_is_behind_gets_the_newest_preview_when_it_reads() -> None:
    line = Line()
    await asyncio.sleep(0)
    line.free = False
    line.outbox.credit(CREDITS)
    line.outbox.offer(TAKE, b"old")
    line.outbox.offer(TAKE, b"new")
    assert (line.sent, await line.taken, line.outbox.credits) == ([], [b"new"], CREDITS - 1)


async def test_nothing_goes_out_by_the_shortcut_once_nobody_sends() -> None:
    line = Line()
    await asyncio.sleep(0)
    line.outbox.credit(CREDITS)
    line.taken.cancel()
    await asyncio.wait([line.taken])
    line.outbox.offer(TAKE, b"too late")
    assert line.sent == []


def test_r04_a_bucket_bears_a_burst_and_then_only_its_rate() -> None:
    now = [0.0]
    bucket = Bucket(60, 300, clock=lambda: now[0])
    assert sum(bucket.take() for _ in range(400)) == 300
    now[0] = 1.0
    assert sum(bucket.take() for _ in range(400)) == 60
    now[0] = 1000.0
    assert sum(bucket.take() for _ in range(400)) == 300
