"""The keeper as a process: rules D-4, D-8 and D-9 of studio/live/SPEC.md. ``RUSHES_FUZZ`` sets how much is tried."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import uuid4

import pytest
from pycrdt import Doc, Map

from project.env import ROOT
from studio.live.keeper_client import KeeperClient, KeeperDiedError, UnknownRoomError
from studio.live.keeper_wire import Effect, Operation, Verdict, pack
from studio.live.prescan import EMPTY, UpdateError, scan_vector
from tests.helpers import fragile_keeper
from tests.helpers.fuzz import crafted, mutated
from tests.helpers.yjs import Writers, seeded

FUZZ = int(os.environ.get("RUSHES_FUZZ", "1500"))
ROUND = 150


@pytest.fixture
async def keeper() -> AsyncIterator[KeeperClient]:
    client = KeeperClient()
    yield client
    await client.close()


def test_the_keeper_imports_neither_django_nor_torch() -> None:
    code = "import sys, studio.live.keeper; print([m for m in ('django', 'torch', 'channels') if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


async def test_a_room_has_to_be_loaded_and_can_be_forgotten(keeper: KeeperClient) -> None:
    room, writers = uuid4(), Writers()
    with pytest.raises(UnknownRoomError):
        await keeper.diff(room, b"\x00")
    assert await keeper.load(room, EMPTY, writers.log) == []
    assert (await keeper.check(room, writers.write(3))).effects == [Effect.CHANGED] * 3
    vector, update = await keeper.diff(room, b"\x00")
    assert scan_vector(vector) == scan_vector(writers.docs[0].get_state())
    assert len(update) > 100
    await keeper.forget(room)
    with pytest.raises(UnknownRoomError):
        await keeper.probe(room, EMPTY)


async def test_d8_a_keeper_ends_also_in_the_middle_of_an_answer_that_nobody_reads(keeper: KeeperClient) -> None:
    """More than asyncio reads ahead of who asked: it then looks no more whether the other side is there."""
    room, writers = uuid4(), Writers(count=1)
    await keeper.load(room, EMPTY, [*writers.log, *writers.type("x" * 9)])
    child = keeper._process
    assert child is not None
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(pack(Operation.DIFF, room.bytes, [b"\x00"]) * 20_000)
    async with asyncio.timeout(5):
        while not child.stdout._paused:  # type: ignore[attr-defined]  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await keeper.close()
        assert len(await keeper.load(room, EMPTY, writers.log)) == 0


async def test_a_log_with_a_bad_row_loads_without_it(keeper: KeeperClient) -> None:
    writers = Writers()
    bad = b"\x01\x01\x05\x00\x04\x01\x05shots\x01x\x00"
    assert await keeper.load(uuid4(), EMPTY, [writers.log[0], bad, *writers.write(5)]) == [bad]
    with pytest.raises(UpdateError):
        await keeper.load(uuid4(), bad, [])


async def test_d8_a_killed_keeper_is_replaced(keeper: KeeperClient) -> None:
    room, writers = uuid4(), Writers()
    await keeper.load(room, EMPTY, writers.log)
    assert keeper.pid is not None
    os.kill(keeper.pid, signal.SIGKILL)
    with pytest.raises(KeeperDiedError):
        await keeper.check(room, writers.write(1))
    with pytest.raises(UnknownRoomError):
        await keeper.check(room, writers.write(1))
    await keeper.load(room, EMPTY, writers.log)


async def test_d8_a_keeper_that_hangs_is_ended_within_two_seconds(keeper: KeeperClient) -> None:
    room, writers = uuid4(), Writers()
    await keeper.load(room, EMPTY, writers.log)
    assert keeper.pid is not None
    os.kill(keeper.pid, signal.SIGSTOP)
    started = asyncio.get_running_loop().time()
    with pytest.raises(KeeperDiedError):
        await keeper.check(room, writers.write(1))
    await keeper.load(room, EMPTY, writers.log)
    assert asyncio.get_running_loop().time() - started < 2


async def test_d8_a_caller_that_goes_away_does_not_leave_its_answer_to_the_next(keeper: KeeperClient) -> None:
    room, writers = uuid4(), Writers()
    await keeper.load(room, EMPTY, writers.log)
    asked = asyncio.create_task(keeper.diff(room, b"\x00"))
    await asyncio.sleep(0)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    await keeper.load(room, EMPTY, writers.log)
    assert (await keeper.check(room, writers.write(1))).effects == [Effect.CHANGED]


async def test_d8_a_caller_that_goes_away_during_the_start_leaves_no_answer_to_the_next(keeper: KeeperClient) -> None:
    asked = asyncio.create_task(keeper.forget(uuid4()))
    async with asyncio.timeout(10):
        while keeper.pid is None:  # noqa: ASYNC110 - the one moment between the fork and the first answer
            await asyncio.sleep(0)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    rooms = {uuid4(): "of one room", uuid4(): "of another"}
    for room, prompt in rooms.items():
        await keeper.load(room, seeded(prompt=prompt).get_update(), [])
    for room, prompt in rooms.items():
        _vector, update = await keeper.diff(room, b"\x00")
        doc = Doc[Any]()
        doc.apply_update(update)
        [shot] = doc.get("shots", type=Map).values()
        assert str(shot["prompt"]) == prompt


@pytest.mark.parametrize(
    "answer", [pack(Verdict.DONE, bytes(range(16)), [b"\x00", b"secret"]), bytes(4), b"\x00\x00\x00\x02\x09\x09"],
    ids=["another room's", "empty", "cut short"],
)  # fmt: skip
async def test_d8_an_answer_to_something_else_ends_the_keeper(keeper: KeeperClient, answer: bytes) -> None:
    room, writers = uuid4(), Writers()
    await keeper.load(room, EMPTY, writers.log)
    assert keeper._process is not None
    assert keeper._process.stdout is not None
    keeper._process.stdout.feed_data(answer)
    with pytest.raises(KeeperDiedError):
        await keeper.diff(room, b"\x00")
    with pytest.raises(UnknownRoomError):
        await keeper.diff(room, b"\x00")
    await keeper.load(room, EMPTY, writers.log)
    vector, _update = await keeper.diff(room, b"\x00")
    assert scan_vector(vector) == scan_vector(writers.docs[0].get_state())


async def test_d8_a_fragile_keeper_dies_and_hangs_at_a_word() -> None:
    client, room, writers = KeeperClient(module="tests.helpers.fragile_keeper"), uuid4(), Writers()
    for word in (fragile_keeper.DIE, fragile_keeper.HANG):
        await client.load(room, EMPTY, writers.log)
        with pytest.raises(KeeperDiedError):
            await client.check(room, [word])
    await client.close()


@pytest.mark.parametrize("make", [mutated, crafted])
async def test_d4_whatever_comes_the_keeper_lives_and_what_it_took_in_loads_again(
    keeper: KeeperClient, make: Callable[[random.Random, dict[int, int], Writers], bytes]
) -> None:
    seed = int(os.environ.get("RUSHES_FUZZ_SEED", random.randrange(2**31)))
    print(f"RUSHES_FUZZ_SEED={seed}")
    chance = random.Random(seed)
    for _ in range(max(1, FUZZ // ROUND)):
        room, writers = uuid4(), Writers(count=2, seed=chance.randrange(2**31))
        log = [*writers.log, *writers.write(30)]
        await keeper.load(room, EMPTY, log)
        for _ in range(ROUND):
            vector, _update = await keeper.diff(room, b"\x00")
            update = make(chance, scan_vector(vector), writers)
            try:
                taken = await keeper.check(room, [update])
            except UpdateError:
                continue
            log = [row for row in log if row not in taken.evicted]
            if taken.effects != [Effect.NOTHING]:
                log.append(update)
        await keeper.load(uuid4(), EMPTY, log)
        state, _contained = await keeper.compact(uuid4(), EMPTY, log)
        await keeper.load(uuid4(), state, [])
