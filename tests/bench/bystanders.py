"""What those who do nothing cost the others: a viewer that never reads, a slow link, a thousand idle sockets.

``python -m tests.bench.bystanders``.
"""

import asyncio
import statistics
from collections.abc import Iterator

from tests.bench import idle, slow_link
from tests.bench.crowd import MIB, Crowd, gather, serving, watching
from tests.bench.figures import RUNS, Figure, table
from tests.bench.previews import PACKET_BYTES, count, enter_narrow, room_of
from tests.helpers.studio import Studio

RATE_HZ = 20
PACKETS, PACKETS_ALONE = 300, 100
"""Kept for the one who reads nothing they would be 8.6 MiB, which is too much; fewer where nobody sleeps."""
READERS = 10


async def _lost(crowd: Crowd, packets: int, *, with_sleeper: bool) -> tuple[float, list[int]]:
    """The share of packets that viewers who read did not get, and the web process's memory all the while."""
    readers = [await crowd.enter(cookie) for cookie in crowd.cookies[1:]]
    came: list[list[int]] = [[] for _ in readers]
    tasks = [asyncio.create_task(count(*pair)) for pair in zip(readers, came, strict=True)]
    async with room_of(crowd) as room:
        await room.play(RATE_HZ, RATE_HZ)
        async with watching(crowd.web) as held:
            sleeper = await enter_narrow(crowd, crowd.cookies[0]) if with_sleeper else None
            warm = sum(map(len, came))
            await room.play(packets, RATE_HZ)
            await asyncio.sleep(1)  # what is on its way
    for viewer in [*readers, *([sleeper] if sleeper else [])]:
        viewer.transport.abort()
    await asyncio.gather(*tasks, return_exceptions=True)
    return 1 - (sum(map(len, came)) - warm) / packets / len(readers), held


def sleeper(studio: Studio) -> list[Figure]:
    """One viewer that acknowledges nothing and reads nothing; with and without it in turns."""
    crowd = gather(studio, READERS + 1, "viewer")
    turns = [
        (
            asyncio.run(_lost(crowd, PACKETS_ALONE, with_sleeper=False)),
            asyncio.run(_lost(crowd, PACKETS, with_sleeper=True)),
        )
        for _ in range(RUNS)
    ]
    alone = statistics.median(lost for (lost, _), _ in turns)
    with_it = [turn for _, turn in turns]
    before = with_it[0][1][0]
    # Against what was held before the first: memory that one run leaves behind is no gift to the next.
    peaks = [(max(held) - before) / MIB for _, held in with_it]
    what = f"one of {READERS + 1} viewers never reads"
    return [
        Figure.of_runs(
            f"{what}: previews lost by the others", [100 * lost for lost, _ in with_it], "%", 1.0,
            f"{100 * alone:.2g} % without it",
        ),
        Figure.of_runs(
            f"{what}: the web process grows by", peaks, "MiB", 5.0,
            f"at its peak, over what it held before the first; {PACKETS} packets of {PACKET_BYTES} bytes",
        ),
    ]  # fmt: skip


def figures(studio: Studio) -> Iterator[Figure]:
    """All of them, each as it comes."""
    yield from sleeper(studio)
    yield from slow_link.figures(studio)
    yield from idle.figures(studio)


def main() -> None:
    """Print the figures."""
    with serving() as studio:
        print(table(list(figures(studio))))


if __name__ == "__main__":
    main()
