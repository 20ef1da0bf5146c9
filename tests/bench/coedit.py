"""Many editors of one document: CPU for each update beside Node's ``y-websocket``, and how late an edit is.

``python -m tests.bench.coedit``, with ``node`` and ``npm`` on the PATH. Every editor types letters behind one another,
two a second; ours checks each update and makes it durable before anybody hears of it, the other does neither.
"""

import asyncio
import os
import subprocess
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from websockets.asyncio.client import connect

from studio.live.document_wire import update_frame
from studio.live.prescan import scan_vector
from tests.bench.crowd import Crowd, cpu_s, gather, serving
from tests.bench.figures import Figure, percentile, table
from tests.bench.typist import Typist, payload
from tests.helpers.studio import Studio, free_port
from tests.helpers.yjs import seeded

RATE_HZ = 2.0
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


async def theirs(editors: int, count: int) -> float:
    """Seconds of CPU of ``y-websocket`` for each update."""
    port, state = free_port(), seeded()
    command = ["node", "node_modules/y-websocket/bin/server.cjs"]
    environment = {**os.environ, "HOST": "127.0.0.1", "PORT": str(port)}
    process = await asyncio.create_subprocess_exec(
        *command, cwd=FOLDER, env=environment, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    await process.stdout.readline()
    sockets = [await connect(f"ws://127.0.0.1:{port}/room", compression=None) for _ in range(editors + 1)]
    await sockets[-1].send(update_frame(state.get_update()))
    (shot,) = state["shots"].keys()
    typists = [Typist(socket, shot) for socket in sockets[:-1]]
    try:
        async with _open(typists):
            before = cpu_s(process.pid)
            await _write(typists, count)
            await _until(lambda: all(typist.heard >= count * editors for typist in typists))
            return (cpu_s(process.pid) - before) / count / editors
    finally:
        process.terminate()
        await process.wait()


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


def cost(studio: Studio, editors: int, count: int = 20) -> list[Figure]:
    """CPU for each update beside the other server's."""
    subprocess.run(
        ["npm", "ci", "--omit=optional", "--no-audit", "--no-fund", "--loglevel=error"], cwd=FOLDER, check=True
    )
    mine, postgres = asyncio.run(ours(gather(studio, editors), count))
    other = asyncio.run(theirs(editors, count))
    detail = (
        f"web and keeper {mine * 1e6:.0f} µs an update, y-websocket {other * 1e6:.0f}; Postgres {postgres * 1e6:.0f}"
    )
    return [Figure(f"co-edit by {editors}: ours ÷ y-websocket, CPU", mine / other, "", 4.0, detail)]


def delays(studio: Studio, editors: int, count: int = 20) -> list[Figure]:
    """How late an edit is."""
    acks, seen = asyncio.run(_delays(gather(studio, editors + 1), count))
    target = (500.0, None) if editors > 50 else (None, 50.0)
    detail = f"{editors * RATE_HZ:.0f} edits a second; median {{:.0f}} ms, at most {{:.0f}}"
    return [
        Figure(f"{editors} editors: edit to its acknowledgement, p95", percentile(acks, 0.95), "ms", target[0],
               detail.format(percentile(acks, 0.5), max(acks))),
        Figure(f"{editors} editors: edit to another socket, p95", percentile(seen, 0.95), "ms", target[1],
               detail.format(percentile(seen, 0.5), max(seen))),
    ]  # fmt: skip


def main() -> None:
    """Print the figures."""
    with serving() as studio:
        print(table([*cost(studio, 10), *cost(studio, 50), *delays(studio, 10), *delays(studio, 200)]))


if __name__ == "__main__":
    main()
