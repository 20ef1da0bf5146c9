"""Who comes into a room, and what is said there: SPEC-ROOM.md, rule by rule."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
import redis.asyncio
from websockets.exceptions import InvalidStatus

from studio.domain import projects
from studio.live import broadcast, protocol
from studio.live.threads import in_thread
from tests.factories import Cast, make_worker_node
from tests.helpers.studio import Studio
from tests.live.rooms.client import RoomClient, code_of, request, room

SignIn = Callable[[Any], str]


# Who comes in.


@pytest.mark.parametrize(
    ("part", "edit", "generate", "share"),
    [
        ("owner", True, True, True),
        ("editor", True, True, True),
        ("reviewer", False, False, False),
        ("viewer", False, False, False),
        ("guest", False, False, False),
    ],
)
async def test_r02_a_member_is_welcomed_with_what_the_role_may_do(
    studio: Studio, cast: Cast, cookies: dict[str, str], part: str, edit: bool, generate: bool, share: bool
) -> None:
    async with room(studio.url, cast.project.pk, cookies[part]) as client:
        welcome = protocol.OUTGOING.validate_python(await client.hello())
    assert isinstance(welcome, protocol.Welcome)
    assert (welcome.may_edit, welcome.may_generate, welcome.may_share) == (edit, generate, share)
    assert welcome.you.name == getattr(cast, part).display_name
    assert welcome.room is not None
    assert [shot.title for shot in welcome.room.shots] == ["Morning", "Evening"]
    assert welcome.room.offer.sizes


@pytest.mark.parametrize("part", ["reviewer", "viewer", "guest"])
async def test_whoever_may_not_edit_is_refused_every_command(
    studio: Studio, cast: Cast, cookies: dict[str, str], part: str
) -> None:
    shot = str((await in_thread(lambda: cast.shots))[0].pk)
    commands: list[tuple[str, dict[str, Any]]] = [
        ("take.request", request(shot)),
        ("take.cancel", {"take_id": str(uuid4())}),
        ("take.pick", {"shot_id": shot, "take_id": None}),
        ("shot.add", {"title": "Mine"}),
        ("shot.rename", {"shot_id": shot, "title": "Mine"}),
        ("shot.move", {"shot_id": shot, "position": 1}),
        ("shot.delete", {"shot_id": shot}),
        ("project.rename", {"title": "Mine"}),
    ]
    async with room(studio.url, cast.project.pk, cookies[part]) as client:
        before = await client.hello()
        codes = [(await client.command(type_, **fields))["error"]["code"] for type_, fields in commands]
        after = await client.hello()
    assert codes == ["forbidden"] * len(commands)
    assert before["room"] == after["room"]


async def test_r02_a_stranger_is_answered_as_for_a_room_that_does_not_exist(
    studio: Studio, cast: Cast, cookies: dict[str, str]
) -> None:
    await in_thread(projects.delete_project, await in_thread(cast.access, "owner"))
    for project_id in (cast.project.pk, uuid4(), "not-an-id"):
        assert await code_of(studio.url, project_id, cookies["stranger"]) == 4404
    assert await code_of(studio.url, cast.project.pk, cookies["owner"]) == 4404


async def test_r02_nobody_signed_in_is_4401(studio: Studio, cast: Cast) -> None:
    assert await code_of(studio.url, cast.project.pk) == 4401
    assert await code_of(studio.url, uuid4()) == 4401
    assert await code_of(studio.url, cast.project.pk, "sessionid=made-up") == 4401


@pytest.mark.parametrize(
    "origin",
    ["http://127.0.0.1:1", "https://127.0.0.1", "http://evil.example", "null", "", "file://"],
    ids=["port", "scheme", "host", "null", "none", "file"],
)
async def test_r01_another_origin_is_refused(studio: Studio, cast: Cast, cookies: dict[str, str], origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with room(studio.url, cast.project.pk, cookies["owner"], origin=origin):
            pass
    assert refused.value.response.status_code == 403


async def test_r01_the_same_host_with_another_scheme_is_refused(
    studio: Studio, cast: Cast, cookies: dict[str, str]
) -> None:
    with pytest.raises(InvalidStatus):
        async with room(studio.url, cast.project.pk, cookies["owner"], origin=studio.url.replace("http", "https")):
            pass


async def test_r03_commands_wait_for_hello(studio: Studio, cast: Cast, cookies: dict[str, str]) -> None:
    async with room(studio.url, cast.project.pk, cookies["owner"]) as client:
        reply = await client.command("project.rename", title="Too early")
        assert reply["error"]["code"] == "hello.missing"
        assert (await client.hello())["room"]["title"] == "Harbour"


async def test_r03_whoever_says_nothing_is_closed(studio: Studio, cast: Cast, cookies: dict[str, str]) -> None:
    assert await code_of(studio.url, cast.project.pk, cookies["owner"]) == 4401


# What is said in the room.


async def test_what_one_does_the_other_sees(studio: Studio, cast: Cast, cookies: dict[str, str]) -> None:
    async with (
        room(studio.url, cast.project.pk, cookies["editor"]) as editor,
        room(studio.url, cast.project.pk, cookies["viewer"]) as viewer,
    ):
        await editor.hello()
        seq = (await viewer.hello())["room"]["seq"]
        assert (await editor.command("shot.add", title="Noon"))["error"] is None
        added = await viewer.next("shot.added")
        assert (added["seq"], [shot["title"] for shot in added["shots"]][-1]) == (seq + 1, "Noon")
        noon = added["shots"][-1]["id"]
        await editor.command("shot.move", shot_id=noon, position=0)
        await editor.command("shot.rename", shot_id=noon, title="High noon")
        await editor.command("shot.delete", shot_id=noon)
        await editor.command("project.rename", title="Pier")
        told = [await viewer.next("shot.moved", "shot.renamed", "shot.deleted", "project.renamed") for _ in range(4)]
        for message in [added, *told]:
            protocol.OUTGOING.validate_python(message)
    assert [message["seq"] for message in told] == list(range(seq + 2, seq + 6))
    assert told[0]["shots"][0]["title"] == "Noon"
    assert told[3]["title"] == "Pier"


async def test_r07_a_reconnect_gets_what_it_missed_and_then_the_room_as_it_goes(
    studio: Studio, cast: Cast, cookies: dict[str, str]
) -> None:
    async with room(studio.url, cast.project.pk, cookies["editor"]) as editor:
        seq = (await editor.hello())["room"]["seq"]
        for title in ("One", "Two", "Three"):
            await editor.command("project.rename", title=title)
        async with room(studio.url, cast.project.pk, cookies["viewer"]) as viewer:
            assert (await viewer.hello(last_seq=seq))["room"] is None
            assert (await viewer.next("workers.changed"))["workers"]["alive"] == 0
            assert (await viewer.next("queue.moved"))["places"] == {}
            await editor.command("project.rename", title="Four")
            told = [await viewer.next("project.renamed") for _ in range(4)]
    assert [(message["seq"], message["title"]) for message in told] == [
        (seq + 1, "One"), (seq + 2, "Two"), (seq + 3, "Three"), (seq + 4, "Four"),
    ]  # fmt: skip


@pytest.mark.parametrize("last_seq", [-1, 10**30, -(10**30), 10**6])
async def test_r07_a_number_of_another_history_gets_the_whole_room(
    studio: Studio, cast: Cast, cookies: dict[str, str], last_seq: int
) -> None:
    async with room(studio.url, cast.project.pk, cookies["viewer"]) as viewer:
        assert (await viewer.hello(last_seq))["room"]["title"] == "Harbour"


async def test_r05_no_event_is_lost_or_doubled_around_the_snapshot(
    studio: Studio, cast: Cast, cookies: dict[str, str]
) -> None:
    async def watch(client: RoomClient, last: int) -> None:
        seq = (await client.hello())["room"]["seq"]
        while seq < last:
            message = await client.next("project.renamed")
            assert message["seq"] == seq + 1
            seq = message["seq"]

    async with room(studio.url, cast.project.pk, cookies["editor"]) as editor:
        seq = (await editor.hello())["room"]["seq"]
        last = seq + 40

        async def rename() -> None:
            for number in range(40):
                await editor.command("project.rename", title=f"Title {number}")

        async def join() -> None:
            async with room(studio.url, cast.project.pk, cookies["viewer"]) as viewer:
                await watch(viewer, last)

        await asyncio.gather(rename(), *(join() for _ in range(8)))


async def test_r07_events_that_redis_lost_are_told_with_the_next_one(
    studio: Studio, cast: Cast, cookies: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    access = await in_thread(cast.access, "owner")
    async with room(studio.url, cast.project.pk, cookies["viewer"]) as viewer:
        seq = (await viewer.hello())["room"]["seq"]
        with monkeypatch.context() as lossy:
            lossy.setattr(broadcast, "_publish", lambda channel, data: None)
            await in_thread(projects.rename_project, access, "Lost")
            await in_thread(projects.rename_project, access, "Lost too")
        await in_thread(projects.rename_project, access, "Heard")
        told = [await viewer.next("project.renamed") for _ in range(3)]
    assert [(message["seq"], message["title"]) for message in told] == [
        (seq + 1, "Lost"), (seq + 2, "Lost too"), (seq + 3, "Heard"),
    ]  # fmt: skip


async def test_r21_a_lost_redis_connection_costs_nothing(
    studio: Studio, cast: Cast, cookies: dict[str, str], valkey: "redis.asyncio.Redis",
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    access = await in_thread(cast.access, "owner")
    async with room(studio.url, cast.project.pk, cookies["viewer"]) as viewer:
        await viewer.hello()
        with monkeypatch.context() as lossy:
            lossy.setattr(broadcast, "_publish", lambda channel, data: None)
            await in_thread(projects.rename_project, access, "While away")
        await valkey.client_kill_filter(_type="pubsub")
        assert (await viewer.next("project.renamed"))["title"] == "While away"


async def test_the_offer_is_in_the_readers_language(studio: Studio, cast: Cast, cookies: dict[str, str]) -> None:
    node = await in_thread(make_worker_node)
    async with room(studio.url, cast.project.pk, cookies["viewer"] + "; django_language=fr") as client:
        offer = (await client.hello())["room"]["offer"]
    await in_thread(node.delete)
    assert offer["styles"] == [{"id": "neon", "label": "Néon"}]
