"""A clean stop of a worker, and of everything: within 10 s, and nobody loses anything."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import psutil
import pytest

from inference.wire import PreviewPacket
from studio.live.threads import in_thread
from studio.models import Take
from tests.factories import Cast
from tests.helpers.studio import Studio, running_with_rows
from tests.live.rooms.client import RoomClient, room

STOP_S = 10.0
GO_ON_S = 60.0
SERVICE_RESTART = 1012


@pytest.fixture
def studio(django_db_setup: None, django_db_blocker: Any) -> Iterator[Studio]:
    with running_with_rows(django_db_blocker) as server:
        server.await_worker()
        yield server


async def begun(client: RoomClient, asked: Callable[..., dict[str, Any]], count: int) -> list[str]:
    """Ask for takes; returns their ids once the first is seen."""
    takes = [(await client.command("take.request", **asked(quality="final")))["take_id"] for _ in range(count)]
    await client.preview()
    return takes


async def ended(pid: int) -> float:
    """Seconds until a process is gone."""
    begun_s = time.monotonic()
    await asyncio.to_thread(psutil.Process(pid).wait, 2 * STOP_S)
    return time.monotonic() - begun_s


def tries(takes: list[str]) -> list[tuple[str, int]]:
    rows = {str(take.pk): take for take in Take.objects.filter(pk__in=takes)}
    return [(rows[take].state, rows[take].tries) for take in takes]


async def test_a_worker_that_stops_gives_its_takes_back_and_they_go_on_at_no_cost_of_a_try(
    studio: Studio, cast: Cast, cookie: str, asked: Callable[..., dict[str, Any]]
) -> None:
    (worker,) = studio.children("worker")
    async with room(studio.url, cast.project.pk, cookie) as client:
        await client.hello()
        takes = await begun(client, asked, 3)
        os.kill(worker, signal.SIGTERM)
        assert await ended(worker) < STOP_S
        seen: list[Any] = []
        async with asyncio.timeout(GO_ON_S):
            while sum(each == "take.done" for each in seen) < len(takes):
                seen.append(await _next(client, takes[0]))
    back = seen.index("take.queued")
    again = seen.index("take.started", back)
    assert not any(isinstance(each, int) for each in seen[back:again]), "a preview of a take that waits"
    assert "take.retried" not in seen
    assert await in_thread(tries, takes) == [("done", 1)] * len(takes)


async def _next(client: RoomClient, take: str) -> str | int | None:
    """What comes next: a preview's step and an event's type, of this take; the end of any."""
    message = await client.any(GO_ON_S)  # a new worker loads its model first
    if isinstance(message, PreviewPacket):
        await client.send(type="preview.ack", count=1)
        return message.step if str(message.take_id) == take else None
    is_ours = message.get("take", {}).get("id") == take or message["type"] == "take.done"
    return str(message["type"]) if is_ours else None


async def test_everything_stops_in_time_with_sockets_open_and_takes_running(
    studio: Studio, cast: Cast, cookie: str, asked: Callable[..., dict[str, Any]]
) -> None:
    assert studio.process is not None
    up = studio.process
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(room(studio.url, cast.project.pk, cookie)) for _ in range(4)]
        for client in clients:
            await client.hello()
        takes = await begun(clients[0], asked, 3)
        begun_s = time.monotonic()
        up.send_signal(signal.SIGTERM)
        assert [await client.closed() for client in clients] == [SERVICE_RESTART] * len(clients)
        closed_s = time.monotonic() - begun_s
        assert await asyncio.to_thread(up.wait, 2 * STOP_S) == 0
    stopped_s = time.monotonic() - begun_s
    print(f"sockets closed within {closed_s:.2f} s, everything stopped within {stopped_s:.2f} s")
    assert stopped_s < STOP_S
    assert "killed" not in studio.tail()
    assert "Traceback" not in studio.tail()
    studio.settings["RUSHES_WORKERS"] = "0"
    await asyncio.to_thread(studio.start)
    assert await in_thread(tries, takes) == [("queued", 0)] * len(takes)
