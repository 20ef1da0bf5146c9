"""How old a preview is that comes over a slow link: ``python -m tests.bench.slow_link``."""

import asyncio
from dataclasses import dataclass

from inference.wire import PreviewPacket
from tests.bench.crowd import Crowd, gather, serving
from tests.bench.fanout import ACK
from tests.bench.figures import RUNS, Figure, percentile, table
from tests.bench.previews import MADE_HZ, PACKET_BYTES, enter_narrow, room_of
from tests.helpers.studio import Studio

LINK_BYTES_S = 200_000
FLOOD_HZ = 20.0
"""Three times what the link carries: rooms have no such rate, but whatever is in the way of old packets shows."""
FLOOD, MADE = 100, 20
LARGE_BYTES = 160_000
"""What ``inference.previews`` says of the largest."""


@dataclass(frozen=True)
class Flow:
    """Previews that a room makes."""

    packets: int
    rate_hz: float
    size_bytes: int = PACKET_BYTES


async def _ages(crowd: Crowd, flow: Flow) -> list[int]:
    """How many packets behind the newest each preview is when it has come over a slow link."""
    viewer = await enter_narrow(crowd, crowd.cookies[0])
    ages = []
    async with room_of(crowd) as room:
        playing = asyncio.create_task(room.play(flow.packets, flow.rate_hz, flow.size_bytes))
        while not playing.done():
            try:
                message = await asyncio.wait_for(viewer.recv(), 1)
            except TimeoutError:
                break
            if isinstance(message, bytes):
                # The link: what has come took so long, and meanwhile nothing else did.
                await asyncio.sleep(len(message) / LINK_BYTES_S)
                ages.append(room.step - PreviewPacket.decode(message).step)
                await viewer.send(ACK)
        await playing
    viewer.transport.abort()
    return ages


def _runs(crowd: Crowd, flow: Flow) -> list[list[int]]:
    return [asyncio.run(_ages(crowd, flow)) for _ in range(RUNS)]


def figures(studio: Studio) -> list[Figure]:
    """A viewer at 200 KB/s: of previews at three times that, at the product's rate, and of the largest at that rate."""
    crowd = gather(studio, 1, "viewer")
    return [_flooded(crowd), _as_made(crowd, MADE_HZ, PACKET_BYTES, 2.0), _as_made(crowd, MADE_HZ, LARGE_BYTES, None)]


def _flooded(crowd: Crowd) -> Figure:
    runs = _runs(crowd, Flow(FLOOD, FLOOD_HZ))
    carried_hz = LINK_BYTES_S / PACKET_BYTES
    ages = [percentile([float(age) for age in run], 0.5) for run in runs]
    detail = (
        f"of {FLOOD_HZ:g} made a second the link carries {carried_hz:.1f}: an age of "
        f"{percentile(ages, 0.5):g} made is so many of those; at most {max(map(max, runs))} made"
    )
    carried = [age * carried_hz / FLOOD_HZ for age in ages]
    return Figure.of_runs(
        "viewer at 200 KB/s: a preview's age when shown, in packets of that link", carried, "", 2.0, detail
    )


def _as_made(crowd: Crowd, rate_hz: float, size_bytes: int, target: float | None) -> Figure:
    """The oldest of each run, in packets made."""
    runs = _runs(crowd, Flow(MADE, rate_hz, size_bytes))
    shown = [len(run) for run in runs]
    detail = f"the oldest of a run, in packets made; {min(shown)} to {max(shown)} shown of {MADE}"
    name = f"viewer at 200 KB/s: age of previews of {size_bytes // 1000} KB made at {rate_hz:g} a second"
    return Figure.of_runs(name, [max(run) for run in runs], "", target, detail)


def main() -> None:
    """Print the figures."""
    with serving() as studio:
        print(table(figures(studio)))


if __name__ == "__main__":
    main()
