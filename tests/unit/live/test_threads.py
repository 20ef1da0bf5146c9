"""Whether the threads of the sockets get anything done: what ``/readyz`` says of them."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import pytest

from studio.live import threads

DEADLINE_S = 5.0


class Work:
    """One thread with two pieces of work before all else; each ends when the test says so."""

    def __init__(self) -> None:
        self.pool = threads.Threads(1)
        self.first, self.second = threading.Event(), threading.Event()
        for piece in (self.first, self.second):
            self.pool.submit(piece.wait, 30)

    def end(self) -> None:
        self.first.set()
        self.second.set()
        self.pool.shutdown()


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Iterator[Work]:
    made = Work()
    monkeypatch.setattr(threads, "_THREADS", made.pool)
    yield made
    made.end()


def test_threads_that_end_one_thing_after_the_other_are_up_though_much_waits(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit = work.pool.submit

    def submit_and_end_the_first(function: Callable[..., Any]) -> "Future[Any]":
        turn = submit(function)
        work.first.set()
        return turn

    monkeypatch.setattr(work.pool, "submit", submit_and_end_the_first)
    assert threads.await_life(DEADLINE_S) == threads.THREADS
    assert not work.second.is_set(), "its turn has not come"


def test_threads_that_end_nothing_are_down_and_the_turn_is_taken_back(work: Work) -> None:
    for _ in range(2):
        with pytest.raises(TimeoutError, match="expected a thread"):
            threads.await_life(0.02)
    work.end()
    assert work.pool._ended_count == 2, "what was taken back is not done, and counts as nothing"


def test_threads_with_nothing_to_do_are_up(work: Work) -> None:
    work.first.set()
    work.second.set()
    assert threads.await_life(DEADLINE_S) == threads.THREADS
