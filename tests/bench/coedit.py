"""Many editors of one document: CPU for each update beside Node's ``y-websocket``, and how late an edit is.

``python -m tests.bench.coedit``, with ``node`` and ``npm`` on the PATH. Every editor types letters behind one another,
two a second; ours checks each update and makes it durable before anybody hears of it, the other does neither. The two
take turns, each time in a new room of a server that stays, and each turn of ours is divided by the one that follows it:
so the machine's pace of the moment cancels out.
"""

import asyncio
import os
import statistics
import subprocess
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
from websockets.asyncio.client import connect

from studio.live.document_wire import update_frame
from studio.live.prescan import scan_vector
from tests.bench.crowd import Crowd, cpu_s, gather, serving
from tests.bench.figures import RUNS, Figure, percentile, table
from tests.bench.typist import Typist, payload
from tests.helpers.studio import Studio, free_port
from tests.helpers.yjs import seeded

RATE_HZ = 2.0
KEYS = 10
"""Of each editor in a turn: ten editors then make a hundred updates."""
WARMING = 50, 20
"""Editors of the other server before the first turn, and keys of each: Node compiles what it runs often."""
FEW = 50
"""Editors who should hear of each other as people at one table do; of more, only that what they write is safe soon."""
FOLDER = Path(__file__).parent / "y-websocket"
DEADLINE_S = 30


@dataclass
class Witness(Typist):
    """One that reads all; ``seen`` is when each letter of each client was there."""

    seen: dict[int, list[float]] = field(default_factory=dict)

    def hear(self, frame: bytes) -> None:
        self.doc.apply_update(payload(frame))
        now = time.monotonic()
        for client, clock in scan_vector(self.doc.get_state()).items():
            times = self.seen.setdefault(client, [])
            times += [now] * (clock - len(times))


async def _write(typists: Sequence[Typist], count: int) -> None:
    await asyncio.gather(*(typist.type(count, RATE_HZ) for typist in typists))


async def _until(holds: Any) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not holds():  # noqa: ASYNC110 - counts of many sockets
            await asyncio.sleep(0.05)


@asynccontextmanager
async def _open(typists: Sequence[Typist]) -> AsyncIterator[None]:
    for typist in typists:
        await typist.begin()
    listening = [asyncio.create_task(typist.listen()) for typist in typists]
    yield
    for typist in typists:
        await typist.socket.close()
    await asyncio.gather(*listening)


async def ours(crowd: Crowd, count: int) -> tuple[float, float]:
    """Seconds of CPU for each update: of web and keeper, and of Postgres."""
    typists = [Typist(await crowd.open(cookie, "doc?acks=1"), str(crowd.shot_id)) for cookie in crowd.cookies]
    async with _open(typists):
        pids, postgres = _web_and_keeper(crowd.web), _postgres(crowd.studio)
        before, before_there = sum(map(cpu_s, pids)), _total(postgres)
        await _write(typists, count)
        await _until(lambda: all(len(typist.saved) == count for typist in typists))
        updates = count * len(typists)
        return (sum(map(cpu_s, pids)) - before) / updates, (_total(postgres) - before_there) / updates


@dataclass(frozen=True)
class Other:
    """A running ``y-websocket``."""

    pid: int
    url: str


