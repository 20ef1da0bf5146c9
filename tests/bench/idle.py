"""A thousand sockets in four rooms that are open and silent: ``python -m tests.bench.idle``."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from tests.bench.crowd import MIB, OPEN_TIMEOUT_S, Crowd, cpu_s, enter_all, gather, resident_bytes, serving
from tests.bench.figures import RUNS, Figure, percentile, table
from tests.bench.typist import Typist
from tests.helpers.studio import Studio

IDLE, IDLE_A_ROOM = 1000, 250
EDITS, EDITS_HZ = 50, 10
FEW_DESCRIPTORS = 20
"""More than before the crowd came, of what the process opens for itself meanwhile."""


@dataclass(frozen=True)
class Opening:
    """A crowd that came: how long it took, what it cost, what is held, and milliseconds of an editor's edits then."""

    taken_s: float
    used_s: float
    held_bytes: int
    waits: list[float]


async def _open(crowds: Sequence[Crowd], editing: Crowd) -> Opening:
    web = editing.web
    before_s, descriptors = cpu_s(web), psutil.Process(web).num_fds()
    begun = time.monotonic()
    opened = await enter_all(crowds)
    taken_s, used_s, held = time.monotonic() - begun, cpu_s(web) - before_s, resident_bytes(web)
    waits = await _echoes(editing)
    for viewer in opened:
        viewer.transport.abort()
    await _gone(psutil.Process(web), descriptors)
    return Opening(taken_s, used_s, held, waits)


async def _gone(web: psutil.Process, descriptors: int) -> None:
    """Wait until the web process has let the crowd go: the next is not to pay for it."""
    async with asyncio.timeout(OPEN_TIMEOUT_S):
        while web.num_fds() > descriptors + FEW_DESCRIPTORS:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.1)


async def _echoes(crowd: Crowd) -> list[float]:
    """Milliseconds to the acknowledgement of each edit."""
    typist = Typist(await crowd.open(crowd.cookies[0], "doc?acks=1"), str(crowd.shot_id))
    await typist.begin()
    listening = asyncio.create_task(typist.listen())
    await typist.type(EDITS, EDITS_HZ)
    async with asyncio.timeout(OPEN_TIMEOUT_S):
        while len(typist.saved) < len(typist.sent):  # noqa: ASYNC110 - acknowledgements come in the other task
            await asyncio.sleep(0.02)
    await typist.socket.close()
    await listening
    return [1e3 * (there - here) for here, there in zip(typist.sent, typist.saved, strict=True)]


def figures(studio: Studio) -> list[Figure]:
    """How fast they come in, what they hold, and what an editor notices; with and without them in turns."""
    crowds = [gather(studio, IDLE_A_ROOM, "viewer") for _ in range(IDLE // IDLE_A_ROOM)]
    editing = gather(studio, 1)
    before = resident_bytes(editing.web)
    pairs = [(asyncio.run(_echoes(editing)), asyncio.run(_open(crowds, editing))) for _ in range(RUNS)]
    alone = percentile([percentile(waits, 0.95) for waits, _ in pairs], 0.5)
    openings = [opening for _, opening in pairs]
    used_s = percentile([opening.used_s for opening in openings], 0.5)
    # Against what it held before the first: memory that one crowd leaves behind is no gift to the next.
    grown = [(opening.held_bytes - before) / MIB for opening in openings]
    late = [percentile(opening.waits, 0.95) for opening in openings]
    what = f"{IDLE} idle sockets"
    return [
        Figure.of_runs(
            f"{what}: all welcomed after", [opening.taken_s for opening in openings], "s", 10.0,
            f"{used_s:.1f} s of CPU of web",
        ),
        Figure.of_runs(f"{what}: the web process grows by", grown, "MiB", 100.0, "over what it held before the first"),
        Figure.of_runs(
            f"{what}: an edit to its acknowledgement, p95", late, "ms", 100.0,
            f"of {EDITS} edits a run; {alone:.0f} ms without them",
        ),
    ]  # fmt: skip


def main() -> None:
    """Print the figures."""
    with serving() as studio:
        print(table(figures(studio)))


if __name__ == "__main__":
    main()
