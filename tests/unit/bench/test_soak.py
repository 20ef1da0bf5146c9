"""What a soak calls flat."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from tests.bench.figures import Figure
from tests.bench.growth import MIB, Member, Series, more
from tests.bench.soak import Watch

MINUTE_S = 60.0


@dataclass(frozen=True)
class Process:
    """A process that holds what it is told to."""

    pid: int
    rss: int = 100 * MIB

    def memory_info(self) -> Any:
        return SimpleNamespace(rss=self.rss, shared=30 * MIB)

    def num_fds(self) -> int:
        return 20


def member(role: str, pid: int) -> Member:
    process: Any = Process(pid)
    return Member(role, process)


def memory(mib_a_minute: float, *, minutes: int = 20, size_mib: float = 100.0, wave_mib: float = 0.5) -> Figure:
    """The verdict on a process that grows so much, around which its memory goes up and down."""
    series = Series()
    for sample in range(minutes * 20):
        held_mib = size_mib + mib_a_minute * sample / 20 + wave_mib * (sample % 2)
        series.add(sample * MINUTE_S / 20, round(held_mib * MIB), 20)
    figure, _descriptors = series.figures("web")
    return figure


@pytest.mark.parametrize(("mib_a_minute", "verdict"), [(0.0, "yes"), (0.2, "yes"), (0.5, "NO")])
def test_memory_is_judged_by_its_slope(mib_a_minute: float, verdict: str) -> None:
    figure = memory(mib_a_minute)
    assert figure.value == pytest.approx(60 * mib_a_minute, abs=1)
    assert figure.verdict == verdict


def test_the_longer_the_watch_the_closer_the_bound() -> None:
    bounds = [memory(0, minutes=minutes).target or 0 for minutes in (3, 20, 600)]
    assert bounds == sorted(bounds, reverse=True)
    assert bounds[-1] == pytest.approx(10, abs=0.5)


def test_a_larger_process_may_rise_by_a_share_of_itself() -> None:
    assert (memory(0, size_mib=1000).target or 0) > 2 * (memory(0).target or 0)


def test_what_rises_while_warming_up_is_no_growth() -> None:
    series = Series()
    for sample in range(300):
        series.add(sample * 4.0, min(sample, 90) * MIB, 20)
    assert series.slope_mib_h() == pytest.approx(0)


def test_counts_are_compared_by_the_most_of_each_third() -> None:
    assert more([1, 9, 1, 5, 4, 5, 5, 8, 6]) == 3


def test_a_process_that_was_started_again_is_told() -> None:
    watch = Watch(SimpleNamespace())  # type: ignore[arg-type]  # no studio is asked
    watch.look([member("web", 1), member("worker", 2)])
    watch.look([member("web", 1), member("worker", 3)])
    watch.connections = [4] * 9
    (changed,) = (figure for figure in watch.figures() if "came or went" in figure.name)
    assert (changed.verdict, changed.detail) == ("NO", "worker #2 came, worker went")


def test_those_of_postgres_come_and_go_and_count_together_without_what_they_share() -> None:
    watch = Watch(SimpleNamespace())  # type: ignore[arg-type]  # no studio is asked
    watch.look([member("postgres", 1)])
    watch.look([member("postgres", 1), member("postgres", 2)])
    assert watch.series["postgres"].resident_mib == [70, 140]
    assert watch.late == []
