"""The web process under load: ``python -m tests.bench.web`` measures it alone, in about a quarter of an hour."""

import sys

from tests.bench import bystanders, coedit, commands, fanout, idle, large, slow_link
from tests.bench.crowd import serving
from tests.bench.run import Run


def measure(run: Run) -> None:
    """Every figure of the web process."""
    with serving() as studio:
        with run.part("commands"):
            run.tell(commands.figures(studio))
        for viewers in (50, 200):
            with run.part(f"fan-out to {viewers}"):
                run.tell(fanout.figures(studio, viewers))
        for editors in (10, 50):
            with run.part(f"co-edit by {editors}"):
                run.tell(coedit.cost(studio, editors))
        for editors in (10, 200):
            with run.part(f"delays of {editors} editors"):
                run.tell(coedit.delays(studio, editors))
        with run.part("a viewer that never reads"):
            run.tell(bystanders.sleeper(studio))
        with run.part("a slow link"):
            run.tell(slow_link.figures(studio))
        with run.part("idle sockets"):
            run.tell(idle.figures(studio))
        with run.part("a large project"):
            run.tell(large.figures(studio))


def main() -> int:
    """Print and keep each figure as it comes."""
    run = Run()
    measure(run)
    return run.end()


if __name__ == "__main__":
    sys.exit(main())
