"""Figures of several runs."""

from inference.outbox import SHOWN_HZ
from tests.bench.figures import Figure, percentile
from tests.bench.previews import MADE_HZ


def test_the_median_of_runs_is_judged_and_least_and_most_are_told() -> None:
    figure = Figure.of_runs("co-edit", [3.0, 9.0, 1.0, 2.0, 2.5], "", 2.5, "web")
    assert (figure.value, figure.verdict) == (2.5, "yes")
    assert figure.detail == "median of 5, 1 to 9; web"


def test_without_more_to_say_the_detail_ends_behind_the_most() -> None:
    assert Figure.of_runs("co-edit", [3.0, 1.0, 2.0], "", None).detail == "median of 3, 1 to 3"


def test_of_twenty_the_longest_is_their_p95() -> None:
    assert percentile([float(value) for value in range(20)], 0.95) == 19


def test_a_slow_link_is_measured_at_the_rate_at_which_previews_are_made() -> None:
    assert MADE_HZ == SHOWN_HZ
