"""The room socket of a real studio without a worker: SPEC-ROOM.md, rule by rule."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID, uuid4

import psutil
import pytest
import redis.asyncio
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from inference.wire import PreviewPacket
from studio.domain import projects
from studio.live import broadcast, groups, protocol
from studio.live.threads import in_thread
from studio.models import Membership, Role, Take, TakeState
from tests.conftest import _database_of
from tests.factories import Cast, make_worker_node
from tests.helpers.studio import Studio
from tests.live.room_client import RoomClient, request, room

SignIn = Callable[[Any], str]


@pytest.fixture(scope="module")
def studio(django_db_setup: None, django_db_blocker: Any) -> Iterator[Studio]:
    """A studio in which nothing renders, so that a test says itself what a worker would say."""
    server = Studio(RUSHES_WORKERS="0", RUSHES_SECRET_KEY=settings.SECRET_KEY).start()
    with _database_of(server, django_db_blocker):
        yield server
    server.stop()
    assert "Traceback" not in server.tail(1_000_000), server.tail()
    shutil.rmtree(server.data, ignore_errors=True)


@pytest.fixture(autouse=True)
def said_to_the_studio(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What this process commits is said on the studio's Valkey."""
    monkeypatch.setattr(settings, "REDIS_URL", studio.redis_url)
    broadcast._client.cache_clear()
    yield
    broadcast._client().close()
    broadcast._client.cache_clear()


@pytest.fixture
async def valkey(studio: Studio) -> AsyncIterator["redis.asyncio.Redis"]:
    client: redis.asyncio.Redis = redis.asyncio.Redis.from_url(studio.redis_url)
    yield client
    await client.aclose()


@pytest.fixture
def cast(studio: Studio) -> Cast:
    return Cast()


@pytest.fixture
def cookies(cast: Cast, sign_in: SignIn) -> dict[str, str]:
    return {part: sign_in(person) for part, person in cast.everybody.items()}


def packet(take_id: UUID, step: int, size_bytes: int = 10) -> bytes:
    jpeg = b"\xff\xd8" + bytes(size_bytes)
    return PreviewPacket(take_id, 1, step, 400, 25, 8, 96, 64, 100, ((0, jpeg),)).encode()


async def code_of(studio: Studio, project_id: object, cookie: str = "") -> int:
    async with room(studio.url, project_id, cookie) as client:
        return await client.closed()


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
        assert await code_of(studio, project_id, cookies["stranger"]) == 4404
    assert await code_of(studio, cast.project.pk, cookies["owner"]) == 4404


async def test_r02_nobody_signed_in_is_4401(studio: Studio, cast: Cast) -> None:
    assert await code_of(studio, cast.project.pk) == 4401
    assert await code_of(studio, uuid4()) == 4401
    assert await code_of(studio, cast.project.pk, "sessionid=made-up") == 4401


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
    assert await code_of(studio, cast.project.pk, cookies["owner"]) == 4401


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


# What a socket may not do.


@pytest.mark.parametrize(
    "garbage",
    [b"\x00\xff\xfe" * 50, "{", "[]", '{"type": "film.nuke", "v": 1}', '{"type": "hello", "v": 99}', "[" * 10_000],
    ids=["binary", "json", "list", "type", "version", "deep"],
)
async def test_r08_garbage_is_refused_with_reasons_and_closed_after_ten(
    studio: Studio, cast: Cast, cookies: dict[str, str], garbage: str | bytes
) -> None:
    async with room(studio.url, cast.project.pk, cookies["viewer"]) as client:
        await client.hello()
        await client.socket.send(garbage)
        refused = protocol.OUTGOING.validate_python(await client.next("refused"))
        assert isinstance(refused, protocol.Refused)
        assert "xpected" in refused.error.message
        assert (await client.hello())["room"]["title"] == "Harbour"
        for _ in range(9):
            await client.socket.send(garbage)
        assert await client.closed() == 4429


async def test_r04_an_oversized_message_closes_its_socket_and_no_other(
    studio: Studio, cast: Cast, cookies: dict[str, str]
) -> None:
    async with (
        room(studio.url, cast.project.pk, cookies["viewer"]) as loud,
        room(studio.url, cast.project.pk, cookies["editor"]) as other,
    ):
        await loud.hello()
        await other.hello()
        await loud.socket.send("x" * (protocol.MAX_MESSAGE_BYTES + 1))
        assert await loud.closed() == 1009
        assert (await other.command("project.rename", title="Still here"))["error"] is None


