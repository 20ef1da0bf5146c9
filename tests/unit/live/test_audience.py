"""Order, gaps and snapshots: rules R-05 to R-07 of studio/live/SPEC-ROOM.md. The rows are real."""

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import transaction

from inference.wire import PreviewPacket
from studio.domain import events
from studio.live import audience, broadcast, protocol
from studio.live.audience import Audience, Viewer
from studio.live.outbox import Outbox
from studio.live.threads import in_thread
from tests.factories import Cast


class Seat:
    """A viewer whose texts are kept."""

    def __init__(self) -> None:
        self.texts: list[dict[str, Any]] = []
        self.ended = ""
        self.resyncs = 0
        self.outbox = Outbox()
        self.viewer = Viewer(self.outbox, push=self._push, resync=self._resync, end=self._end)

    @property
    def seqs(self) -> list[int]:
        return [text["seq"] for text in self.texts]

    def _push(self, text: str) -> None:
        self.texts.append(json.loads(text))

    def _resync(self) -> None:
        self.resyncs += 1

    def _end(self, reason: str) -> None:
        self.ended = reason


def event(seq: int, type_: str = "project.renamed", **payload: Any) -> bytes:
    return broadcast.encode(protocol.event_message(seq, type_, payload or {"title": str(seq)})).encode()


def seated(room: Audience, *, begin: int | None = 0) -> Seat:
    seat = Seat()
    room.viewers.add(seat.viewer)
    if begin is not None:
        seat.viewer.begin(begin)
    return seat


async def caught_up(room: Audience) -> None:
    if room._catching_up is not None:
        await asyncio.wait_for(room._catching_up, 10)


async def test_r05_what_comes_while_the_snapshot_is_read_is_told_once_after_it() -> None:
    room = Audience(uuid4(), 4)
    seat = seated(room, begin=None)
    for seq in (5, 6, 7):
        room.on_message(event(seq))
    room.notice('{"type": "workers.changed", "seq": 0}')
    assert seat.texts == []
    seat.viewer.begin(6)
    assert seat.seqs == [7, 0]


async def test_r05_nothing_older_than_the_snapshot_is_told() -> None:
    room = Audience(uuid4(), 4)
    seat = seated(room, begin=9)
    for seq in range(5, 12):
        room.on_message(event(seq))
    assert seat.seqs == [10, 11]


async def test_r06_an_event_that_comes_twice_is_told_once() -> None:
    room = Audience(uuid4(), 0)
    seat = seated(room)
    for seq in (1, 2, 2, 1, 3):
        room.on_message(event(seq))
    assert seat.seqs == [1, 2, 3]


def renamed(project_id: UUID, times: int) -> None:
    for number in range(times):
        with transaction.atomic():
            events.record(project_id, "project.renamed", {"title": f"row {number}"})


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Events become rows, but nobody hears of them."""
    monkeypatch.setattr(events, "_publishers", [])


@pytest.fixture
def project_id(transactional_db: None, quiet: None) -> UUID:
    return Cast().project.pk


async def in_rows(project_id: UUID, times: int) -> int:
    await in_thread(renamed, project_id, times)
    return await in_thread(events.newest, project_id)


async def test_r07_a_gap_is_filled_from_postgres(project_id: UUID) -> None:
    first = await in_thread(events.newest, project_id)
    room = Audience(project_id, first)
    seat = seated(room, begin=first)
    last = await in_rows(project_id, 5)
    room.on_message(event(last))
    await caught_up(room)
    assert seat.seqs == list(range(first + 1, last + 1))
    room.on_message(event(last))
    assert len(seat.texts) == 5


async def test_r07_after_redis_was_away_what_was_missed_is_read(project_id: UUID) -> None:
    first = await in_thread(events.newest, project_id)
    room = Audience(project_id, first)
    seat = seated(room, begin=first)
    last = await in_rows(project_id, 3)
    room.on_resync()
    await caught_up(room)
    assert seat.seqs == list(range(first + 1, last + 1))


async def test_r23_what_the_rows_have_and_redis_never_said_is_read_with_the_next_look(project_id: UUID) -> None:
    first = await in_thread(events.newest, project_id)
    room = Audience(project_id, first)
    seat = seated(room, begin=first)
    last = await in_rows(project_id, 3)
    newest = await in_thread(events.newest_of, [project_id])
    room.expect(newest[project_id])
    await caught_up(room)
    assert seat.seqs == list(range(first + 1, last + 1))
    room.on_message(event(last))  # late
    room.expect(last)
    await caught_up(room)
    assert len(seat.texts) == 3


async def test_r07_too_long_a_gap_has_every_viewer_read_afresh(
    project_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "REPLAY_LIMIT", 2)
    first = await in_thread(events.newest, project_id)
    room = Audience(project_id, first)
    seats = [seated(room, begin=first) for _ in range(3)]
    last = await in_rows(project_id, 3)
    room.on_message(event(last))
    await caught_up(room)
    assert [(seat.resyncs, seat.texts) for seat in seats] == [(1, [])] * 3
    room.on_message(event(last + 1))
    seats[0].viewer.begin(last)
    assert seats[0].seqs == [last + 1]


async def test_r07_reading_is_tried_again_until_postgres_answers(
    project_id: UUID, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first = await in_thread(events.newest, project_id)
    room = Audience(project_id, first)
    seat = seated(room, begin=first)
    last = await in_rows(project_id, 2)
    since, failures = events.since, [2]

    def unwilling(project_id: UUID, last_seq: int) -> list[events.Event] | None:
        if failures[0]:
            failures[0] -= 1
            raise ConnectionError("Postgres is away")
        return since(project_id, last_seq)

    monkeypatch.setattr(audience, "RETRY_S", 0.01)
    monkeypatch.setattr(events, "since", unwilling)
    room.on_message(event(last))
    await caught_up(room)
    assert seat.seqs == list(range(first + 1, last + 1))
    assert "Postgres is away" in caplog.text


async def test_r09_a_deleted_project_is_told_and_then_closed() -> None:
    room = Audience(uuid4(), 0)
    seat = seated(room)
    room.on_message(broadcast.encode(protocol.event_message(1, "project.deleted", {})).encode())
    assert (seat.texts[0]["type"], seat.ended) == ("project.deleted", "not_found")


async def test_r11_the_end_of_a_take_drops_its_waiting_preview() -> None:
    room, take_id = Audience(uuid4(), 0), uuid4()
    seat = seated(room)
    packet = PreviewPacket(take_id, 1, 1, 4, 25, 8, 96, 64, 0, ()).encode()
    seat.outbox.credits = 0
    room.on_message(packet)
    assert seat.outbox._previews == {take_id: packet}
    room.on_message(event(1, "take.cancelled", take={"id": str(take_id)}))
    assert seat.outbox._previews == {}


async def test_r13_a_viewer_that_never_gets_its_snapshot_is_not_held_for_without_end() -> None:
    room = Audience(uuid4(), 0)
    seat = seated(room, begin=None)
    for seq in range(1, audience.HELD_LIMIT + 2):
        room.on_message(event(seq))
    assert seat.ended == "too_slow"


async def test_documents_messages_are_not_for_viewers() -> None:
    room = Audience(uuid4(), 0)
    seat = seated(room)
    for data in (b"D" + bytes(20), b"A" + bytes(20), b"?" + bytes(16)):
        room.on_message(data)
    assert seat.texts == []
