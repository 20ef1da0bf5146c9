"""Rooms, documents and previews larger than what a client may send: SPEC-ROOM.md R-07, R-12, R-13; SPEC.md D-10."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis.asyncio
from django.db import transaction
from pycrdt import Doc, Map, Text
from websockets.asyncio.client import connect

from inference.wire import PreviewPacket
from studio.domain import events
from studio.live import groups, outbox
from studio.live.document_wire import Kind, decode, step_1
from studio.live.protocol import MAX_MESSAGE_BYTES
from studio.live.threads import in_thread
from studio.models import DocumentUpdate, Take, TakeState, User
from tests.factories import Cast
from tests.helpers.studio import Studio
from tests.live.rooms.client import RoomClient, room

DEADLINE_S = 20.0
ANY_SIZE: dict[str, Any] = {"max_size": None}


@pytest.fixture
def cookie(cast: Cast, sign_in: Callable[[User], str]) -> str:
    return sign_in(cast.editor)


def make_takes(cast: Cast, count: int) -> None:
    """Takes with prompts of 4,000 characters, which a model has read."""
    words = "w" * 4000
    Take.objects.bulk_create(
        Take(
            project=cast.project, shot=cast.shots[0], number=number, idempotency_key=f"k{number}",
            state=TakeState.CANCELLED, prompt=words, model_prompt=words, quality="draft",
            width=96, height=64, frames=25, seed=1,
        )
        for number in range(1, count + 1)
    )  # fmt: skip


def write_prompts(cast: Cast, count: int) -> None:
    """Shots with as much text as they may have, in the document's log."""
    doc: Doc[Any] = Doc()
    shots = doc.get("shots", type=Map)
    for _ in range(count):
        before = doc.get_state()
        with doc.transaction():
            shots[str(uuid4())] = Map({"prompt": Text("あ" * 20_000), "settings": Map({})})
        payload = doc.get_update(before)
        DocumentUpdate.objects.create(project=cast.project, epoch=cast.project.doc_epoch, payload=payload)


def preview(take_id: UUID, size_bytes: int) -> bytes:
    jpeg = b"\xff\xd8" + bytes(size_bytes)
    return PreviewPacket(take_id, 1, 1, 400, 25, 8, 96, 64, 100, ((0, jpeg),)).encode()


async def works(client: RoomClient) -> bool:
    return (await client.command("project.rename", title="Still here"))["error"] is None


@pytest.mark.parametrize("takes", [40, 300], ids=["over-a-message", "over-the-outbox"])
async def test_r13_a_room_of_any_size_is_welcomed(studio: Studio, cast: Cast, cookie: str, takes: int) -> None:
    await in_thread(make_takes, cast, takes)
    async with room(studio.url, cast.project.pk, cookie, **ANY_SIZE) as client:
        for _ in range(3):
            assert len((await client.hello())["room"]["takes"]) == takes
        assert await works(client)


async def test_r07_whoever_missed_megabytes_gets_the_room_instead(studio: Studio, cast: Cast, cookie: str) -> None:
    before = await in_thread(events.newest, cast.project.pk)

    def rename() -> None:
        with transaction.atomic():
            for _ in range(200):
                events.record(cast.project.pk, "project.renamed", {"title": "x" * (2 * outbox.MAX_BYTES // 200)})

    # Published on another Valkey: nobody here hears of it but by asking.
    await in_thread(rename)
    async with room(studio.url, cast.project.pk, cookie, **ANY_SIZE) as client:
        assert (await client.hello(last_seq=before))["room"]["seq"] == before + 200
        assert await works(client)


async def test_r12_a_preview_of_any_size_arrives_and_so_does_what_follows(
    studio: Studio, cast: Cast, cookie: str, valkey: "redis.asyncio.Redis"
) -> None:
    async with room(studio.url, cast.project.pk, cookie, **ANY_SIZE) as client:
        await client.hello()
        await valkey.publish(groups.room(cast.project.pk), preview(uuid4(), 400_000))
        assert len((await client.preview()).frames[0][1]) > MAX_MESSAGE_BYTES
        assert await works(client)


async def test_d10_a_document_of_any_allowed_size_is_given_to_who_joins(
    studio: Studio, cast: Cast, cookie: str
) -> None:
    await in_thread(write_prompts, cast, 26)
    address = f"{studio.url.replace('http', 'ws', 1)}/ws/rooms/{cast.project.pk}/doc"
    options: Any = {"additional_headers": {"Cookie": cookie}, "origin": studio.url, **ANY_SIZE}
    doc: Doc[Any] = Doc()
    async with connect(address, **options) as socket, asyncio.timeout(DEADLINE_S):
        await socket.send(step_1(doc.get_state()))
        kind, payload = Kind.VECTOR, b""
        while kind is not Kind.SYNC:
            kind, payload = decode_any(await socket.recv())
    assert len(payload) > 1_500_000
    doc.apply_update(payload)
    assert len(doc.get("shots", type=Map)) == 28


def decode_any(frame: str | bytes) -> tuple[Kind, bytes]:
    """A server's frame. ``decode`` holds to what clients may send, which is less."""
    assert isinstance(frame, bytes)
    if frame[:2] != b"\x00\x01":
        return decode(frame)
    size = next(at for at in range(2, len(frame)) if frame[at] < 0x80) + 1
    return Kind.SYNC, frame[size:]
