"""The web process under load: ``python -m tests.bench.web`` measures it alone, in about eight minutes."""

from collections.abc import Iterator

from tests.bench import bystanders, coedit, commands, fanout, large
from tests.bench.crowd import serving
from tests.bench.figures import Figure, append, machine, table


def figures() -> Iterator[Figure]:
    """Every figure of the web process, as it is measured."""
    with serving() as studio:
        yield from commands.figures(studio)
        for viewers in (50, 200):
            yield from fanout.figures(studio, viewers)
        for editors in (10, 50):
            yield from coedit.cost(studio, editors)
        for editors in (10, 200):
            yield from coedit.delays(studio, editors)
        yield from bystanders.figures(studio)
        yield from large.figures(studio)


def main() -> None:
    """Print each as it comes, and keep all."""
    on, told = machine(), list[Figure]()
    print(on, flush=True)
    for figure in figures():
        print(figure.line(), flush=True)
        told.append(figure)
    append(f"{on}\n\n{table(told)}")


if __name__ == "__main__":
    main()
