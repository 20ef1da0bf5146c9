"""Valkey and Postgres that die or hang, and come back after a while or with nothing in them: F-10, F-11 and F-19."""

import asyncio
import time
import urllib.error
import urllib.request
from typing import Any

import pytest
import redis
from django.db import connections

from studio.live.threads import in_thread
from studio.models import Membership
from tests.factories import Cast
from tests.faults.asking import ask
from tests.faults.company import Company
from tests.faults.editors import until
from tests.faults.light_worker import SLOW
from tests.faults.oracle import CONVERGED_S, edits_hold, history, takes_hold
from tests.faults.part import Part
from tests.faults.stage import Stage, long, wait_until
from tests.live.rooms.client import room as open_room

pytestmark = pytest.mark.timeout(long(120, 600))


def status(url: str, cookie: str) -> int:
    """How the page of one's projects is answered, without following where it leads."""
    try:
        with urllib.request.urlopen(urllib.request.Request(f"{url}/projects/", headers={"Cookie": cookie})) as answer:
            return 200 if answer.url.endswith("/projects/") else 302
    except urllib.error.HTTPError as error:
        return error.code


async def same_everywhere(room: Company) -> float:
    """Wait until everybody has what everybody wrote, while nothing is written."""
    room.rest()
    editors = room.editors
    return await until(
        lambda: room.check() and all(one.is_saved for one in editors) and len({one.text for one in editors}) == 1,
        CONVERGED_S,
        "everybody has what everybody wrote",
    )


async def test_f10_valkey_away_and_wiped_costs_no_edit_no_take_and_nobodys_session(
    stage: Stage, cast: Cast, cookies: dict[str, str], typing: Any, light: Part
) -> None:
    async with typing(6) as room:
        await room.wrote(20)
        stage.kill_valkey()
        killed_s, takes = time.monotonic(), [await in_thread(ask, cast, prompt=SLOW)]
        while time.monotonic() - killed_s < long(2, 10):
            await room.wrote(10)
        assert await asyncio.to_thread(status, stage.urls[0], cookies["editor"]) == 200
        stage.start_valkey()
        print(f"Valkey is back: the same everywhere {await same_everywhere(room):.2f} s later")
        room.type()
        with redis.Redis.from_url(stage.redis_url) as valkey:
            for _ in range(3):
                await room.wrote(10)
                takes.append(await in_thread(ask, cast))
                await asyncio.to_thread(valkey.flushall)
        await same_everywhere(room)
        await edits_hold(room.editors)
        assert all(one.absences == [] for one in room.editors)
    assert await asyncio.to_thread(status, stage.urls[1], cookies["editor"]) == 200
    ended = await in_thread(takes_hold, stage, takes)
    assert [(take.state, take.attempt) for take in ended] == [("done", 1)] * 4


@pytest.mark.skipif(not long(0, 1), reason="waits for the check every 30 s; make faults runs it")
async def test_f10_who_is_removed_while_valkey_is_away_is_out_within_the_next_check(
    stage: Stage, cast: Cast, cookies: dict[str, str]
) -> None:
    async with open_room(stage.urls[0], cast.project.pk, cookies["viewer"]) as viewer:
        await viewer.hello()
        stage.kill_valkey()
        await in_thread(lambda: Membership.objects.get(user=cast.viewer, workspace=cast.workspace).delete())
        stage.start_valkey()
        async with asyncio.timeout(40):
            await viewer.socket.wait_closed()
    assert viewer.socket.close_code == 4403


async def test_f11_while_postgres_is_away_nothing_is_acknowledged_and_afterwards_all_is(
    stage: Stage, cast: Cast, cookies: dict[str, str], typing: Any, light: Part
) -> None:
    async with typing(6) as room:
        await room.wrote(20)
        takes = [await in_thread(ask, cast, prompt=SLOW)]
        await in_thread(connections.close_all)
        stage.stop_postgres()
        # What was acknowledged before is said before these answers, and heard before the next ones.
        for url in stage.urls:
            assert await asyncio.to_thread(status, url, cookies["editor"]) == 503
        for web in stage.webs:
            assert await asyncio.to_thread(stage.answers, web)
        acknowledged, away_s = room.acknowledged, time.monotonic()
        await asyncio.sleep(max(0.0, away_s + long(2, 30) - time.monotonic()))
        assert room.acknowledged == acknowledged
        assert sum(len(one.log) for one in room.editors) > acknowledged
        stage.start_postgres()
        print(f"Postgres is back: saved and the same everywhere {await same_everywhere(room):.2f} s later")
        room.type()
        await room.wrote(20)
        takes.append(await in_thread(ask, cast))
        room.rest()
        await edits_hold(room.editors)
        print(f"closed meanwhile: {sorted({code for one in room.editors for code in one.close_codes})}")
    ended = await in_thread(takes_hold, stage, takes)
    assert [take.state for take in ended] == ["done"] * 2


def test_f19_a_worker_told_to_stop_while_postgres_hangs_ends_and_its_take_goes_on(
    stage: Stage, cast: Cast, light: Part
) -> None:
    take = ask(cast, prompt=SLOW)
    wait_until(lambda: "take.started" in history(take), 10, "the take is rendered")
    with stage.hung_postgres():
        took_s = light.stop()
    print(f"the worker ended after {took_s:.1f} s")
    assert took_s < 10
    light.start()
    (ended,) = takes_hold(stage, [take])
    assert (ended.state, ended.attempt) == ("done", 2)
