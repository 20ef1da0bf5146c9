"""What one connection can cost the others: rules D-7, D-9 and D-15 of studio/live/SPEC.md. Only the room is real."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, cast
from uuid import uuid4

import pytest

from studio.live import document_queue
from studio.live.document_log import DocumentLog
from studio.live.document_room import DocumentRoom
from studio.live.document_work import Edit, Join, Peer, Probe, Question, Work
from studio.live.hub import Hub
from studio.live.keeper_client import Checked, KeeperClient, KeeperDiedError
from studio.live.keeper_wire import Effect
from studio.live.prescan import EMPTY, UpdateError
from studio.live.presence import Speaker

NEW, VECTOR = b"new", b"\x01\x01\x01"


class Keeper:
    """Writes down what it is asked. It answers questions and probes while ``free`` is set, but for so many deaths."""

    def __init__(self) -> None:
        self.asked: list[str | bytes] = []
        self.verdict: bool | UpdateError = False
        self.deaths = 0
        self.free, self.is_asked = asyncio.Event(), asyncio.Event()
        self.free.set()

    async def load(self, *_given: object) -> list[bytes]:
        self.asked.append("load")
        return []

    async def check(self, _room: object, updates: Sequence[bytes], *, patient: bool = False) -> Checked:
        self.asked += updates
        return Checked([Effect.CHANGED] * len(updates), b"", [])

    async def diff(self, _room: object, vector: bytes) -> tuple[bytes, bytes]:
        await self._write_down(vector)
        return b"\x00", EMPTY

    async def probe(self, _room: object, _update: bytes) -> bool:
        await self._write_down("probe")
        if isinstance(self.verdict, UpdateError):
            raise self.verdict
        return self.verdict

    async def _write_down(self, what: str | bytes) -> None:
        self.asked.append(what)
        self.is_asked.set()
        await self.free.wait()
        if self.deaths:
            self.deaths -= 1
            raise KeeperDiedError


class Quiet:
    """A log that takes everything, and a hub that says nothing."""

    async def parts(self) -> tuple[bytes, list[bytes]]:
        return EMPTY, []

    async def append(self, _rows: object) -> bool:
        return True

    async def join(self, *_given: object) -> None:
        return

    leave = publish = join


class Person:
    """A connection, as the room sees it."""

    def __init__(self, room: DocumentRoom) -> None:
        self.speaker = Speaker(room.presence, {"id": 1})
        self.closing: int | None = None
        self.reason, self.answers, self.saves = "", 0, 0
        self.is_served = asyncio.Event()

    def push(self, _frame: bytes) -> None:
        return

    def answer(self, _frames: Sequence[bytes]) -> None:
        self.answers += 1
        self.is_served.set()

    def close(self, reason: str) -> None:
        self.closing, self.reason = self.closing or 4000, self.reason or reason
        self.is_served.set()

    def saved(self, count: int) -> None:
        self.saves += count
        self.is_served.set()

    async def served(self) -> None:
        await asyncio.wait_for(self.is_served.wait(), 5)


class Stage:
    """A room with its task, that has greeted who is in it."""

    def __init__(self) -> None:
        self.keeper = Keeper()
        quiet: Any = Quiet()
        self.room = DocumentRoom(
            uuid4(), cast(DocumentLog, quiet), cast(KeeperClient, self.keeper), cast(Hub, quiet), b"o" * 16
        )
        self.host = Person(self.room)
        self.room.join(self.host)
        self.task = asyncio.create_task(self.room.live(lambda: None))

    async def enter(self, count: int) -> list[Person]:
        people = [Person(self.room) for _ in range(count)]
        for person in people:
            self.room.join(person)
        # The last of these is served after everybody was greeted.
        self.room.put(Question(self.host, VECTOR))
        await self.host.served()
        self.host.is_served.clear()
        self.keeper.asked.clear()
        self.keeper.is_asked.clear()
        return people

    async def hold(self) -> None:
        """Keep the keeper at a question of the host's."""
        self.keeper.free.clear()
        self.room.put(Question(self.host, b"held"))
        await asyncio.wait_for(self.keeper.is_asked.wait(), 5)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    made = Stage()
    yield made
    made.task.cancel()
    await asyncio.gather(made.task, return_exceptions=True)


@pytest.mark.parametrize(
    ("verdict", "reason"), [(True, "read_only"), (UpdateError("bad"), "bad_update")], ids=["news", "bad"]
)
async def test_d9_nothing_more_is_done_for_a_viewer_that_is_refused(
    stage: Stage, verdict: bool | UpdateError, reason: str
) -> None:
    [viewer] = await stage.enter(1)
    stage.keeper.verdict = verdict
    stage.keeper.free.clear()
    stage.room.put(Probe(viewer, NEW))
    stage.room.put(Question(viewer, b"behind"))
    await asyncio.wait_for(stage.keeper.is_asked.wait(), 5)
    stage.room.put(Probe(viewer, NEW))
    stage.keeper.free.set()
    stage.room.put(Question(stage.host, VECTOR))
    await stage.host.served()
    assert (viewer.reason, viewer.answers, viewer.saves) == (reason, 0, 0)
    assert stage.keeper.asked == ["probe", VECTOR]


