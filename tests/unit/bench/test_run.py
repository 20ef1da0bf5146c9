"""What a run of the benches keeps when one of them fails."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench.figures import Figure
from tests.bench.run import Run

FIRST, SECOND, THIRD = (Figure(name, 1.0, "s", 2.0) for name in ("first", "second", "third"))


def breaks_after(figure: Figure) -> Iterator[Figure]:
    yield figure
    raise AssertionError("too slow")


def test_a_part_that_fails_costs_no_figure_but_its_own_and_the_run_its_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run(tmp_path / "RESULTS.md")
    with run.part("one"):
        run.tell([FIRST])
    with run.part("two"):
        run.tell(breaks_after(SECOND))
    with run.part("three"):
        run.tell([THIRD])
    assert run.end() == 1
    kept, printed = (tmp_path / "RESULTS.md").read_text(), capsys.readouterr()
    for told in (kept, printed.out):
        assert [line for line in told.splitlines() if "≤ 2 s" in line] == [FIRST.line(), SECOND.line(), THIRD.line()]
        assert "Failed: two." in told
    assert "too slow" in printed.err


def test_a_figure_is_kept_before_the_next_is_measured(tmp_path: Path) -> None:
    def figures() -> Iterator[Figure]:
        yield FIRST
        assert FIRST.line() in (tmp_path / "RESULTS.md").read_text()
        yield SECOND

    run = Run(tmp_path / "RESULTS.md")
    run.tell(figures())
    assert run.end() == 0


def test_another_kind_of_run_says_so_in_its_heading_and_its_verdict_below(tmp_path: Path) -> None:
    run = Run(tmp_path / "RESULTS.md", kind="soak of 20 rooms")
    run.tell([FIRST])
    run.say("Flat.")
    heading, *_, last = (tmp_path / "RESULTS.md").read_text().split("## ", 1)[1].splitlines()
    assert heading.endswith("UTC, soak of 20 rooms")
    assert last == "Flat."
