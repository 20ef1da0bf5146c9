"""What the keeper costs: ``python -m tests.bench.document_check`` prints microseconds an update, pipe included.

Editors each send 5 updates a second; what comes within the room's window is one batch.
"""

import asyncio
import os
import platform
import time
from uuid import uuid4

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
django.setup()

from studio.live.document_room import WINDOW_S  # noqa: E402
from studio.live.keeper_client import KeeperClient  # noqa: E402
from studio.live.prescan import EMPTY  # noqa: E402
from tests.helpers.yjs import Writers  # noqa: E402

RATE_HZ = 5
BATCHES = 60


async def _measure(keeper: KeeperClient, editors: int, history: int) -> tuple[float, float, int]:
    writers = Writers(count=editors, seed=1)
    writers.write(history)
    room, batch = uuid4(), max(1, round(editors * RATE_HZ * WINDOW_S))
    await keeper.load(room, EMPTY, writers.log)
    batches = [writers.write(batch) for _ in range(BATCHES)]
    started = time.perf_counter()
    for updates in batches:
        await keeper.check(room, updates)
    took_s = time.perf_counter() - started
    _vector, state = await keeper.diff(room, b"\x00")
    return took_s / BATCHES, took_s / BATCHES / batch, len(state)


async def main() -> None:
    """Print the table."""
    keeper = KeeperClient()
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"{'editors':>8} {'edits before':>13} {'state bytes':>12} {'us/batch':>9} {'us/update':>10}")
    for history in (0, 500, 3000):
        for editors in (1, 10, 50):
            batch_s, update_s, size = await _measure(keeper, editors, history)
            print(f"{editors:8} {history:13} {size:12} {batch_s * 1e6:9.0f} {update_s * 1e6:10.0f}")
    await keeper.close()


if __name__ == "__main__":
    asyncio.run(main())
