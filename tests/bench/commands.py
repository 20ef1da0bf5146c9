"""What a command on a room socket costs the database: ``python -m tests.bench.commands``.

One editor renames the project a hundred times, one command after the other, while another hears of each; and that RUNS
times.
"""

import asyncio
import json
import statistics
import time
from uuid import uuid4

from websockets.asyncio.client import ClientConnection

from tests.bench.crowd import Crowd, gather, serving
from tests.bench.figures import RUNS, Figure, percentile, table
from tests.helpers import sessions
from tests.helpers.studio import Studio

COMMANDS = 100


async def _rename(crowd: Crowd) -> list[float]:
    """Milliseconds from each command to its event at the other socket."""
    editor, other = await crowd.enter(crowd.cookies[0]), await crowd.enter(crowd.cookies[1])
    drain = asyncio.create_task(_drain(editor))
    waits = []
    for number in range(COMMANDS):
        title = uuid4().hex
        begun = time.perf_counter()
        command = {"type": "project.rename", "v": 1, "id": str(number), "title": title}
        await editor.send(json.dumps(command))
        while title not in str(await other.recv()):
            pass
        waits.append((time.perf_counter() - begun) * 1e3)
    await asyncio.gather(editor.close(), other.close())
    await drain
    return waits


async def _drain(socket: ClientConnection) -> None:
    async for _ in socket:
        pass


def figures(studio: Studio) -> list[Figure]:
    """Connections opened for a hundred commands, and how long one takes to the other screen."""
    crowd = gather(studio, 2)
    asyncio.run(_rename(crowd))
    runs = [_counted(crowd) for _ in range(RUNS)]
    middle, late = ([percentile(waits, share) for _, _, waits in runs] for share in (0.5, 0.95))
    detail = f"in {statistics.median(taken_s for _, taken_s, _ in runs):.1f} s"
    return [
        Figure.of_runs(
            f"connections to Postgres for {COMMANDS} commands", [opened for opened, _, _ in runs], "", 5, detail
        ),
        Figure.of_runs("command to its event on another socket, p50", middle, "ms", None),
        Figure.of_runs("command to its event on another socket, p95", late, "ms", 50.0),
    ]


def _counted(crowd: Crowd) -> tuple[int, float, list[float]]:
    """Connections opened for a hundred commands, their seconds, and the milliseconds of each."""
    before, begun = sessions.opened(), time.monotonic()
    waits = asyncio.run(_rename(crowd))
    return sessions.opened() - before, time.monotonic() - begun, waits


def main() -> None:
    """Print the figures."""
    with serving() as studio:
        print(table(figures(studio)))


if __name__ == "__main__":
    main()
