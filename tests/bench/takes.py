"""What the studio adds to the rendering of a take: ``python -m tests.bench.takes``.

A take, from the press of the key to its clip, beside the stock call with the same settings, taken in turns; and how
long the key waits for the first denoise step, by the worker's own log.

What the studio adds is the same for every take, and the takes of the model that ships are over in half a second. So the
ratio is measured on them, where it is worst, and on the same model with the steps of a larger one.
"""

import asyncio
import statistics
from collections.abc import Iterator, Sequence
from datetime import datetime
from time import monotonic, time

from project.env import ROOT
from tests.bench.bare import Bare, bare
from tests.bench.figures import RUNS, Figure, machine, percentile, table
from tests.bench.guests import Desk, Guest, desk
from tests.helpers import patient
from tests.helpers.studio import Studio, running

TAKES = {"final": 41, "draft": 9, "longer": 15}
"""Pairs: a machine whose cores are lent changes its pace by a fifth from one second to the next."""
STARTS = 20
"""Of each run: its p95 is the longest of so many."""


def measure(studio: Studio) -> list[Figure]:
    """The figures of a studio that logs JSON and has a warm worker that nobody else uses."""
    with bare(studio.settings.get("RUSHES_MODEL", str(ROOT / "inference" / "tiny" / "weights"))) as stock:
        return asyncio.run(_measure(studio, stock))


async def _measure(studio: Studio, stock: Bare) -> list[Figure]:
    async with desk(Guest.come(studio.url)) as at:
        await _take(at, "draft")
        figures = [
            await _ratio(at, stock, "final", "final take", TAKES["final"], 1.08),
            await _ratio(at, stock, "draft", "draft take", TAKES["draft"], None),
        ]
        return [*figures, await _first_step(studio, at)]


def measure_longer() -> list[Figure]:
    """The ratio on takes of some seconds, of a studio of their own."""
    model = str(patient.model())
    with running(RUSHES_LOG="json", RUSHES_MODEL=model) as studio, bare(model) as stock:
        studio.await_worker()
        return [asyncio.run(_measure_longer(studio, stock))]


async def _measure_longer(studio: Studio, stock: Bare) -> Figure:
    async with desk(Guest.come(studio.url)) as at:
        await _take(at, "draft")
        return await _ratio(at, stock, "final", f"take of {patient.STEPS['final']} steps", TAKES["longer"], 1.08)


async def _take(at: Desk, quality: str) -> float:
    """Seconds from the request to the clip."""
    begun_s = monotonic()
    event = await at.ended(await at.ask(quality=quality))
    assert event["type"] == "take.done", event
    return monotonic() - begun_s


async def _ratio(at: Desk, stock: Bare, quality: str, name: str, count: int, target: float | None) -> Figure:
    pairs = [(await _take(at, quality), await asyncio.to_thread(stock.seconds, quality)) for _ in range(count)]
    ours, floor = (statistics.median(each) for each in zip(*pairs, strict=True))
    detail = f"medians of {count} in turns: {ours:.2f} s and {floor:.2f} s"
    return Figure(f"{name}, request to clip ÷ bare diffusers call", ours / floor, "", target, detail)


async def _first_step(studio: Studio, at: Desk) -> Figure:
    runs = [await _starts(studio, at) for _ in range(RUNS)]
    middle = statistics.median(wait for waits in runs for wait in waits)
    late = [percentile(waits, 0.95) for waits in runs]
    detail = f"runs of {STARTS} drafts, of which it is the longest; median {middle:.0f} ms"
    return Figure.of_runs("request to the first denoise step, warm worker, p95", late, "ms", 100.0, detail)


async def _starts(studio: Studio, at: Desk) -> list[float]:
    """Milliseconds to the first step of each of so many drafts."""
    asked_s: dict[str, float] = {}
    for _ in range(STARTS):
        now_s = time()
        take_id = await at.ask(quality="draft")
        asked_s[take_id] = now_s
        await at.ended(take_id)
    waits = [(began_s - asked_s[take_id]) * 1000 for take_id, began_s in _joined(studio) if take_id in asked_s]
    assert len(waits) == STARTS, f"expected {STARTS} takes in the log, found {len(waits)}"
    return waits


def _joined(studio: Studio) -> Iterator[tuple[str, float]]:
    """When each take joined the denoise loop: its prompt is read, its first step is next."""
    for line in studio.log_lines():
        if line["logger"] == "inference.engine" and line["message"].startswith("joins"):
            yield line["take"], datetime.fromisoformat(line["at"]).timestamp()


def report(figures: Sequence[Figure]) -> None:
    """Print a table below the machine's line."""
    print(f"{machine()}\n\n{table(figures)}")


def main() -> None:
    """Print the figures of a studio of their own."""
    with running(RUSHES_LOG="json") as studio:
        studio.await_worker()
        report(measure(studio))
    report(measure_longer())


if __name__ == "__main__":
    main()
