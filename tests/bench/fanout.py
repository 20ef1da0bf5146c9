"""CPU of the web process for each preview packet and viewer, beside other servers that do the same.

``python -m tests.bench.fanout [viewers] [packets] [rounds]``. Each server runs in a process of its own, all of them on
the same machine in the same run, in turn; clients read and acknowledge every packet.
"""

import asyncio
import os
import statistics
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import uuid4

import redis.asyncio
from websockets.asyncio.client import ClientConnection, connect

from inference.wire import PreviewPacket
from tests.bench.crowd import Crowd, cpu_s, gather, serving
from tests.bench.figures import Figure, table
from tests.bench.other_servers import GROUP
from tests.helpers.studio import Studio, free_port

PACKET_BYTES = 30_000
RATE_HZ = 10
PACKETS, ROUNDS = 40, 5
ACK = '{"type":"preview.ack","v":1,"count":1}'
DEADLINE_S = 30
Say = Callable[[bytes], Awaitable[object]]


class Side:
    """One server with its viewers."""

    def __init__(self, pid: int, viewers: Sequence[ClientConnection], say: Say) -> None:
        self.pid, self.viewers, self.say = pid, viewers, say

    async def measure(self, packets: int) -> float:
        """Microseconds of CPU for each packet and viewer."""
        data = PreviewPacket(uuid4(), 1, 1, 4, 25, 24, 512, 320, 0, ((0, os.urandom(PACKET_BYTES)),)).encode()
        readers = [asyncio.create_task(_read(viewer, packets)) for viewer in self.viewers]
        before = cpu_s(self.pid)
        for _ in range(packets):
            await self.say(data)
            await asyncio.sleep(1 / RATE_HZ)
        async with asyncio.timeout(DEADLINE_S):
            await asyncio.gather(*readers)
        return (cpu_s(self.pid) - before) / packets / len(self.viewers) * 1e6


async def _read(viewer: ClientConnection, packets: int) -> None:
    while packets:
        if isinstance(await viewer.recv(), bytes):
            packets -= 1
            await viewer.send(ACK)


@asynccontextmanager
async def rushes(crowd: Crowd, pid: int, url: str = "") -> AsyncIterator[Side]:
    """The room socket as it is: hub and credits, under Daphne unless ``url`` is another server's."""
    viewers = [await crowd.enter(cookie, url=url) for cookie in crowd.cookies]
    client: redis.asyncio.Redis = redis.asyncio.Redis.from_url(crowd.studio.redis_url)
    async with client:
        yield Side(pid, viewers, lambda data: client.publish(f"rushes:room:{crowd.project_id}", data))
    await asyncio.gather(*(viewer.close() for viewer in viewers))


@asynccontextmanager
async def uvicorn(crowd: Crowd, name: str) -> AsyncIterator[Side]:
    """The same application under uvicorn, serving a room that the others do not."""
    async with _process(name, crowd) as (pid, address), rushes(crowd, pid, address) as side:
        yield side


@asynccontextmanager
async def bare(crowd: Crowd) -> AsyncIterator[Side]:
    """The floor: sockets and nothing else."""
    async with _process("bare", crowd) as (pid, address):
        source = await connect(f"{address}/source", compression=None)
        yield Side(pid, await _plain_viewers(address, len(crowd.cookies)), source.send)


@asynccontextmanager
async def stock(crowd: Crowd) -> AsyncIterator[Side]:
    """What Channels' own tutorial does: ``group_send`` through Redis, one consumer a viewer."""
    from channels_redis.core import RedisChannelLayer

    layer = RedisChannelLayer(hosts=[crowd.studio.redis_url])
    await layer.flush()  # a group keeps who was in it when the last of these servers ended
    async with _process("stock", crowd) as (pid, address):
        viewers = await _plain_viewers(address, len(crowd.cookies))
        yield Side(pid, viewers, lambda data: layer.group_send(GROUP, {"type": "packet", "data": data}))
        await layer.close_pools()


async def _plain_viewers(address: str, count: int) -> list[ClientConnection]:
    return [await connect(address, compression=None) for _ in range(count)]


@asynccontextmanager
async def _process(name: str, crowd: Crowd) -> AsyncIterator[tuple[int, str]]:
    port = free_port()
    command = [sys.executable, "-m", "tests.bench.other_servers", name, str(port)]
    environment = {**crowd.studio.environment(), "REDIS_URL": crowd.studio.redis_url}
    process = await asyncio.create_subprocess_exec(*command, env=environment)
    try:
        async with asyncio.timeout(DEADLINE_S):
            await _listening(port)
        yield process.pid, f"ws://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


async def _listening(port: int) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
            continue
        writer.close()
        return


async def compare(crowds: Sequence[Crowd], packets: int, rounds: int) -> list[list[float]]:
    """Ours under Daphne, twice under uvicorn, the floor and stock Channels, in turn: a row a round."""
    ours, other, another = crowds
    async with AsyncExitStack() as stack:
        servers = (
            rushes(ours, ours.web), uvicorn(other, "uvicorn_with_shortcut"), uvicorn(another, "uvicorn"),
            bare(ours), stock(ours),
        )  # fmt: skip
        sides = [await stack.enter_async_context(server) for server in servers]
        for side in sides:
            await side.measure(5)
        return [[await side.measure(packets) for side in sides] for _ in range(rounds)]


def figures(studio: Studio, count: int, packets: int = PACKETS, rounds: int = ROUNDS) -> list[Figure]:
    """The ratios: medians of those of each round."""
    crowds = [gather(studio, count, "viewer") for _ in range(3)]
    rows = asyncio.run(compare(crowds, packets, rounds))
    cost = [statistics.median(column) for column in zip(*rows, strict=True)]
    floor, stock_at = 3, 4

    def figure(name: str, side: int, base: int, target: float | None) -> Figure:
        ratios = [row[side] / row[base] for row in rows]
        detail = f"{cost[side]:.0f} ÷ {cost[base]:.0f} µs"
        return Figure.of_runs(f"fan-out to {count}: {name}", ratios, "", target, detail)

    return [
        figure("Daphne ÷ bare websockets", 0, floor, 1.8),
        figure("uvicorn with our shortcut ÷ bare websockets", 1, floor, 1.2),
        figure("uvicorn as it comes ÷ bare websockets", 2, floor, None),
        figure("Daphne ÷ stock group_send", 0, stock_at, 0.2),
        figure("uvicorn with our shortcut ÷ stock group_send", 1, stock_at, None),
    ]


def main(count: int = 50, packets: int = PACKETS, rounds: int = ROUNDS) -> None:
    """Print the ratios."""
    with serving() as studio:
        print(table(figures(studio, count, packets, rounds)))


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
