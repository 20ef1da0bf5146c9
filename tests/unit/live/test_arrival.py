"""What somebody who comes in is told first: rules R-07 and R-24 of studio/live/SPEC-ROOM.md."""

import asyncio
import json
import threading
from collections.abc import Set
from uuid import UUID

import pytest
from django.db import transaction
from django.utils import translation

from studio.domain import events, projects
from studio.domain.access import Access
from studio.domain.errors import DomainError
from studio.live import arrival
from studio.live.arrival import Arrivals
from studio.live.threads import in_thread
from studio.models import Membership, Project
from tests.factories import Cast, make_worker_node


def rename(cast: Cast, times: int, size: int, letter: str = "x") -> None:
    with transaction.atomic():
        for number in range(times):
            events.record(cast.project.pk, "project.renamed", {"title": f"{number}".ljust(size, letter)})


async def test_r07_a_few_missed_events_are_replayed(cast: Cast) -> None:
    access, before = await in_thread(cast.access, "viewer"), await in_thread(events.newest, cast.project.pk)
    await in_thread(rename, cast, 3, 10)
    came = await Arrivals().read(access, before)
    welcome, *others = [json.loads(text) for text in came.texts]
    assert welcome["room"] is None
    assert [other.get("seq") for other in others] == [before + 1, before + 2, before + 3, None, None]
    assert came.seq == before + 3


