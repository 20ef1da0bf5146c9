"""Several web processes behind one address, and several workers: ``make run WEBS=2 WORKERS=2``."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import psutil
import pytest

from project.supervisor import HUNG_AFTER_S
from tests.factories import Cast
from tests.helpers.studio import Studio, running_with_rows
from tests.live.rooms.client import RoomClient, room

DEADLINE_S = 30.0


@pytest.fixture(scope="module")
def studio(django_db_setup: None, django_db_blocker: Any) -> Iterator[Studio]:
    with running_with_rows(django_db_blocker, RUSHES_WEBS="2", RUSHES_WORKERS="2") as server:
        yield server


def served_by(studio: Studio, client: RoomClient) -> int:
    """The web process at the other end of a socket."""
    port = client.socket.local_address[1]
    for pid in studio.children("serve"):
        if any(link.raddr and link.raddr.port == port for link in psutil.Process(pid).net_connections("tcp")):
            return pid
    raise AssertionError("no web process has this socket")


async def one_in_each(
    studio: Studio, cast: Cast, cookie: str, stack: AsyncExitStack, *gone: int, deadline_s: float = DEADLINE_S
) -> dict[int, RoomClient]:
    """A socket of the room in each of two web processes, none of them ``gone``; which one takes it nobody can say."""
    found: dict[int, RoomClient] = {}
    async with asyncio.timeout(deadline_s):
        while len(found) < 2:
            async with AsyncExitStack() as attempt:
                client = await attempt.enter_async_context(room(studio.url, cast.project.pk, cookie))
                await client.hello()
                pid = served_by(studio, client)
                if pid not in (*found, *gone):
                    found[pid] = client
                    stack.push_async_exit(attempt.pop_all())
    return found


async def test_one_of_two_webs_killed_leaves_the_other_serving_the_room_and_comes_back(
    studio: Studio, cast: Cast, cookies: dict[str, str]
) -> None:
    async with AsyncExitStack() as stack:
        (killed, lost), (other, kept) = (await one_in_each(studio, cast, cookies["viewer"], stack)).items()
        os.kill(killed, signal.SIGKILL)
        assert await lost.closed() == 1006
        async with room(studio.url, cast.project.pk, cookies["editor"]) as editor:
            await editor.hello()
            assert (await editor.command("project.rename", title="Still here"))["error"] is None
            assert (await kept.next("project.renamed"))["title"] == "Still here"
        again = await one_in_each(studio, cast, cookies["viewer"], stack, killed)
        assert other in again
        (back,) = set(again) - {other}
        assert (await kept.hello())["room"]["title"] == (await again[back].hello())["room"]["title"]


async def test_a_web_that_hangs_takes_no_new_connections(studio: Studio, cast: Cast, cookies: dict[str, str]) -> None:
    async with AsyncExitStack() as stack:
        hung, other = await one_in_each(studio, cast, cookies["viewer"], stack)
        os.kill(hung, signal.SIGSTOP)
        try:
            for _ in range(10):
                async with room(studio.url, cast.project.pk, cookies["editor"]) as client:
                    await client.hello()
                    assert served_by(studio, client) == other
        finally:
            os.kill(hung, signal.SIGCONT)


async def test_a_web_that_hangs_for_long_is_ended_and_another_takes_its_place(
    studio: Studio, cast: Cast, cookies: dict[str, str]
) -> None:
    async with AsyncExitStack() as stack:
        hung, other = await one_in_each(studio, cast, cookies["viewer"], stack)
        os.kill(hung, signal.SIGSTOP)
        deadline_s = HUNG_AFTER_S + DEADLINE_S
        again = await one_in_each(studio, cast, cookies["viewer"], stack, hung, deadline_s=deadline_s)
        assert other in again
        assert not psutil.pid_exists(hung)


async def test_both_webs_killed_and_connections_wait_until_one_is_back(
    studio: Studio, cast: Cast, cookies: dict[str, str]
) -> None:
    async with AsyncExitStack() as stack:
        for pid in await one_in_each(studio, cast, cookies["viewer"], stack):
            os.kill(pid, signal.SIGKILL)
    async with room(studio.url, cast.project.pk, cookies["viewer"], open_timeout=DEADLINE_S) as client:
        assert (await client.hello())["room"] is not None


async def test_each_of_two_workers_renders_and_both_webs_tell(
    studio: Studio, cast: Cast, cookies: dict[str, str], asked: Callable[..., dict[str, Any]]
) -> None:
    await asyncio.to_thread(studio.await_worker, count=2)
    async with AsyncExitStack() as stack:
        viewers = (await one_in_each(studio, cast, cookies["viewer"], stack)).values()
        editor = await stack.enter_async_context(room(studio.url, cast.project.pk, cookies["editor"]))
        await editor.hello()
        for other in studio.children("worker"):
            os.kill(other, signal.SIGSTOP)
            try:
                take_id = (await editor.command("take.request", **asked()))["take_id"]
                for viewer in viewers:
                    assert (await viewer.next("take.done"))["take"]["id"] == take_id
            finally:
                os.kill(other, signal.SIGCONT)
