"""What a room survives: SPEC-ROOM.md R-17 and R-21, with processes that really end."""

import asyncio
import os
import signal

import redis.asyncio

from tests.factories import Cast
from tests.helpers.studio import Studio
from tests.live.rooms.client import room


async def test_r21_commands_go_on_while_valkey_is_killed_and_everybody_hears_of_them(
    studio: Studio, cast: Cast, cookies: dict[str, str]
) -> None:
    async with (
        room(studio.url, cast.project.pk, cookies["editor"]) as editor,
        room(studio.url, cast.project.pk, cookies["viewer"]) as viewer,
    ):
        await editor.hello()
        seq = (await viewer.hello())["room"]["seq"]
        client: redis.asyncio.Redis = redis.asyncio.Redis.from_url(studio.redis_url)
        async with client:
            valkey = (await client.info("server"))["process_id"]
        os.kill(valkey, signal.SIGKILL)
        for number in range(3):
            assert (await editor.command("project.rename", title=f"Title {number}"))["error"] is None
        told = [await viewer.next("project.renamed") for _ in range(3)]
    assert [message["seq"] for message in told] == [seq + 1, seq + 2, seq + 3]


async def test_r17_a_web_process_that_stops_says_goodbye_and_its_successor_replays(
    studio: Studio, cast: Cast, cookies: dict[str, str]
) -> None:
    async with room(studio.url, cast.project.pk, cookies["viewer"]) as viewer:
        seq = (await viewer.hello())["room"]["seq"]
        (web,) = studio.children("serve")
        os.kill(web, signal.SIGTERM)
        assert await viewer.closed() == 1012
    async with asyncio.timeout(30):
        while studio.children("serve") in ([], [web]) or not studio.answers("/healthz"):  # noqa: ASYNC110 - a process
            await asyncio.sleep(0.05)
    async with room(studio.url, cast.project.pk, cookies["viewer"]) as viewer:
        assert (await viewer.hello(last_seq=seq))["room"] is None
