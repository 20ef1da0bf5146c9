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

Each run of `make bench` adds a table. Times include both browsers running on the same machine.
"""


class Run:
    """One table, on the screen and in the results that are kept in the repository."""

    def __init__(self, results: Path = RESULTS) -> None:
        self._results = results
        self._failed: list[str] = []
        if not results.exists():
            results.write_text(HEADING)
        on = machine()
        print(on, flush=True)
        self._keep(f"\n## {datetime.now(UTC):%Y-%m-%d %H:%M} UTC\n\n{on}\n\n{TABLE_HEAD}")

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
        told = f"Failed: {', '.join(self._failed)}."
        print(told, flush=True)
        self._keep(f"\n{told}")
        return 1

    def _keep(self, text: str) -> None:
        with self._results.open("a") as results:
            results.write(f"{text}\n")
