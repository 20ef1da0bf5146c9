"""Workers that die, sleep and are poisoned, and requests that come many times: F-1 to F-4."""

import asyncio
import random
import signal
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from functools import partial

import pytest

from studio.live.threads import in_thread
from studio.models import Take
from tests.factories import Cast
from tests.faults.asking import ask
from tests.faults.light_worker import POISON, SLOW
from tests.faults.oracle import history, takes_hold
from tests.faults.part import Part
from tests.faults.stage import LEASE_S, LIGHT, Stage, long, wait_until
from tests.helpers.ear import Ear
from tests.live.rooms.client import request, room

pytestmark = pytest.mark.timeout(long(120, 900))
PARTS = 5
TAIL, MOMENT_S = 8, 0.05
"""So many moments after its last step are in a take's life too, so far apart."""
SAVED_S = 1.4
"""A checkpoint is due every 4 steps, or every second of quicker ones; to store it takes a moment more."""


@pytest.fixture
def ear(stage: Stage, cast: Cast) -> Iterator[Ear]:
    listening = Ear(stage, cast)
    yield listening
    listening.close()


def says(worker: Part, take: Take, words: str) -> bool:
    return any(str(take.pk) in line and words in line for line in worker.said().splitlines())


def who_renders(workers: list[Part], take: Take, attempt: int) -> Part:
    (worker,) = (each for each in workers if says(each, take, f"attempt {attempt} begins"))
    return worker


def steps(ear: Ear, take: Take, attempt: int) -> list[int]:
    return [packet.step for _, packet in ear.packets if (packet.take_id, packet.attempt) == (take.pk, attempt)]


def reached(ear: Ear, take: Take, attempt: int, step: int) -> bool:
    """Whether an attempt has shown so many steps, or the take has ended sooner."""
    return max(steps(ear, take, attempt), default=0) >= step or history(take)[-1] == "take.done"


def stored_step(take: Take) -> int:
    """The step of the checkpoint from which another attempt would go on."""
    take.refresh_from_db()
    return int(take.checkpoint_key.partition("step-")[2].partition(".")[0] or 0)


def test_f1_a_worker_killed_at_any_moment_of_a_take_costs_it_one_try_and_the_steps_since_its_checkpoint(
    stage: Stage, cast: Cast, ear: Ear, chance: random.Random
) -> None:
    parts, killed_at = shuffled_parts(chance), list[int]()
    while len(killed_at) < long(2, 20):
        workers = stage.workers(3)
        take = ask(cast, seed=chance.randrange(1000))
        killed_at += _kill_twice(moment_in(next(parts), take, chance), workers, take, ear, chance)
        (ended,) = takes_hold(stage, [take])
        assert (ended.state, history(ended).count("take.retried")) == ("done", ended.attempt - 1)
    print(f"killed at {sorted(killed_at)}; what is beyond step {take.steps} is decoding, encoding and storing")


def _kill_twice(moment: int, workers: list[Part], take: Take, ear: Ear, chance: random.Random) -> list[int]:
    """Kill the worker at a moment, and the next one anywhere from where it goes on; when that was."""
    killed_at: list[int] = []
    for attempt in (1, 2):
        kept = _kill_at(moment, workers, take, ear, attempt)
        if kept is None:
            break
        killed_at.append(moment)
        moment = chance.randint(kept + 1, take.steps + TAIL)
    return killed_at


def shuffled_parts(chance: random.Random) -> Iterator[int]:
    """The parts of a take's life, each as often as any other: quarters of its steps, and what comes after the last."""
    while True:
        yield from chance.sample(range(PARTS), PARTS)


def moment_in(part: int, take: Take, chance: random.Random) -> int:
    """A step in one part of the take's life; those beyond its last one are moments of its end."""
    quarter = take.steps // (PARTS - 1)
    if part == PARTS - 1:
        return take.steps + chance.randint(1, TAIL)
    return chance.randint(1 + part * quarter, (part + 1) * quarter)


def _kill_at(moment: int, workers: list[Part], take: Take, ear: Ear, attempt: int) -> int | None:
    """Kill the worker at a step, or as soon after it as one can; the step of the checkpoint that was kept, 0 without
    one, and None when the take was quicker.
    """
    ear.until_event(take, "take.started", LEASE_S + 20, attempt)
    ear.until(partial(reached, ear, take, attempt, min(moment, take.steps)), 30)
    time.sleep(max(0, moment - take.steps) * MOMENT_S)  # nothing is said between its last step and its end
    victim = who_renders(workers, take, attempt)
    shown = _shown(ear, take, attempt)
    passed_by = max((step for at, step in shown if at < time.monotonic() - SAVED_S), default=0)
    victim.kill()
    kept = stored_step(take)
    victim.start()
    if take.state == "done":
        return None
    requeued_s = wait_until(lambda: history(take).count("take.retried") == attempt, LEASE_S + 5, "it is queued again")
    ear.until(lambda: bool(steps(ear, take, attempt + 1)), LEASE_S + 20)
    last = max((step for _, step in shown), default=0)
    print(f"killed at {moment} (step {last}) of attempt {attempt}, queued again {requeued_s:.1f} s later, from {kept}")
    assert any(says(worker, take, f"joins at step {kept} of") for worker in workers)
    assert steps(ear, take, attempt + 1)[0] > kept
    assert kept > passed_by - 4
    return kept


