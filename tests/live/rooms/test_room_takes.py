"""Takes and previews in a room: SPEC-ROOM.md, rule by rule."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID, uuid4

import psutil
import pytest
import redis.asyncio

from inference.wire import PreviewPacket
from studio.live import broadcast, groups
from studio.live.threads import in_thread
from studio.models import Take, TakeState
from tests.factories import Cast, make_worker_node
from tests.helpers.studio import Studio
from tests.live.rooms.client import request, room

SignIn = Callable[[Any], str]


def packet(take_id: UUID, step: int, size_bytes: int = 10) -> bytes:
    jpeg = b"\xff\xd8" + bytes(size_bytes)
    return PreviewPacket(take_id, 1, step, 400, 25, 8, 96, 64, 100, ((0, jpeg),)).encode()


# Takes.


async def test_two_people_press_generate_at_once(studio: Studio, cast: Cast, cookies: dict[str, str]) -> None:
    shot = (await in_thread(lambda: cast.shots))[0].pk
    async with (
        room(studio.url, cast.project.pk, cookies["editor"]) as one,
        room(studio.url, cast.project.pk, cookies["owner"]) as other,
    ):
        await one.hello()
        await other.hello()
        replies = await asyncio.gather(
            one.command("take.request", **request(shot)), other.command("take.request", **request(shot))
        )
        queued = [await one.next("take.queued") for _ in range(2)]
    assert [reply["error"] for reply in replies] == [None, None]
    assert {message["take"]["id"] for message in queued} == {reply["take_id"] for reply in replies}
    assert [message["take"]["number"] for message in queued] == [1, 2]
    assert sorted(message["take"]["place"] for message in queued) == [1, 2]


async def test_the_same_key_many_times_at_once_is_one_take(studio: Studio, cast: Cast, cookies: dict[str, str]) -> None:
    asked = request((await in_thread(lambda: cast.shots))[0].pk)
    async with (
        room(studio.url, cast.project.pk, cookies["editor"]) as one,
        room(studio.url, cast.project.pk, cookies["editor"]) as other,
    ):
        await one.hello()
        await other.hello()
        for number in range(5):
            for client in (one, other):
                await client.send(type="take.request", id=f"press-{number}", **asked)
        replies = [await client.next("reply") for client in (one, other) * 5]
    assert {(reply["error"], reply["take_id"]) for reply in replies} == {(None, replies[0]["take_id"])}
    assert await in_thread(Take.objects.filter(project=cast.project).count) == 1


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"prompt": "  "}, "prompt", ["4000"]),
        ({"prompt": "x" * 4001}, "prompt", ["4000", "4001"]),
        ({"prompt": "a\0b"}, "prompt", ["NUL"]),
        ({"size": "8x8"}, "size", ["96x64", "8x8"]),
        ({"frames": 9999}, "frames", ["25", "9999"]),
        ({"frames": -1}, "frames", ["25", "-1"]),
        ({"seed": -1}, "seed", ["0", "-1"]),
        ({"seed": 10**30}, "seed", ["2147483647"]),
        ({"style": "baroque"}, "style", ["baroque"]),
        ({"quality": "best"}, "quality", ["draft", "best"]),
        ({"shot_id": "one"}, "shot_id", ["UUID", "one"]),
        ({"frames": "25"}, "frames", ["integer", '"25"']),
        ({"volume": 11}, "volume", ["no such field"]),
    ],
    ids=str,
)
async def test_r08_a_wrong_request_says_what_was_expected_and_what_was_given(
    studio: Studio, cast: Cast, cookies: dict[str, str], change: dict[str, Any], field: str, words: list[str]
) -> None:
    shot = (await in_thread(lambda: cast.shots))[0].pk
    async with room(studio.url, cast.project.pk, cookies["editor"]) as client:
        await client.hello()
        error = (await client.command("take.request", **request(shot, **change)))["error"]
    assert error["field"] == field
    assert [word for word in words if word not in error["message"]] == []


async def test_r23_a_room_without_a_worker_says_so_and_when_one_comes(
    studio: Studio, cast: Cast, cookies: dict[str, str]
) -> None:
    shot = (await in_thread(lambda: cast.shots))[0].pk
    async with room(studio.url, cast.project.pk, cookies["editor"]) as client:
        await client.hello()
        await client.wait(lambda message: message["type"] == "workers.changed" and message["workers"]["alive"] == 0)
        take_id = (await client.command("take.request", **request(shot)))["take_id"]
        moved = await client.wait(lambda message: message["type"] == "queue.moved" and take_id in message["places"])
        assert moved["places"][take_id] >= 1
        node = await in_thread(make_worker_node)
        await client.wait(lambda message: message["type"] == "workers.changed" and message["workers"]["alive"] == 1)
        await in_thread(node.delete)
        await client.wait(lambda message: message["type"] == "workers.changed" and message["workers"]["alive"] == 0)
        assert (await client.command("take.cancel", take_id=take_id))["error"] is None
        await client.wait(lambda message: message["type"] == "take.cancelled" and message["take"]["id"] == take_id)
        await client.wait(lambda message: message["type"] == "queue.moved" and take_id not in message["places"])


# Previews.


async def running(cast: Cast, cookie: str, studio: Studio) -> UUID:
    """A take of the cast's that a worker has begun, as far as anybody can tell."""
    shot = (await in_thread(lambda: cast.shots))[0].pk
    async with room(studio.url, cast.project.pk, cookie) as client:
        await client.hello()
        take_id = UUID((await client.command("take.request", **request(shot)))["take_id"])
    await in_thread(Take.objects.filter(pk=take_id).update, state=TakeState.RUNNING, attempt=1)
    return take_id


