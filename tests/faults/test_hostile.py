"""Who reads nothing, who floods and who never finishes a request, with a bystander measured: F-17 and F-18."""

import asyncio
import json
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psutil
import pytest

from studio.live.request import REQUEST_TIMEOUT_S
from tests.factories import Cast
from tests.faults.company import Company
from tests.faults.editors import until
from tests.faults.oracle import edits_hold
from tests.faults.part import Part
from tests.faults.stage import Stage, long
from tests.faults.viewers import READY, Fates

pytestmark = pytest.mark.timeout(long(120, 600))
MAY_GROW_BYTES = 50 * 1024 * 1024
SLOWEST_S = 2.0
"""What a bystander's acknowledgement may take at the 95th of a hundred: a bound for a busy machine, not the target."""
EDITS = long(40, 600)
VIEWERS, PACKETS = 20, long(110, 300)
MAY_TAKE, NOISE_S = 1.2, 0.02
"""What slow viewers may make of the editors' acknowledgements, and by how much a busy machine may be wrong."""
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


@dataclass(frozen=True)
class Beside:
    """What the editors and their web process saw of some viewers, and what became of those."""

    delays_s: list[float]
    grown_bytes: int
    fates: Fates


async def beside(manner: str, stage: Stage, room: Company, cookies: dict[str, str]) -> Beside:
    """Twenty viewers, and the editors' acknowledgements for as long as something is said to them all."""
    web, project_id = psutil.Process(stage.webs[0].pid), str(room.editors[0].project_id)
    before_bytes = most_bytes = web.memory_info().rss
    crowd = [cookies[("viewer", "reviewer", "guest")[number % 3]] for number in range(VIEWERS)]
    words = manner, stage.urls[0], stage.redis_url, project_id, str(PACKETS), *crowd
    viewers = stage.part(f"viewers-{manner}", "-m", "tests.faults.viewers", *words).start()
    try:
        await until(lambda: READY in viewers.said() or not viewers.is_alive, 30, "all viewers are in")
        since_s = time.monotonic()
        while viewers.is_alive:
            room.check()
            most_bytes = max(most_bytes, web.memory_info().rss)
            await asyncio.sleep(0.05)
    finally:
        viewers.kill()
    room.rest()
    await until(lambda: all(one.is_saved for one in room.editors), 20, "what was written meanwhile is acknowledged")
    room.type()
    delays_s = [delay for one in room.editors for at, delay in one.ack_delays_s if at >= since_s]
    assert viewers.said().endswith("}\n"), viewers.said()[-3000:]
    fates = Fates(**json.loads(viewers.said().splitlines()[-1]))
    return Beside(delays_s, most_bytes - before_bytes, fates)


async def test_f17_ten_slow_viewers_and_ten_that_read_nothing_cost_little_memory_and_nobody_any_time(
    stage: Stage, cookies: dict[str, str], typing: Any
) -> None:
    async with typing(4, rate_hz=8.0, urls=stage.urls[:1]) as room:
        await room.wrote(EDITS)
        # The median of three pairs; the third is not needed where two agree.
        held_up = [await held_up_s(stage, room, cookies) for _ in range(2)]
        if min(held_up) <= 0 < max(held_up):
            held_up.append(await held_up_s(stage, room, cookies))
        room.rest()
        await edits_hold(room.editors)
        assert all(one.absences == [] for one in room.editors)
    assert sorted(held_up)[len(held_up) // 2] <= 0, held_up


async def held_up_s(stage: Stage, room: Company, cookies: dict[str, str]) -> float:
    """How much more than they may slow viewers make the editors wait, against as many prompt ones just before."""
    prompt, slow = [await beside(manner, stage, room, cookies) for manner in ("prompt", "slow")]
    check_fates(prompt.fates, slow.fates)
    assert slow.grown_bytes < MAY_GROW_BYTES
    base_s, found_s = p95_of(prompt.delays_s), p95_of(slow.delays_s)
    print(f"ack p95 {base_s * 1000:.0f} ms beside prompt viewers, {found_s / base_s:.2f} of it beside slow ones")
    print(f"memory of web: +{slow.grown_bytes / 2**20:.0f} MB; {slow.fates}")
    return found_s - MAY_TAKE * base_s - NOISE_S


def p95_of(delays_s: list[float]) -> float:
    return sorted(delays_s)[int(0.95 * (len(delays_s) - 1))]


def check_fates(prompt: Fates, slow: Fates) -> None:
    """Who reads stays, however slowly, and goes without previews first; who does not is closed with 4408 (R-13)."""
    assert prompt.readers_closed == slow.readers_closed == []
    assert (len(prompt.previews), len(slow.previews)) == (VIEWERS // 2, VIEWERS // 2)
    assert min(prompt.previews) > 0.9 * PACKETS > max(slow.previews)
    assert min(slow.previews) > 0
    assert len(slow.sleepers_closed) >= VIEWERS // 4
    assert set(slow.sleepers_closed) == {4408}


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