@pytest.mark.parametrize(
    "make",
    [Join, lambda peer: Question(peer, VECTOR), lambda peer: Probe(peer, NEW)],
    ids=["coming", "asking", "answering"],
)
async def test_d8_whom_the_keeper_dies_on_twice_may_come_back_with_what_they_have(
    stage: Stage, make: Callable[[Peer], Work]
) -> None:
    [unlucky] = await stage.enter(1)
    stage.keeper.deaths = 2
    stage.room.put(make(unlucky))
    await unlucky.served()
    assert (unlucky.reason, stage.keeper.deaths) == ("unavailable", 0)
    stage.room.put(Question(stage.host, VECTOR))
    await stage.host.served()
    assert (stage.host.closing, stage.host.answers) == (None, 2)


async def test_d9_a_viewer_that_says_nothing_new_is_told_so(stage: Stage) -> None:
    [viewer] = await stage.enter(1)
    stage.room.put(Probe(viewer, NEW))
    await viewer.served()
    assert (viewer.closing, viewer.saves) == (None, 1)


async def test_d15_a_second_answer_of_a_viewer_while_one_waits_closes_it(stage: Stage) -> None:
    [viewer] = await stage.enter(1)
    stage.room.put(Probe(viewer, NEW))
    stage.room.put(Probe(viewer, NEW))
    assert viewer.reason == "too_much"
    stage.room.put(Question(stage.host, VECTOR))
    await stage.host.served()
    assert stage.keeper.asked == [VECTOR]


async def test_d15_a_newer_question_takes_the_place_of_one_that_waits(stage: Stage) -> None:
    [one] = await stage.enter(1)
    for number in range(300):
        stage.room.put(Question(one, bytes([number % 256])))
    await one.served()
    stage.room.put(Question(stage.host, VECTOR))
    await stage.host.served()
    assert stage.keeper.asked == [bytes([299 % 256]), VECTOR]
    assert (one.closing, one.answers) == (None, 1)


async def test_d15_nobody_is_answered_who_has_gone_or_is_being_closed(stage: Stage) -> None:
    gone, closed = await stage.enter(2)
    await stage.hold()
    for person in (gone, closed, stage.host):
        stage.room.put(Question(person, VECTOR))
    stage.room.leave(gone)
    closed.close("revoked")
    stage.keeper.free.set()
    await stage.host.served()
    stage.host.is_served.clear()
    await stage.host.served()
    assert stage.keeper.asked == [b"held", VECTOR]


@pytest.mark.parametrize("bound", ["MAX_QUEUED", "MAX_QUEUED_BYTES"])
async def test_d15_when_too_much_waits_who_has_filled_the_queue_is_closed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    flood, honest = await stage.enter(2)
    await stage.hold()
    monkeypatch.setattr(document_queue, bound, 5)
    stage.room.put(Edit(honest, b"1"))
    for _ in range(4):
        stage.room.put(Edit(flood, b"x"))
    stage.room.put(Edit(honest, b"2"))
    assert (flood.reason, honest.closing) == ("too_much", None)
    stage.keeper.free.set()
    await honest.served()
    assert stage.keeper.asked[1:] == [b"1", b"2"]


@pytest.mark.parametrize(("bound", "most"), [("MAX_QUEUED", 3), ("MAX_QUEUED_BYTES", 9)])
async def test_d15_a_newer_question_costs_nobody_the_place_that_it_does_not_need(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, bound: str, most: int
) -> None:
    asker, editor = await stage.enter(2)
    await stage.hold()
    monkeypatch.setattr(document_queue, bound, most)
    stage.room.put(Question(asker, b"old"))
    for update in (b"one", b"two"):
        stage.room.put(Edit(editor, update))
    stage.room.put(Question(asker, b"new"))
    assert (asker.reason, editor.reason) == ("", "")
    stage.keeper.free.set()
    await asker.served()
    assert stage.keeper.asked == [b"held", b"one", b"two", b"new"]


async def test_d15_a_newer_question_that_is_too_long_closes_who_has_filled_the_queue(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    asker, editor = await stage.enter(2)
    await stage.hold()
    monkeypatch.setattr(document_queue, "MAX_QUEUED_BYTES", 9)
    stage.room.put(Question(asker, b"old"))
    stage.room.put(Edit(editor, b"filled"))
    stage.room.put(Question(asker, b"newer"))
    assert (asker.reason, editor.reason) == ("", "too_much")


async def test_d15_what_other_processes_say_too_much_is_read_from_the_log(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    [honest] = await stage.enter(1)
    await stage.hold()
    monkeypatch.setattr(document_queue, "MAX_QUEUED", 5)
    for _ in range(5):
        stage.room.put(Edit(None, b"x"))
    stage.room.put(Edit(honest, b"1"))
    stage.keeper.free.set()
    await honest.served()
    stage.room.put(Question(honest, VECTOR))
    honest.is_served.clear()
    await honest.served()
    assert honest.closing is None
    assert b"x" not in stage.keeper.asked
    assert stage.keeper.asked.index(b"1") < stage.keeper.asked.index("load")


async def test_d7_an_edit_does_not_wait_for_everybody_who_asks(stage: Stage) -> None:
    *askers, editor = await stage.enter(4)
    stage.keeper.free.clear()
    for asker in askers:
        stage.room.put(Question(asker, VECTOR))
    await asyncio.wait_for(stage.keeper.is_asked.wait(), 5)
    stage.room.put(Edit(editor, b"edit"))
    stage.keeper.free.set()
    await askers[-1].served()
    assert stage.keeper.asked == [VECTOR, b"edit", VECTOR, VECTOR]
    assert editor.saves == 1