@pytest.mark.parametrize("again", [False, True], ids=["snapshot", "replay"])
async def test_r11_a_late_joiner_sees_the_newest_preview_at_once(
    studio: Studio, cast: Cast, cookies: dict[str, str], valkey: "redis.asyncio.Redis", again: bool
) -> None:
    take_id = await running(cast, cookies["editor"], studio)
    await valkey.set(groups.preview(take_id), packet(take_id, 3), ex=60)
    async with room(studio.url, cast.project.pk, cookies["viewer"]) as late:
        welcome = await late.hello(last_seq=1 if again else None)
        assert (welcome["room"] is None) is again
        assert (await late.preview()).step == 3


async def test_r10_a_viewer_that_does_not_acknowledge_gets_two_and_then_only_the_newest(
    studio: Studio, cast: Cast, cookies: dict[str, str], valkey: "redis.asyncio.Redis"
) -> None:
    take_id = uuid4()
    async with (
        room(studio.url, cast.project.pk, cookies["editor"]) as quick,
        room(studio.url, cast.project.pk, cookies["viewer"]) as slow,
    ):
        await quick.hello()
        await slow.hello()
        for step in range(1, 31):
            await valkey.publish(groups.room(cast.project.pk), packet(take_id, step))
            assert (await quick.preview()).step == step
            await quick.send(type="preview.ack", count=1)
        assert [(await slow.preview()).step for _ in range(2)] == [1, 2]
        # what is no preview passes by those that wait.
        await quick.command("project.rename", title="In between")
        await slow.next("project.renamed")
        await slow.send(type="preview.ack", count=2)
        assert (await slow.preview()).step == 30
        assert [message for message in slow.kept() if isinstance(message, PreviewPacket)] == []


async def test_previews_of_every_size_arrive_whole_and_in_order_among_events(
    studio: Studio, cast: Cast, cookies: dict[str, str], valkey: "redis.asyncio.Redis"
) -> None:
    take_id, channel = await running(cast, cookies["editor"], studio), groups.room(cast.project.pk)
    sizes = [10, 60, 61, 62, 65_400, 65_500, 70_000, 4_000_000, 30_000]
    async with room(studio.url, cast.project.pk, cookies["viewer"], max_size=None) as viewer:
        await viewer.hello()
        for step, size in enumerate(sizes):
            await valkey.publish(channel, packet(take_id, step, size))
            came = await viewer.preview()
            assert (came.step, len(came.frames[0][1])) == (step, size + 2)
            await viewer.socket.send('{"type":"preview.ack","v":1,"count":1}')


async def test_r04_a_flood_of_acknowledgements_closes_the_socket(
    studio: Studio, cast: Cast, cookies: dict[str, str]
) -> None:
    async with room(studio.url, cast.project.pk, cookies["viewer"]) as viewer:
        await viewer.hello()
        for _ in range(400):
            await viewer.socket.send('{"type":"preview.ack","v":1,"count":1}')
        assert await viewer.closed() == 4429


async def test_r13_viewers_that_read_nothing_are_closed_cost_little_and_stall_nobody(
    studio: Studio, cast: Cast, cookies: dict[str, str], valkey: "redis.asyncio.Redis"
) -> None:
    (web,) = (psutil.Process(pid) for pid in studio.children("serve"))
    notice = broadcast.encode({"type": "queue.moved", "v": 1, "places": {"x" * 200_000: 1}})
    async with AsyncExitStack() as stack:
        reader = await stack.enter_async_context(room(studio.url, cast.project.pk, cookies["editor"], max_queue=None))
        await reader.hello()
        stalled = [
            await stack.enter_async_context(room(studio.url, cast.project.pk, cookies["viewer"], max_queue=1))
            for _ in range(10)
        ]
        for client in stalled:
            await client.hello()
        before = web.memory_info().rss
        # 16 MB a viewer: several times what the kernel's buffers and the outbox hold together.
        for _ in range(80):
            await valkey.publish(groups.room(cast.project.pk), notice)
            await reader.wait(lambda message: "x" * 200_000 in message.get("places", {}))
        assert web.memory_info().rss - before < 50 * 1024 * 1024
        # The close frame is behind megabytes that were not read: some see it, some only the end.
        assert {await client.closed() for client in stalled} <= {4408, 1006}
