"""Web processes that are killed, stopped one by one, and up for days, with people typing: F-5 to F-7 and F-20."""

import asyncio
import signal
import statistics
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import pytest

from studio.live.threads import in_thread
from studio.models import Take
from tests.factories import Cast
from tests.faults.asking import ask
from tests.faults.company import Company, company
from tests.faults.editors import Editor, until
from tests.faults.later_web import SAID
from tests.faults.light_worker import SLOW
from tests.faults.one_address import SPREAD_S, OneAddress, one_address
from tests.faults.oracle import edits_hold, history, takes_hold
from tests.faults.part import Part
from tests.faults.stage import Stage, long, wait_until
from tests.live.rooms.client import Message, RoomClient
from tests.live.rooms.client import room as open_room

pytestmark = pytest.mark.timeout(long(120, 900))
BACK_S = 5.0
"""Within which everybody is back whose web process went."""


def back_s(editors: list[Editor]) -> list[float]:
    """How long each absence of each editor took."""
    return sorted(gone.back_at_s - gone.lost_at_s for editor in editors for gone in editor.absences if gone.back_at_s)


def reads(editor: Editor, letter: str) -> bool:
    return letter in editor.text


def has_said(web: Part, times: int) -> bool:
    return web.said().count(SAID) == times


def p95(values: list[float]) -> float:
    """Of values in order, the 95th of a hundred."""
    return values[int(0.95 * (len(values) - 1))]


def tell(what: str, values: list[float]) -> None:
    median = statistics.median(values)
    print(f"{what}: median {median:.2f} s, p95 {p95(values):.2f} s, at most {values[-1]:.2f} s")


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
            room.type()
        assert sum(editor.forgotten for editor in room.editors) == 0
        assert {code for editor in room.editors for code in editor.close_codes} == {1006}
        tell("killed → everything here again", back_s(room.editors))
        assert p95(back_s(room.editors)) <= BACK_S
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


async def test_f6_of_two_web_processes_at_one_address_one_is_killed_with_a_take_in_flight(
    stage: Stage, cast: Cast, cookies: dict[str, str], editor: Any, light: Part
) -> None:
    with one_address(stage) as shared:
        for _ in range(long(1, 5)):
            take = await _kill_one_of_two(shared, cast, cookies["viewer"], editor)
            (ended,) = await in_thread(takes_hold, stage, [take])
            assert (ended.state, ended.attempt) == ("done", 1)


async def _kill_one_of_two(shared: OneAddress, cast: Cast, cookie: str, editor: Any) -> Take:
    """Four editors in each, one killed while a take is rendered; a viewer in the other sees it done."""
    (killed, gone), (other, kept) = (await shared.spread(editor, 4)).items()
    async with company([*gone, *kept]) as room, AsyncExitStack() as stack:
        viewer = await watching(shared, other, cast, cookie, stack)
        await room.wrote(50)
        take = await in_thread(ask, cast, prompt=SLOW)
        await viewer.wait(partial(tells, take, "take.started"))
        killed.kill()
        assert await in_thread(history, take) == ["take.queued", "take.started"]
        await room.wrote(50)
        await until(lambda: shared.are_all(gone, other), BACK_S, "all have moved over")
        await viewer.wait(partial(tells, take, "take.done"))
        killed.start()
        room.rest()
        await edits_hold(room.editors)
        assert all(one.absences == [] for one in kept)
        assert all(one.forgotten == 0 and one.close_codes == [1006] for one in gone)
        tell("killed → moved over", back_s(room.editors))
    return take


def tells(take: Take, type_: str, message: Message) -> bool:
    return bool(message["type"] == type_ and message["take"]["id"] == str(take.pk))


async def watching(shared: OneAddress, web: Part, cast: Cast, cookie: str, stack: AsyncExitStack) -> RoomClient:
    """A viewer whose room socket is in this process."""
    async with asyncio.timeout(SPREAD_S):
        while True:
            async with AsyncExitStack() as attempt:
                viewer = await attempt.enter_async_context(open_room(shared.url, cast.project.pk, cookie))
                await viewer.hello()
                if shared.serving(viewer.socket.local_address[1]) is web:
                    stack.push_async_exit(attempt.pop_all())
                    return viewer


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
    stage: Stage, cast: Cast, typing: Any, elsewhere: list[tuple[Cast, Any]], light: Part
) -> None:
    casts, takes = [cast, *(each for each, _ in elsewhere)], list[Take]()
    async with AsyncExitStack() as stack:
        rooms = [await stack.enter_async_context(start(8)) for start in (typing, *(start for _, start in elsewhere))]
        for _ in range(long(1, 3)):
            takes += [await in_thread(ask, one, prompt=SLOW) for one in casts for _ in range(3)]
            await roll_webs(stage, rooms)
            takes += [await in_thread(ask, cast, prompt=SLOW)]
            await in_thread(wait_until, partial(has_begun, takes[-1]), 20, "a take runs")
            print(f"the worker ended within {await asyncio.to_thread(light.stop, 10):.1f} s")
            light.start()
            await hold_rooms(rooms)
        editors = [editor for room in rooms for editor in room.editors]
        tell("told to go → back", back_s(editors))
        assert {code for editor in editors for code in editor.close_codes} == {1012}
        assert back_s(editors)[-1] <= BACK_S
        assert sum(editor.forgotten for editor in editors) == 0
    ended = await in_thread(takes_hold, stage, takes)
    assert [(take.state, take.tries) for take in ended] == [("done", 1)] * len(takes)


async def roll_webs(stage: Stage, rooms: list[Company]) -> None:
    """Stop each web process and start it again, with people typing in every room."""
    for web in stage.webs:
        for room in rooms:
            await room.wrote(30)
        # On a thread: whoever does not answer a close within a second is cut off, and the editors are all here.
        print(f"{web.name} ended within {await asyncio.to_thread(web.stop, 10):.1f} s")
        web.start()
        for room in rooms:
            await room.wrote(30)
        await asyncio.to_thread(stage.await_web, web)


async def hold_rooms(rooms: list[Company]) -> None:
    """Hold every room to the oracle of edits, and have everybody type on."""
    for room in rooms:
        room.rest()
    for room in rooms:
        await edits_hold(room.editors)
    for room in rooms:
        room.type()


def has_begun(take: Take) -> bool:
    return "take.started" in history(take)


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
