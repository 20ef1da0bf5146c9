"""A run of the benches: what is measured is printed and kept as it comes, and a part that fails does not end it."""

import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from project.env import ROOT
from tests.bench.figures import TABLE_HEAD, Figure, machine

RESULTS = ROOT / "tests" / "bench" / "RESULTS.md"
HEADING = """# What the studio reaches

Each run of `make bench` adds a table, each of `make soak` one that says so. Times include both browsers running on the
same machine. A row that says "median of 5" is of five runs in one process, with their least and most.
"""


class Run:
    """One table, on the screen and in the results that are kept in the repository.

    ``kind`` says in its heading what was run, where that is not ``make bench``.
    """

    def __init__(self, results: Path = RESULTS, kind: str = "") -> None:
        self._results = results
        self._failed: list[str] = []
        if not results.exists():
            results.write_text(HEADING)
        on = machine()
        print(on, flush=True)
        heading = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC{kind and f', {kind}'}"
        self._keep(f"\n## {heading}\n\n{on}\n\n{TABLE_HEAD}")

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """What fails in the block is told, and the run goes on behind it."""
        try:
            yield
        except Exception:
            traceback.print_exc()
            self._failed.append(name)

    def tell(self, figures: Iterable[Figure]) -> None:
        """Print and keep each figure once it is measured."""
        for figure in figures:
            print(figure.line(), flush=True)
            self._keep(figure.line())

    def end(self) -> int:
        """Tell which parts failed; the exit code."""
        if not self._failed:
            return 0
        self.say(f"Failed: {', '.join(self._failed)}.")
        return 1

    def say(self, text: str) -> None:
        """Print and keep a paragraph below the table."""
        print(text, flush=True)
        self._keep(f"\n{text}")

    def _keep(self, text: str) -> None:
        with self._results.open("a") as results:
            results.write(f"{text}\n")
