"""Does anything grow? ``make soak``: rooms in which people type and generate, for SOAK_MINUTES.

Memory, descriptors and connections of every process of the studio are looked at every few seconds. The first third is
warming up; over the rest a line is laid through the memory, and what it rises by is the figure.
"""

import asyncio
import os
import random
import statistics
import sys
from collections import defaultdict
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from time import monotonic

import psutil
import psycopg

from tests.bench.figures import Figure, machine, table
from tests.bench.guests import Desk, Guest, desk
from tests.bench.typist import Typist, typist
from tests.helpers.studio import Studio, running

MINUTES = float(os.environ.get("SOAK_MINUTES", "20"))
ROOMS = 20
KEYS_HZ = 2.0
PAUSE_S = 25.0
"""Between a room's takes: twenty rooms keep one worker at work most of the time, and never far behind."""
SAMPLE_S = 3.0
GROWTH_MIB, GROWTH_SHARE = 6.0, 0.04
"""What a process may rise by: allocators keep some of what was freed, more of it in larger processes."""
MIB = 2**20
IDLE = """
    SELECT count(*) FILTER (WHERE state LIKE 'idle in transaction%' AND now() - state_change > interval '1 s'),
           count(*)
    FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


@dataclass
class Series:
    """What one process held, sample by sample."""

    at_s: list[float] = field(default_factory=list)
    resident_mib: list[float] = field(default_factory=list)
    descriptors: list[int] = field(default_factory=list)

    def look(self, now_s: float, process: psutil.Process) -> None:
        """Add a sample."""
        self.at_s.append(now_s)
        self.resident_mib.append(process.memory_info().rss / MIB)
        self.descriptors.append(process.num_fds())

    def growth_mib(self) -> float:
        """By how much memory rises, along a line, from the end of warming up to the end."""
        kept = slice(len(self.at_s) // 3, None)
        slope, _ = statistics.linear_regression(self.at_s[kept], self.resident_mib[kept])
        return slope * (self.at_s[-1] - self.at_s[kept][0])

    def more_descriptors(self) -> int:
        """How many more there were at most in the last third than in the middle one."""
        third = len(self.descriptors) // 3
        return max(self.descriptors[-third:]) - max(self.descriptors[third : 2 * third])


@dataclass
class Watch:
    """Looks at a studio's processes, and at Postgres."""

    studio: Studio
    series: dict[str, Series] = field(default_factory=lambda: defaultdict(Series))
    idle: list[int] = field(default_factory=list)
    connections: list[int] = field(default_factory=list)

    async def run(self) -> None:
        """Look until cancelled."""
        with psycopg.connect(self.studio.database_url, autocommit=True) as postgres:
            while True:
                self._look(postgres)
                await asyncio.sleep(SAMPLE_S)

    def _look(self, postgres: "psycopg.Connection[tuple[int, int]]") -> None:
        now_s = monotonic()
        for name, process in self._processes():
            self.series[name].look(now_s, process)
        row = postgres.execute(IDLE).fetchone()
        assert row is not None
        self.idle.append(row[0])
        self.connections.append(row[1])

    def _processes(self) -> Sequence[tuple[str, psutil.Process]]:
        """A process that was started again has another id, and its own line."""
        webs, workers = self.studio.children("serve"), self.studio.children("worker")
        keepers = [child for pid in webs for child in psutil.Process(pid).children()]
        named = [("web", psutil.Process(pid)) for pid in webs] + [("worker", psutil.Process(pid)) for pid in workers]
        return [(f"{name} {each.pid}", each) for name, each in [*named, *(("keeper", child) for child in keepers)]]

    def figures(self) -> list[Figure]:
        """The verdict."""
        found = []
        for name, series in sorted(self.series.items()):
            last = series.resident_mib[-1]
            most = max(GROWTH_MIB, GROWTH_SHARE * last)
            per_minute = series.growth_mib() / max(1.0, series.at_s[-1] - series.at_s[len(series.at_s) // 3]) * 60
            detail = f"{last:.0f} MiB at the end, {per_minute:+.2f} MiB a minute"
            found.append(Figure(f"{name}: memory, rise after warming up", series.growth_mib(), "MiB", most, detail))
            detail = f"{series.descriptors[-1]} at the end"
            found.append(
                Figure(f"{name}: more descriptors in the last third", series.more_descriptors(), "", 5, detail)
            )
        detail = f"{max(self.connections)} connections at most, {self.connections[-1]} at the end"
        found.append(Figure("idle in transaction for over a second, samples", sum(map(bool, self.idle)), "", 0, detail))
        return found


@dataclass
class Tally:
    """What the rooms did."""

    keys: int = 0
    takes: int = 0
    failed: int = 0


async def _type(at: Typist, tally: Tally) -> None:
    while True:
        await asyncio.sleep(random.expovariate(KEYS_HZ))
        await at.key()
        tally.keys += 1


async def _generate(at: Desk, tally: Tally) -> None:
    while True:
        await asyncio.sleep(random.uniform(0.5, 1.5) * PAUSE_S)
        ended = await at.ended(await at.ask(quality="draft"))
        tally.takes += 1
        tally.failed += ended["type"] != "take.done"


async def soak(studio: Studio, minutes: float) -> tuple[list[Figure], Tally]:
    """Have rooms live, and watch."""
    watch, tally = Watch(studio), Tally()
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        guests = [Guest.come(studio.url) for _ in range(ROOMS)]
        tasks = [group.create_task(watch.run())]
        for guest in guests:
            at = await stack.enter_async_context(desk(guest))
            tasks.append(group.create_task(_generate(at, tally)))
            typing = await stack.enter_async_context(typist(guest, at.shot_id))
            tasks.append(group.create_task(_type(typing, tally)))
        await asyncio.sleep(minutes * 60)
        for task in tasks:
            task.cancel()
    return watch.figures(), tally


def main() -> int:
    """Print the figures; 1 when something grew."""
    print(f"{machine()}\n{ROOMS} rooms for {MINUTES:g} minutes", flush=True)
    with running() as studio:
        studio.await_worker()
        figures, tally = asyncio.run(soak(studio, MINUTES))
    figures.append(
        Figure("takes that did not end as clips", tally.failed, "", 0, f"of {tally.takes}; {tally.keys} keys")
    )
    print(table(figures))
    grew = [figure.name for figure in figures if figure.verdict == "NO"]
    print(f"\nNot flat: {'; '.join(grew)}" if grew else "\nFlat.")
    return bool(grew)


if __name__ == "__main__":
    sys.exit(main())