async def test_r04_a_flood_closes_its_socket_and_no_other(studio: Studio, cast: Cast, cookies: dict[str, str]) -> None:
    async with (
        room(studio.url, cast.project.pk, cookies["viewer"]) as loud,
        room(studio.url, cast.project.pk, cookies["editor"]) as other,
    ):
        await loud.hello()
        await other.hello()
        for _ in range(2000):
            try:
                await loud.send(type="preview.ack", count=1)
            except Exception:
                break
        assert await loud.closed() == 4429
        assert (await other.command("project.rename", title="Still here"))["error"] is None


async def test_r04_a_person_has_at_most_twenty_sockets(studio: Studio, cast: Cast, cookies: dict[str, str]) -> None:
    address = f"{studio.url.replace('http', 'ws', 1)}/ws/rooms/{cast.project.pk}/"
    options: Any = {"additional_headers": {"Cookie": cookies["guest"]}, "origin": studio.url}
    sockets = [await connect(address, **options) for _ in range(20)]
    clients = [RoomClient(socket) for socket in sockets]
    for client in clients:
        await client.hello()
    assert await code_of(studio, cast.project.pk, cookies["guest"]) == 4429
    for socket in sockets:
        await socket.close()


# Staying in.


async def test_r15_a_removed_member_is_out_at_once(studio: Studio, cast: Cast, cookies: dict[str, str]) -> None:
    async with (
        room(studio.url, cast.project.pk, cookies["viewer"]) as removed,
        room(studio.url, cast.project.pk, cookies["editor"]) as other,
    ):
        await removed.hello()
        await other.hello()
        async with asyncio.timeout(1):
            membership = await in_thread(Membership.objects.get, user=cast.viewer, workspace=cast.workspace)
            await in_thread(membership.delete)
            assert await removed.closed() == 4403
        assert (await other.command("project.rename", title="Without"))["error"] is None
    assert await code_of(studio, cast.project.pk, cookies["viewer"]) == 4404


async def test_r15_another_role_closes_the_socket(studio: Studio, cast: Cast, cookies: dict[str, str]) -> None:
    async with room(studio.url, cast.project.pk, cookies["editor"]) as demoted:
        await demoted.hello()
        membership = await in_thread(Membership.objects.get, user=cast.editor, workspace=cast.workspace)
        membership.role = Role.VIEWER
        await in_thread(membership.save)
        assert await demoted.closed() == 4410


async def test_r15_a_session_that_ends_in_the_middle_closes_the_socket(
    studio: Studio, cast: Cast, cookies: dict[str, str]
) -> None:
    async with (
        room(studio.url, cast.project.pk, cookies["viewer"]) as ended,
        room(studio.url, cast.project.pk, cookies["editor"]) as other,
    ):
        await ended.hello()
        await other.hello()
        session = await in_thread(Session.objects.get, pk=cookies["viewer"].partition("=")[2])
        assert session.get_decoded()[SESSION_KEY] == str(cast.viewer.pk)
        await in_thread(session.delete)
        assert await ended.closed() == 4401
        assert (await other.command("project.rename", title="Still here"))["error"] is None


async def test_r15_a_closed_account_closes_its_sockets(studio: Studio, cast: Cast, cookies: dict[str, str]) -> None:
    async with room(studio.url, cast.project.pk, cookies["viewer"]) as client:
        await client.hello()
        cast.viewer.is_active = False
        await in_thread(cast.viewer.save)
        assert await client.closed() == 4401


async def test_r14_a_command_is_done_with_the_rights_of_that_moment(
    studio: Studio, cast: Cast, cookies: dict[str, str]
) -> None:
    async with room(studio.url, cast.project.pk, cookies["editor"]) as client:
        await client.hello()
        # Not through a model instance: nobody is told, and the socket is still open.
        members = Membership.objects.filter(user=cast.editor, workspace=cast.workspace)
        await in_thread(members.update, role=Role.VIEWER)
        assert (await client.command("project.rename", title="Mine"))["error"]["code"] == "forbidden"


async def test_r09_a_project_that_is_deleted_while_open_is_told_and_closed(
    studio: Studio, cast: Cast, cookies: dict[str, str]
) -> None:
    async with room(studio.url, cast.project.pk, cookies["viewer"]) as client:
        await client.hello()
        await in_thread(projects.delete_project, await in_thread(cast.access, "owner"))
        await client.next("project.deleted")
        assert await client.closed() == 4404
    assert await code_of(studio, cast.project.pk, cookies["viewer"]) == 4404
