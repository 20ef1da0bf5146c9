"""Does anything grow? ``make soak``: rooms in which people type and generate, for SOAK_MINUTES.

Memory and descriptors of every process of the studio (supervisor, web, keeper, worker, Valkey, Postgres with all of its
own together), and the connections to Postgres, are looked at every few seconds; ``growth`` has the rules by which they
are flat. A process that ended or was started again meanwhile is a failure, whatever it holds. RESULTS.md keeps it all.
"""

import asyncio
import os
import random
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from time import monotonic

import psutil
import psycopg

from tests.bench.figures import Figure
from tests.bench.growth import MORE_CONNECTIONS, Member, Series, family, more
from tests.bench.guests import Desk, Guest, desk
from tests.bench.run import Run
from tests.bench.typist import Typist, typist
from tests.helpers.studio import Studio, running

MINUTES = float(os.environ.get("SOAK_MINUTES", "20"))
ROOMS = 20
KEYS_HZ = 2.0
PAUSE_S = 25.0
"""Between a room's takes: twenty rooms keep one worker at work most of the time, and never far behind."""
SAMPLE_S = 3.0
IDLE = """
    SELECT count(*) FILTER (WHERE state LIKE 'idle in transaction%' AND now() - state_change > interval '1 s'),
           count(*)
    FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


@dataclass
class Watch:
    """Looks at a studio's processes, and at Postgres."""

    studio: Studio
    series: dict[str, Series] = field(default_factory=lambda: defaultdict(Series))
    names: dict[int, str] = field(default_factory=dict)
    """By process id."""
    late: list[str] = field(default_factory=list)
    """What was not there at the first look."""
    here: set[str] = field(default_factory=set)
    """What was there at the last."""
    idle: list[int] = field(default_factory=list)
    connections: list[int] = field(default_factory=list)

    async def run(self) -> None:
        """Look until cancelled."""
        assert self.studio.process is not None
        supervisor = psutil.Process(self.studio.process.pid)
        with psycopg.connect(self.studio.database_url, autocommit=True) as postgres:
            while True:
                self.look(family(supervisor))
                self._ask(postgres)
                await asyncio.sleep(SAMPLE_S)

    def look(self, members: list[Member]) -> None:
        """Add a sample of each."""
        now_s, is_first = monotonic(), not self.series
        sums = defaultdict[str, list[int]](lambda: [0, 0])
        for member in members:
            try:
                held = member.held()
            except psutil.NoSuchProcess:
                continue
            name = self._name(member, is_first=is_first)
            sums[name] = [before + one for before, one in zip(sums[name], held, strict=True)]
        for name, (resident_bytes, descriptors) in sums.items():
            self.series[name].add(now_s, resident_bytes, descriptors)
        self.here = set(sums)

    def _name(self, member: Member, *, is_first: bool) -> str:
        """Its role, with a number from the second of that role on."""
        if member.is_transient:
            return member.role
        pid = member.process.pid
        if pid not in self.names:
            before = sum(name.split(" #")[0] == member.role for name in self.names.values())
            self.names[pid] = f"{member.role} #{before + 1}" if before else member.role
            if not is_first:
                self.late.append(self.names[pid])
        return self.names[pid]

    def _ask(self, postgres: "psycopg.Connection[tuple[int, int]]") -> None:
        row = postgres.execute(IDLE).fetchone()
        assert row is not None
        self.idle.append(row[0])
        self.connections.append(row[1])

    def figures(self) -> Iterator[Figure]:
        """The verdict."""
        for name, series in self.series.items():
            yield from series.figures(name)
        changed = [
            *(f"{name} came" for name in self.late),
            *(f"{name} went" for name in self.series.keys() - self.here),
        ]
        yield Figure("processes that came or went meanwhile", len(changed), "", 0, ", ".join(changed))
        detail = f"{max(self.connections)} at most, {self.connections[-1]} at the end"
        yield Figure(
            "more connections to Postgres in the last third", more(self.connections), "", MORE_CONNECTIONS, detail
        )
        yield Figure("idle in transaction for over a second, samples", sum(map(bool, self.idle)), "", 0)


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


async def soak(studio: Studio, minutes: float) -> list[Figure]:
    """Have rooms live, and watch."""
    watch, tally = Watch(studio), Tally()
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        guests = [Guest.come(studio.url) for _ in range(ROOMS)]
        tasks = []
        for guest in guests:
            at = await stack.enter_async_context(desk(guest))
            tasks.append(group.create_task(_generate(at, tally)))
            typing = await stack.enter_async_context(typist(guest, at.shot_id))
            tasks.append(group.create_task(_type(typing, tally)))
        tasks.append(group.create_task(watch.run()))  # now that the keeper is there too
        await asyncio.sleep(minutes * 60)
        for task in tasks:
            task.cancel()
    detail = f"of {tally.takes}; {tally.keys} keys"
    return [*watch.figures(), Figure("takes that did not end as clips", tally.failed, "", 0, detail)]


def main() -> int:
    """Print and keep the figures; 1 when something grew."""
    run, figures = Run(kind=f"soak of {ROOMS} rooms for {MINUTES:g} minutes"), list[Figure]()
    with run.part("soak"), running() as studio:
        studio.await_worker()
        figures = asyncio.run(soak(studio, MINUTES))
        run.tell(figures)
    grew = [figure.name for figure in figures if figure.verdict == "NO"]
    if figures:
        run.say(f"Not flat: {'; '.join(grew)}." if grew else "Flat.")
    return run.end() or bool(grew)


if __name__ == "__main__":
    sys.exit(main())
