"""The hub against a real Valkey: rules R-20 to R-22 of studio/live/SPEC-ROOM.md."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
import redis.asyncio
from django.conf import settings

from studio.live import groups, hub
from studio.live.hub import Hub


class Ear:
    """A listener that keeps what it hears."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()
        self.resynced = asyncio.Event()

    def on_message(self, data: bytes) -> None:
        self.heard.put_nowait(data)

    def on_resync(self) -> None:
        self.resynced.set()

    async def next(self) -> bytes:
        return await asyncio.wait_for(self.heard.get(), 5)


class BrokenEar(Ear):
    def on_message(self, data: bytes) -> None:
        raise RuntimeError("this listener is broken")


@pytest.fixture
async def a_hub() -> AsyncIterator[Hub]:
    made = Hub()
    yield made
    await made.close()


@pytest.fixture
async def valkey() -> AsyncIterator["redis.asyncio.Redis"]:
    client: redis.asyncio.Redis = redis.asyncio.Redis.from_url(settings.REDIS_URL)
    yield client
    await client.aclose()


async def subscribers(valkey: "redis.asyncio.Redis", room: UUID) -> int:
    ((_, count),) = await valkey.pubsub_numsub(groups.room(room))
    return int(count)


async def test_r20_whoever_has_joined_hears_the_next_message(a_hub: Hub, valkey: "redis.asyncio.Redis") -> None:
    room, ear = uuid4(), Ear()
    await a_hub.join(room, ear)
    await valkey.publish(groups.room(room), b"{}")
    assert await ear.next() == b"{}"


async def test_r20_one_subscription_serves_all_listeners_of_a_room(a_hub: Hub, valkey: "redis.asyncio.Redis") -> None:
    room, ears = uuid4(), [Ear() for _ in range(20)]
    await asyncio.gather(*(a_hub.join(room, ear) for ear in ears))
    assert await subscribers(valkey, room) == 1
    await a_hub.publish(room, b"{}")
    heard = [await ear.next() for ear in ears]
    assert heard == [b"{}"] * 20
    assert len({id(data) for data in heard}) == 1


@pytest.mark.parametrize("turns", range(1, 13))
async def test_r20_a_room_opened_while_the_connection_is_being_made_is_heard(
    a_hub: Hub, valkey: "redis.asyncio.Redis", turns: int
) -> None:
    first, second, ear = uuid4(), uuid4(), Ear()
    joining = asyncio.create_task(a_hub.join(first, Ear()))
    for _ in range(turns):
        await asyncio.sleep(0)
    await a_hub.join(second, ear)
    await joining
    await valkey.publish(groups.room(second), b"{}")
    assert await ear.next() == b"{}"


@pytest.mark.parametrize("turns", range(1, 13))
async def test_r20_a_room_left_while_the_connection_is_being_made_is_not_kept(
    a_hub: Hub, valkey: "redis.asyncio.Redis", turns: int
) -> None:
    first, second, ear, gone = uuid4(), uuid4(), Ear(), Ear()
    joining = [asyncio.create_task(a_hub.join(room, each)) for room, each in ((first, ear), (second, gone))]
    for _ in range(turns):
        await asyncio.sleep(0)
    await a_hub.leave(second, gone)
    await joining[0]
    joining[1].cancel()
    async with asyncio.timeout(5):
        while await subscribers(valkey, second):  # noqa: ASYNC110 - Redis tells nobody
            await asyncio.sleep(0.01)


async def test_a_room_that_everybody_left_is_unsubscribed_and_can_be_joined_again(
    a_hub: Hub, valkey: "redis.asyncio.Redis"
) -> None:
    room, ear = uuid4(), Ear()
    for number in range(5):
        await a_hub.join(room, ear)
        await a_hub.publish(room, b"%d" % number)
        assert await ear.next() == b"%d" % number
        await a_hub.leave(room, ear)
    async with asyncio.timeout(5):
        while await subscribers(valkey, room):  # noqa: ASYNC110 - Redis tells nobody
            await asyncio.sleep(0.01)


async def test_r21_a_lost_connection_is_made_again_and_listeners_resync(
    a_hub: Hub, valkey: "redis.asyncio.Redis"
) -> None:
    room, ear = uuid4(), Ear()
    await a_hub.join(room, ear)
    assert not ear.resynced.is_set()
    await valkey.client_kill_filter(_type="pubsub")
    await asyncio.wait_for(ear.resynced.wait(), 5)
    await a_hub.publish(room, b"{}")
    assert await ear.next() == b"{}"


async def test_r21_whoever_joins_while_redis_is_away_is_let_in_and_resyncs_when_it_is_back(
    a_hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    room, ear, away = uuid4(), Ear(), [True]
    read = a_hub._read

    async def unreachable(pubsub: "redis.asyncio.client.PubSub") -> None:
        if away[0]:
            raise redis.ConnectionError("away")
        await read(pubsub)

    monkeypatch.setattr(a_hub, "_read", unreachable)
    monkeypatch.setattr(hub, "SUBSCRIBE_TIMEOUT_S", 0.05)
    await a_hub.join(room, ear)
    assert not ear.resynced.is_set()
    away[0] = False
    await asyncio.wait_for(ear.resynced.wait(), 5)


async def test_r22_a_broken_listener_never_keeps_the_others_from_hearing(
    a_hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    room, broken, ear = uuid4(), BrokenEar(), Ear()
    await a_hub.join(room, broken)
    await a_hub.join(room, ear)
    for number in range(3):
        await a_hub.publish(room, b"%d" % number)
    assert [await ear.next() for _ in range(3)] == [b"0", b"1", b"2"]
    assert "this listener is broken" in caplog.text


async def test_revocations_reach_whoever_checks(valkey: "redis.asyncio.Redis") -> None:
    payloads: asyncio.Queue[str] = asyncio.Queue()
    made = Hub(on_revoked=payloads.put)
    await made.join(uuid4(), Ear())
    assert await asyncio.wait_for(payloads.get(), 5) == groups.EVERYBODY, "nothing was heard before"
    await valkey.publish(groups.REVOKED, b"user:7")
    assert await asyncio.wait_for(payloads.get(), 5) == "user:7"
    await valkey.client_kill_filter(_type="pubsub")
    assert await asyncio.wait_for(payloads.get(), 5) == groups.EVERYBODY, "something may have been missed"
    await made.close()


async def test_previews_for_late_joiners_are_those_that_are_kept(a_hub: Hub, valkey: "redis.asyncio.Redis") -> None:
    kept, gone = uuid4(), uuid4()
    await valkey.set(groups.preview(kept), b"RP", ex=groups.PREVIEW_TTL_S)
    assert await a_hub.newest_previews([kept, gone]) == [(kept, b"RP")]
    assert await a_hub.newest_previews([]) == []
