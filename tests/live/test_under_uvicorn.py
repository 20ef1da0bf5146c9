"""The site under uvicorn, beside the one under Daphne: ``manage.py serve --uvicorn``."""

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.request import urlopen
from uuid import uuid4

import pytest
import redis.asyncio

from inference.wire import PreviewPacket
from project.env import ROOT
from studio.live import groups
from tests.factories import Cast
from tests.helpers.studio import Studio, free_port, running_with_rows
from tests.live.rooms.client import room

START_S, STOP_S = 30.0, 10.0


@pytest.fixture(scope="module")
def studio(django_db_setup: None, django_db_blocker: Any) -> Iterator[Studio]:
    with running_with_rows(django_db_blocker, RUSHES_WORKERS="0") as server:
        yield server


@contextmanager
def serving(studio: Studio) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """uvicorn for the same studio, at an address of its own."""
    port = free_port()
    command = [sys.executable, "manage.py", "serve", "--uvicorn", "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env=studio.environment())
    try:
        await_page(f"http://127.0.0.1:{port}/healthz", process)
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.terminate()
        process.wait(START_S)


@pytest.fixture(scope="module")
def address(studio: Studio) -> Iterator[str]:
    with serving(studio) as (url, _):
        yield url


def await_page(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline_s = time.monotonic() + START_S
    while True:
        try:
            urlopen(url, timeout=1).close()
            return
        except OSError:
            assert process.poll() is None
            assert time.monotonic() < deadline_s
            time.sleep(0.05)


def packet(take_id: Any, step: int, size_bytes: int = 10) -> bytes:
    jpeg = b"\xff\xd8" + bytes(size_bytes)
    return PreviewPacket(take_id, 1, step, 400, 25, 8, 96, 64, 100, ((0, jpeg),)).encode()


async def test_r10_previews_of_every_size_reach_whoever_reads_and_who_does_not_gets_the_newest(
    studio: Studio, address: str, cast: Cast, cookies: dict[str, str]
) -> None:
    channel, take_id, sizes = groups.room(cast.project.pk), uuid4(), [10, 61, 62, 65_400, 70_000, 4_000_000, 30_000]
    there = {"origin": studio.url, "max_size": None}
    async with (
        redis.asyncio.Redis.from_url(studio.redis_url) as valkey,
        room(address, cast.project.pk, cookies["editor"], **there) as quick,
        room(address, cast.project.pk, cookies["viewer"], **there) as slow,
    ):
        await quick.hello()
        await slow.hello()
        for step, size in enumerate(sizes):
            await valkey.publish(channel, packet(take_id, step, size))
            came = await quick.preview()
            assert (came.step, len(came.frames[0][1])) == (step, size + 2)
            await quick.socket.send('{"type":"preview.ack","v":1,"count":1}')
        assert [(await slow.preview()).step for _ in range(2)] == [0, 1]
        await slow.send(type="preview.ack", count=2)
        assert (await slow.preview()).step == len(sizes) - 1


async def test_people_under_either_server_are_in_one_room(
    studio: Studio, address: str, cast: Cast, cookies: dict[str, str]
) -> None:
    async with (
        room(studio.url, cast.project.pk, cookies["editor"]) as one,
        room(address, cast.project.pk, cookies["viewer"], origin=studio.url) as other,
    ):
        await one.hello()
        await other.hello()
        assert (await one.command("project.rename", title="Everywhere"))["error"] is None
        assert (await other.next("project.renamed"))["title"] == "Everywhere"


async def test_it_stops_in_time_with_a_socket_that_reads_nothing(
    studio: Studio, cast: Cast, cookies: dict[str, str]
) -> None:
    with serving(studio) as (url, process):
        async with room(url, cast.project.pk, cookies["viewer"], origin=studio.url) as client:
            await client.hello()
            process.terminate()
            assert await asyncio.to_thread(process.wait, STOP_S) in (0, -signal.SIGTERM)
