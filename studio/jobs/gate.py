"""Who may be rendered beside whom in one worker process."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager


class Gate:
    """Lets attempts in side by side, or one alone.

    One that is to be alone waits until those inside have ended; who comes after it waits behind it.
    """

    def __init__(self) -> None:
        self._changed = asyncio.Event()
        self._inside = 0
        self._alone = 0
        """Those that are alone inside, or wait to be."""

    @asynccontextmanager
    async def entered(self, *, alone: bool) -> AsyncIterator[None]:
        """Wait to be let in; the block's end lets the next in."""
        if alone:
            self._alone += 1
        try:
            await self._wait(lambda: not self._inside if alone else not self._alone)
            self._inside += 1
            try:
                yield
            finally:
                self._inside -= 1
        finally:
            if alone:
                self._alone -= 1
            self._wake()

    async def _wait(self, is_open: Callable[[], bool]) -> None:
        while not is_open():
            self._changed.clear()
            await self._changed.wait()

    def _wake(self) -> None:
        self._changed.set()
