"""Who reads nothing, who floods and who never finishes a request, with a bystander measured: F-17 and F-18."""

import asyncio
import time
import urllib.request
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import Any

import psutil
import pytest
import redis.asyncio

from studio.live import broadcast, groups
from studio.live.request import REQUEST_TIMEOUT_S
from tests.factories import Cast
from tests.faults.company import Company
from tests.faults.editors import until
from tests.faults.oracle import edits_hold
from tests.faults.part import Part
from tests.faults.stage import Stage, long
from tests.live.rooms.client import room as open_room

pytestmark = pytest.mark.timeout(long(120, 600))
MAY_GROW_BYTES = 50 * 1024 * 1024
SLOWEST_S = 2.0
"""What a bystander's acknowledgement may take at the 95th of a hundred: a bound for a busy machine, not the target."""
EDITS = long(40, 600)
ENDLESS = 200


def p95_s(room: Company, since_s: float) -> float:
    return max(one.ack_p95_s(since_s) for one in room.editors)


async def measured(room: Company, what: str) -> float:
    """How long acknowledgements take from now on."""
    since_s = time.monotonic()
    await room.wrote(EDITS)
    found_s = p95_s(room, since_s)
    print(f"{what}: ack p95 {found_s * 1000:.0f} ms")
    return found_s


async def test_f17_twenty_viewers_that_read_nothing_cost_little_memory_and_nobody_any_time(
    stage: Stage, cast: Cast, cookies: dict[str, str], typing: Any
) -> None:
    web = psutil.Process(stage.webs[0].pid)
    notice = broadcast.encode({"type": "queue.moved", "v": 1, "places": {"x" * 200_000: 1}})
    async with typing(4, rate_hz=8.0, urls=stage.urls[:1]) as room, AsyncExitStack() as sockets:
        before_s = await measured(room, "without them")
        for number in range(20):
            cookie = cookies[("viewer", "reviewer", "guest")[number % 3]]
            one = open_room(stage.urls[0], cast.project.pk, cookie, max_queue=1)
            await (await sockets.enter_async_context(one)).hello()
        before_bytes, grown = web.memory_info().rss, 0
        async with redis.asyncio.Redis.from_url(stage.redis_url) as valkey:
            for _ in range(40):
                await valkey.publish(groups.room(cast.project.pk), notice)
                await room.wrote(2)
                grown = max(grown, web.memory_info().rss - before_bytes)
        during_s = await measured(room, "with twenty of them")
        print(f"memory of web: +{grown / 2**20:.0f} MB; p95 {during_s / before_s:.2f} of what it was")
        assert grown < MAY_GROW_BYTES
        assert during_s < SLOWEST_S
        room.rest()
        await edits_hold(room.editors)
        assert all(one.absences == [] for one in room.editors)


@contextmanager
def nuisance(stage: Stage, *words: str) -> Iterator[Part]:
    """Somebody of bad manners for as long as the block lasts."""
    part = stage.part(f"nuisance-{words[0]}", "-m", "tests.faults.nuisance", *words).start()
    try:
        yield part
        assert part.is_alive, part.said()
    finally:
        part.kill()


def page_s(url: str) -> float:
    """How long the front page takes."""
    begun_s = time.monotonic()
    with urllib.request.urlopen(f"{url}/", timeout=10) as answer:
        assert answer.status == 200
        answer.read()
    return time.monotonic() - begun_s


async def test_f18_floods_and_two_hundred_endless_requests_end_their_own_connections_and_delay_nobody_much(
    stage: Stage, cast: Cast, cookies: dict[str, str], typing: Any
) -> None:
    url = stage.urls[0]
    async with typing(4, rate_hz=8.0, urls=[url]) as room:
        await measured(room, "in peace")
        with nuisance(stage, "flood", url, str(cast.project.pk), cookies["viewer"]) as flood:
            await until(flood.said, 10, "a flood is closed")
            flooded_s = await measured(room, "beside three floods")
            closes = flood.said().split()
        with nuisance(stage, "drip", url, str(ENDLESS)) as drip:
            dripped_s = await measured(room, "beside two hundred endless requests")
            page = await asyncio.to_thread(page_s, url)
            if long(0, 1):
                await until(lambda: drip.said().count("ended") >= ENDLESS, REQUEST_TIMEOUT_S + 10, "each is ended")
        print(f"a page beside them: {page:.2f} s; floods closed with {sorted(set(closes))}, {len(closes)} times")
        # Who goes on sending instead of reading does not see the close code.
        assert set(closes) <= {"4429", "1006"}
        assert max(flooded_s, dripped_s, page) < SLOWEST_S
        room.rest()
        await edits_hold(room.editors)
        assert all(one.absences == [] for one in room.editors)
