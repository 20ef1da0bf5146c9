"""Web processes that are killed, stopped one by one, and up for days, with people typing: F-5 to F-7 and F-20."""

import asyncio
import signal
import statistics
from functools import partial
from typing import Any

import pytest

from studio.live.threads import in_thread
from tests.factories import Cast
from tests.faults.asking import ask
from tests.faults.editors import Editor, until
from tests.faults.later_web import SAID
from tests.faults.light_worker import SLOW
from tests.faults.oracle import edits_hold, history, takes_hold
from tests.faults.part import Part
from tests.faults.stage import Stage, long, wait_until
from tests.live.rooms.client import room as open_room

pytestmark = pytest.mark.timeout(long(120, 900))


def back_s(editors: list[Editor]) -> list[float]:
    """How long each absence of each editor took."""
    return sorted(gone.back_at_s - gone.lost_at_s for editor in editors for gone in editor.absences if gone.back_at_s)


def reads(editor: Editor, letter: str) -> bool:
    return letter in editor.text


def has_said(web: Part, times: int) -> bool:
    return web.said().count(SAID) == times


def tell(what: str, values: list[float]) -> None:
    p95 = values[int(0.95 * (len(values) - 1))]
    print(f"{what}: median {statistics.median(values):.2f} s, p95 {p95:.2f} s, at most {values[-1]:.2f} s")


async def test_f5_a_web_process_killed_with_twenty_editors_loses_no_acknowledged_edit(
    stage: Stage, typing: Any
) -> None:
    web = stage.webs[0]
    async with typing(20, urls=stage.urls[:1]) as room:
        for _ in range(long(2, 20)):
            await room.wrote(100)
            web.kill()
            web.start()
            await room.wrote(1)
        room.rest()
        took_s = await edits_hold(room.editors)
        assert sum(editor.forgotten for editor in room.editors) == 0
        assert {code for editor in room.editors for code in editor.close_codes} == {1006}
        tell("killed → everything here again", back_s(room.editors))
        print(f"{room.acknowledged} acknowledged edits, the same everywhere {took_s:.2f} s after the last")


async def test_f6_of_two_web_processes_in_one_room_one_is_killed_and_the_others_editors_go_on(
    stage: Stage, typing: Any
) -> None:
    async with typing(10) as room:
        here = stage.webs[0]
        there_before = [editor for editor in room.editors if editor.url == stage.urls[1]]
        assert 0 < len(there_before) < len(room.editors)
        await room.wrote(50)
        here.kill()
        await room.wrote(50)
        await until(lambda: {editor.url for editor in room.editors} == {stage.urls[1]}, 10, "all have moved over")
        here.start()
        stage.await_web(here)
        room.rest()
        await edits_hold(room.editors)
        assert all(editor.absences == [] for editor in there_before)
        tell("killed → moved over", back_s(room.editors))


async def test_f6_who_closed_the_tab_when_told_saved_is_read_by_the_others_though_the_web_process_died(
    stage: Stage, editor: Any
) -> None:
    watcher = await editor(urls=stage.urls[1:]).ready()
    for _ in range(long(3, 20)):
        leaver = await editor("owner", stage.urls[:1]).ready()
        letter = leaver.write()
        await leaver.saved()
        stage.webs[0].kill()
        await leaver.leave()
        stage.webs[0].start()
        await until(partial(reads, watcher, letter), 10, "what was acknowledged is read by the others")
        stage.await_web(stage.webs[0])
    await edits_hold([watcher], [leaver])
    await watcher.leave()


async def test_f7_a_rolling_restart_costs_no_edit_no_try_and_a_blip(
    stage: Stage, cast: Cast, typing: Any, light: Part
) -> None:
    async with typing(8) as room:
        takes = [await in_thread(ask, cast, prompt=SLOW) for _ in range(3)]
        for web in stage.webs:
            await room.wrote(30)
            # On a thread: whoever does not answer a close within a second is cut off, and the editors are all here.
            print(f"{web.name} ended within {await asyncio.to_thread(web.stop, 10):.1f} s")
            web.start()
            await room.wrote(30)
            await asyncio.to_thread(stage.await_web, web)
        takes += [await in_thread(ask, cast, prompt=SLOW)]
        await in_thread(wait_until, lambda: "take.started" in history(takes[-1]), 10, "a take runs")
        print(f"the worker ended within {await asyncio.to_thread(light.stop, 10):.1f} s")
        light.start()
        room.rest()
        await edits_hold(room.editors)
        codes = {code for editor in room.editors for code in editor.close_codes}
        tell("told to go → back", back_s(room.editors))
        assert codes == {1012}
        assert back_s(room.editors)[-1] <= 5
    ended = await in_thread(takes_hold, stage, takes)
    assert [(take.state, take.tries) for take in ended] == [("done", 1)] * 4


async def test_f20_after_more_than_a_day_nobodys_connection_has_ended_and_everything_is_still_told(
    stage: Stage, cast: Cast, cookies: dict[str, str], typing: Any, light: Part
) -> None:
    url = stage.urls[0]
    stage.webs[0].kill()
    address = "--host", "127.0.0.1", "--port", url.rpartition(":")[2]
    web = stage.part("later-web", "-m", "tests.faults.later_web", *address)
    web.start()
    try:
        stage.await_web(stage.webs[0])
        async with typing(6, urls=[url]) as room, open_room(url, cast.project.pk, cookies["viewer"]) as viewer:
            await viewer.hello()
            await room.wrote(20)
            for day in range(1, 4):
                web.signal(signal.SIGUSR1)
                await until(partial(has_said, web, day), 5, "its clocks have moved")
                await room.wrote(40)
                await in_thread(ask, cast)
                await viewer.wait(lambda message: message["type"] == "take.done")
            room.rest()
            await edits_hold(room.editors)
            assert all(one.absences == [] for one in room.editors)
    finally:
        web.kill()