@asynccontextmanager
async def y_websocket() -> AsyncIterator[Other]:
    """The other server, as its package starts it."""
    _install()
    port = free_port()
    environment = {**os.environ, "HOST": "127.0.0.1", "PORT": str(port)}
    process = await asyncio.create_subprocess_exec(
        "node", "node_modules/y-websocket/bin/server.cjs", cwd=FOLDER, env=environment, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        await process.stdout.readline()
        yield Other(process.pid, f"ws://127.0.0.1:{port}")
    finally:
        process.terminate()
        await process.wait()


@cache
def _install() -> None:
    command = ["npm", "ci", "--omit=optional", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(command, cwd=FOLDER, check=True)


async def theirs(other: Other, editors: int, count: int) -> float:
    """Seconds of CPU of ``y-websocket`` for each update, in a room that nobody has been in."""
    state, address = seeded(), f"{other.url}/{uuid4()}"
    sockets = [await connect(address, compression=None) for _ in range(editors + 1)]
    await sockets[-1].send(update_frame(state.get_update()))
    (shot,) = state["shots"].keys()
    typists = [Typist(socket, shot) for socket in sockets[:-1]]
    async with _open(typists):
        before = cpu_s(other.pid)
        await _write(typists, count)
        await _until(lambda: all(typist.heard >= count * editors for typist in typists))
        used_s = cpu_s(other.pid) - before
    sockets[-1].transport.abort()
    return used_s / count / editors


def _web_and_keeper(web: int) -> list[int]:
    return [web, *(child.pid for child in psutil.Process(web).children(recursive=True))]


def _postgres(studio: Studio) -> psutil.Process:
    assert studio.process is not None
    children = psutil.Process(studio.process.pid).children()
    return next(child for child in children if child.name() == "postgres")


def _total(postgres: psutil.Process) -> float:
    """What its server processes have used; those of a pool stay."""
    return sum(cpu_s(child.pid) for child in postgres.children())


async def _delays(crowd: Crowd, count: int) -> tuple[list[float], list[float]]:
    """Milliseconds until each edit is acknowledged, and until another socket has it."""
    sockets = [await crowd.open(cookie, "doc?acks=1") for cookie in crowd.cookies]
    witness = Witness(sockets[0], str(crowd.shot_id))
    typists = [Typist(socket, str(crowd.shot_id)) for socket in sockets[1:]]
    async with _open([witness, *typists]):
        await _write(typists, count)
        await _until(lambda: all(len(typist.saved) == count for typist in typists))
        await _until(lambda: all(len(witness.seen.get(_client(typist), [])) == count for typist in typists))
    acks = [there - here for t in typists for here, there in zip(t.sent, t.saved, strict=True)]
    seen = [there - here for t in typists for here, there in zip(t.sent, witness.seen[_client(t)], strict=True)]
    return [1e3 * s for s in acks], [1e3 * s for s in seen]


def _client(typist: Typist) -> int:
    return int(typist.doc.client_id)


async def _in_turns(crowds: Sequence[Crowd], count: int) -> list[tuple[float, float, float]]:
    """Seconds for each update, a row a turn: of ours, of Postgres for ours, and of the other server."""
    async with y_websocket() as other:
        await theirs(other, *WARMING)
        return [(*await ours(crowd, count), await theirs(other, len(crowd.cookies), count)) for crowd in crowds]


def cost(studio: Studio, editors: int, count: int = KEYS) -> list[Figure]:
    """CPU for each update beside the other server's."""
    crowds = [gather(studio, editors) for _ in range(RUNS)]
    rows = asyncio.run(_in_turns(crowds, count))
    mine, postgres, other = (1e6 * statistics.median(column) for column in zip(*rows, strict=True))
    detail = f"web and keeper {mine:.0f} µs an update, y-websocket {other:.0f}; Postgres {postgres:.0f}"
    ratios = [here / there for here, _, there in rows]
    return [Figure.of_runs(f"co-edit by {editors}: ours ÷ y-websocket, CPU", ratios, "", 4.0, detail)]


def delays(studio: Studio, editors: int, count: int = KEYS) -> list[Figure]:
    """How late an edit is."""
    runs = [asyncio.run(_delays(gather(studio, editors + 1), count)) for _ in range(RUNS)]
    acks, seen = zip(*runs, strict=True)
    few = editors <= FEW
    return [
        _late(f"{editors} editors: edit to its acknowledgement, p95", acks, None if few else 500.0),
        _late(f"{editors} editors: edit to another socket, p95", seen, 50.0 if few else None),
    ]


def _late(name: str, runs: Sequence[Sequence[float]], target: float | None) -> Figure:
    """The p95 of each run's edits."""
    late, longest = [percentile(waits, 0.95) for waits in runs], max(map(max, runs))
    middle = statistics.median(percentile(waits, 0.5) for waits in runs)
    detail = f"{len(runs[0])} edits a run; half within {middle:.0f} ms, all within {longest:.0f}"
    return Figure.of_runs(name, late, "ms", target, detail)


def main() -> None:
    """Print the figures."""
    with serving() as studio:
        print(table([*cost(studio, 10), *cost(studio, 50), *delays(studio, 10), *delays(studio, 200)]))


if __name__ == "__main__":
    main()