def _shown(ear: Ear, take: Take, attempt: int) -> list[tuple[float, int]]:
    """When each step that an attempt has shown was heard of."""
    return [(at, packet.step) for at, packet in ear.packets if (packet.take_id, packet.attempt) == (take.pk, attempt)]


def test_f2_a_worker_that_sleeps_past_its_lease_and_wakes_changes_nothing_and_leaves_no_file(
    stage: Stage, cast: Cast, ear: Ear, chance: random.Random
) -> None:
    workers = stage.workers(2)
    for _ in range(long(1, 6)):
        take, wakes_during = ask(cast), chance.choice(["take.started", "take.done"])
        ear.until(partial(reached, ear, take, 1, 5), 30)
        sleeper = who_renders(workers, take, 1)
        sleeper.signal(signal.SIGSTOP)
        ear.until_event(take, "take.retried", LEASE_S + 5)
        ear.until_event(take, wakes_during, 30, attempt=2)
        sleeper.signal(signal.SIGCONT)
        wait_until(partial(says, sleeper, take, "attempt 1 is not ours any more"), 30, "the sleeper noticed")
        (ended,) = takes_hold(stage, [take])
        assert (ended.state, ended.attempt) == ("done", 2)
    others = [worker for worker in workers if worker is not sleeper]
    for worker in others:
        worker.stop()
    (after,) = takes_hold(stage, [ask(cast, "draft")])
    assert (after.state, after.attempt) == ("done", 1)


def test_f3_a_poison_take_starts_three_times_and_fails_and_the_next_one_starts_at_once(
    stage: Stage, cast: Cast
) -> None:
    stage.workers(0)
    workers = [stage.worker(*LIGHT) for _ in range(2)]
    try:
        for worker in workers:
            stage.await_worker(worker)
        poison = ask(cast, prompt=f"a glass of {POISON}")
        for attempt in range(1, 4):
            wait_until(lambda: not all(worker.is_alive for worker in workers), LEASE_S + 10, f"death {attempt}")
            for dead in (worker for worker in workers if not worker.is_alive):
                dead.start()
        (ended,) = takes_hold(stage, [poison])
        assert (ended.state, ended.attempt, ended.error_code) == ("failed", 3, "worker.lost")
        assert history(ended).count("take.started") == 3
        following = ask(cast)
        started_s = wait_until(lambda: "take.started" in history(following), 5, "the next take starts")
        print(f"the next take started {started_s:.2f} s after it was asked for")
        assert [take.state for take in takes_hold(stage, [following])] == ["done"]
        assert all(worker.is_alive for worker in workers)
    finally:
        for worker in workers:
            worker.kill()


def test_f3_takes_that_were_rendered_beside_a_poison_take_are_all_made(stage: Stage, cast: Cast) -> None:
    stage.workers(0)
    worker = stage.worker(*LIGHT)
    try:
        stage.await_worker(worker)
        beside = [ask(cast, prompt=f"a {SLOW} ball") for _ in range(3)]
        poison = ask(cast, prompt=f"a glass of {POISON}")
        for death in range(1, 4):
            wait_until(lambda: not worker.is_alive, LEASE_S + 20, f"death {death}")
            worker.start()
        *made, ended = takes_hold(stage, [*beside, poison])
        assert (ended.state, ended.error_code) == ("failed", "worker.lost")
        assert [take.state for take in made] == ["done"] * 3
        print(f"tries of those beside it: {[take.tries for take in made]}")
    finally:
        worker.kill()


async def test_f4_one_request_sent_fifty_times_at_once_to_two_web_processes_is_one_take(
    stage: Stage, cast: Cast, cookies: dict[str, str], shot: str
) -> None:
    stage.workers(0)
    asked = request(shot)
    async with AsyncExitStack() as sockets:
        clients = [
            await sockets.enter_async_context(room(stage.urls[number % 2], cast.project.pk, cookies["editor"]))
            for number in range(10)
        ]
        await asyncio.gather(*(client.hello() for client in clients))
        await asyncio.gather(
            *(client.send(type="take.request", id=f"{number}", **asked) for number in range(5) for client in clients)
        )
        replies = [await client.next("reply") for client in clients * 5]
    assert {(reply["error"], reply["take_id"]) for reply in replies} == {(None, replies[0]["take_id"])}
    takes = await in_thread(lambda: list(Take.objects.filter(project=cast.project)))
    assert [str(take.pk) for take in takes] == [replies[0]["take_id"]]
    assert await in_thread(lambda: history(takes[0])) == ["take.queued"]
    worker = stage.worker(*LIGHT)
    try:
        (ended,) = await in_thread(takes_hold, stage, takes)
    finally:
        worker.kill()
    assert (ended.state, ended.attempt) == ("done", 1)
    assert await in_thread(Take.objects.filter(project=cast.project).count) == 1
