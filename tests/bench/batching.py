"""What rooms gain by sharing a worker: ``python -m tests.bench.batching``.

Eight rooms ask for their takes at once, or one room after the other; both in turns, on one warm worker.
"""

import asyncio
import statistics
from contextlib import AsyncExitStack
from time import monotonic

from tests.bench.figures import Figure
from tests.bench.guests import Desk, Guest, desk
from tests.bench.takes import report
from tests.helpers.studio import Studio, running

ROOMS = 8
TAKES_A_ROOM = 2
ROUNDS = 5
QUALITY = "final"


def measure(studio: Studio) -> list[Figure]:
    """The figure of a studio that has a warm worker which nobody else uses."""
    return [asyncio.run(_measure(studio))]


async def _measure(studio: Studio) -> Figure:
    async with AsyncExitStack() as stack:
        desks = [await stack.enter_async_context(desk(Guest.come(studio.url))) for _ in range(ROOMS)]
        await _work(desks[0])
        pairs = [(await _at_once(desks), await _one_by_one(desks)) for _ in range(ROUNDS)]
    at_once, apart = (statistics.median(each) for each in zip(*pairs, strict=True))
    takes = ROOMS * TAKES_A_ROOM
    detail = f"{takes * 60 / at_once:.0f} and {takes * 60 / apart:.0f} {QUALITY} takes a minute, medians of {ROUNDS}"
    # Told as its inverse: a target is the most that a figure may be.
    return Figure(
        f"{ROOMS} rooms one by one ÷ at once, takes a minute on one worker", at_once / apart, "", 1 / 1.4, detail
    )


async def _work(at: Desk) -> None:
    for _ in range(TAKES_A_ROOM):
        event = await at.ended(await at.ask(quality=QUALITY))
        assert event["type"] == "take.done", event


async def _at_once(desks: list[Desk]) -> float:
    begun_s = monotonic()
    await asyncio.gather(*(_work(at) for at in desks))
    return monotonic() - begun_s


async def _one_by_one(desks: list[Desk]) -> float:
    begun_s = monotonic()
    for at in desks:
        await _work(at)
    return monotonic() - begun_s


def main() -> None:
    """Print the figure of a studio of its own."""
    with running() as studio:
        studio.await_worker()
        report(measure(studio))


if __name__ == "__main__":
    main()
