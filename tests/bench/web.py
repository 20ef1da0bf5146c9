"""The web process under load: ``python -m tests.bench.web`` measures it alone, in about eight minutes."""

import sys

from tests.bench import bystanders, coedit, commands, fanout, large
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
        with run.part("bystanders"):
            run.tell(bystanders.figures(studio))
        with run.part("a large project"):
            run.tell(large.figures(studio))


def main() -> int:
    """Print and keep each figure as it comes."""
    run = Run()
    measure(run)
    return run.end()


if __name__ == "__main__":
    sys.exit(main())
