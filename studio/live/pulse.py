"""A sign of life for whoever started this process: a byte a second, for as long as the event loop comes round."""

import asyncio
import contextlib
import os

INTERVAL_S = 1.0


async def pulse(descriptor: int) -> None:
    """Write to a pipe until its reader is gone. A reader that is late finds it full, which is no matter."""
    os.set_blocking(descriptor, False)
    with contextlib.suppress(BrokenPipeError):
        while True:
            with contextlib.suppress(BlockingIOError):
                os.write(descriptor, b".")
            await asyncio.sleep(INTERVAL_S)