@pytest.mark.parametrize(("letter", "letter_bytes"), [("x", 1), ("あ", 3)])
async def test_r07_a_replay_that_is_larger_than_it_should_be_is_the_whole_room(
    cast: Cast, letter: str, letter_bytes: int
) -> None:
    access = await in_thread(cast.access, "viewer")
    before = await in_thread(events.newest, cast.project.pk)
    await in_thread(rename, cast, 10, events.REPLAY_BYTES // letter_bytes // 10 + 1, letter)
    came = await Arrivals().read(access, before)
    (welcome,) = (json.loads(text) for text in came.texts)
    assert welcome["room"]["seq"] == came.seq == before + 10


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> "Slow":
    return Slow(monkeypatch)


class Slow:
    """Counts readings of rooms; the first of them ends when the test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.askers: list[set[int]] = []
        self.begun, self.goes_on = threading.Event(), threading.Event()
        self._read = arrival.read_whole
        monkeypatch.setattr(arrival, "read_whole", self)

    def __call__(self, key: tuple[UUID, str], user_ids: Set[int]) -> arrival.Reading:
        self.askers.append(set(user_ids))
        picture = self._read(key, user_ids)
        if not self.begun.is_set():
            self.begun.set()
            assert self.goes_on.wait(5)
        return picture

    async def begin(self) -> None:
        assert await asyncio.to_thread(self.begun.wait, 5)


async def enter(cast: Cast, *parts: str) -> list[Access]:
    return [await in_thread(cast.access, part) for part in parts]


async def test_r24_a_room_is_read_once_for_all_who_come_while_it_is_read(cast: Cast, slow: Slow) -> None:
    arrivals, (owner, viewer, editor) = Arrivals(), await enter(cast, "owner", "viewer", "editor")
    first = asyncio.create_task(arrivals.read(owner, None))
    await slow.begin()
    others = [asyncio.create_task(arrivals.read(access, None)) for access in (viewer, editor, viewer)]
    await asyncio.sleep(0)
    await in_thread(Project.objects.update, title="Renamed meanwhile")
    slow.goes_on.set()
    async with asyncio.timeout(5):
        before, *after = [json.loads((await task).texts[0]) for task in (first, *others)]
    assert slow.askers == [{cast.owner.pk}, {cast.viewer.pk, cast.editor.pk}]
    assert before["room"]["title"] != "Renamed meanwhile"
    assert {told["room"]["title"] for told in after} == {"Renamed meanwhile"}
    assert [(told["role"], told["may_edit"]) for told in after] == [
        ("viewer", False), ("editor", True), ("viewer", False)
    ]  # fmt: skip
    assert after[0]["you"]["id"] == cast.viewer.pk


async def test_r24_who_may_not_see_it_gets_nothing_of_what_the_others_are_shown(cast: Cast, slow: Slow) -> None:
    arrivals, (owner, viewer, editor) = Arrivals(), await enter(cast, "owner", "viewer", "editor")
    first = asyncio.create_task(arrivals.read(owner, None))
    await slow.begin()
    removed, kept = (asyncio.create_task(arrivals.read(access, None)) for access in (viewer, editor))
    await in_thread(Membership.objects.filter(user=cast.viewer).delete)
    slow.goes_on.set()
    with pytest.raises(DomainError) as refused:
        await asyncio.wait_for(removed, 5)
    assert refused.value.code == "not_found"
    assert (await kept).texts
    assert (await first).texts
    await in_thread(projects.delete_project, owner)
    with pytest.raises(DomainError):
        await arrivals.read(editor, None)


async def test_r24_each_is_told_in_their_own_language(cast: Cast) -> None:
    await in_thread(make_worker_node)
    arrivals, (access,) = Arrivals(), await enter(cast, "viewer")

    async def label(language: str) -> str:
        with translation.override(language):
            came = await arrivals.read(access, None)
        style: str = json.loads(came.texts[0])["room"]["offer"]["styles"][0]["label"]
        return style

    assert list(await asyncio.gather(label("en"), label("fr"))) == ["Neon", "Néon"]


async def test_r24_one_who_leaves_before_the_reading_is_done_ends_it_for_nobody_else(cast: Cast, slow: Slow) -> None:
    arrivals, (owner, viewer) = Arrivals(), await enter(cast, "owner", "viewer")
    leaves, stays = (asyncio.create_task(arrivals.read(access, None)) for access in (owner, viewer))
    await slow.begin()
    leaves.cancel()
    await asyncio.wait([leaves])
    slow.goes_on.set()
    assert (await asyncio.wait_for(stays, 5)).texts
    assert len(slow.askers) == 1


async def test_r24_those_who_have_seen_as_much_are_told_together_what_they_missed(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    read = arrival.read_missed

    def count(key: tuple[UUID, str, int], user_ids: Set[int]) -> arrival.Reading | None:
        asked.append(len(user_ids))
        return read(key, user_ids)

    monkeypatch.setattr(arrival, "read_missed", count)
    arrivals, (viewer, editor) = Arrivals(), await enter(cast, "viewer", "editor")
    before = await in_thread(events.newest, cast.project.pk)
    await in_thread(rename, cast, 2, 10)
    came = await asyncio.gather(*(arrivals.read(access, before) for access in (viewer, editor)))
    assert asked == [2]
    assert [json.loads(each.texts[0])["role"] for each in came] == ["viewer", "editor"]
    assert came[0].texts[1:] == came[1].texts[1:]
    await in_thread(Membership.objects.filter(user=cast.viewer).delete)
    with pytest.raises(DomainError):
        await arrivals.read(viewer, before)


async def test_r24_a_reading_that_fails_fails_for_those_who_asked_and_for_no_others(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, failures = arrival.read_whole, iter([RuntimeError("no connection in time")])

    def broken_once(key: tuple[UUID, str], user_ids: Set[int]) -> arrival.Reading:
        if error := next(failures, None):
            raise error
        return read(key, user_ids)

    monkeypatch.setattr(arrival, "read_whole", broken_once)
    arrivals, (access,) = Arrivals(), await enter(cast, "viewer")
    told = await asyncio.gather(*(arrivals.read(access, None) for _ in range(3)), return_exceptions=True)
    assert [str(error) for error in told] == ["no connection in time"] * 3
    assert (await arrivals.read(access, None)).texts


async def test_r24_readings_leave_threads_to_others(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, goes_on, read = list[int](), threading.Event(), arrival.read_missed

    def slow(key: tuple[UUID, str, int], user_ids: Set[int]) -> arrival.Reading | None:
        begun.append(key[2])
        assert goes_on.wait(5)
        return read(key, user_ids)

    monkeypatch.setattr(arrival, "read_missed", slow)
    arrivals, (access,) = Arrivals(), await enter(cast, "viewer")
    before = await in_thread(events.newest, cast.project.pk)
    await in_thread(rename, cast, 8, 10)
    asked = [asyncio.create_task(arrivals.read(access, before + number)) for number in range(8)]
    async with asyncio.timeout(5):
        while len(begun) < arrival.AT_ONCE:  # noqa: ASYNC110 - a thread says so
            await asyncio.sleep(0.01)
        await asyncio.gather(*(in_thread(int) for _ in range(20)))
    assert len(begun) == arrival.AT_ONCE
    goes_on.set()
    assert [came.seq for came in await asyncio.gather(*asked)] == [before + 8] * 8
    assert len(begun) == 8
