"""Work that is done once for all who ask for it at about the same time."""

import asyncio
from collections.abc import Callable, Hashable, Set
from dataclasses import dataclass
from typing import Generic, TypeVar

from studio import trace
from studio.live.threads import in_thread

K = TypeVar("K", bound=Hashable)
A = TypeVar("A", bound=Hashable)
T = TypeVar("T")


@dataclass
class _Batch(Generic[A, T]):
    askers: list[A]
    task: "asyncio.Task[T]"


class Shared(Generic[K, A, T]):
    """Calls ``work(key, askers)`` in a thread, for each key one call at a time, of all keys as many as ``places`` has.

    Whoever asks gets the result of a call that began after they asked: of the next one, when one is running.
    """

    def __init__(self, work: Callable[[K, Set[A]], T], places: asyncio.Semaphore) -> None:
        self._work, self._places = work, places
        self._next: dict[K, _Batch[A, T]] = {}
        self._running: dict[K, asyncio.Task[T]] = {}

    async def ask(self, key: K, asker: A) -> T:
        """The result for this key, of a call in whose askers this one is.

        Raises:
            Exception: whatever the work raises, for all who asked.
        """
        batch = self._next.get(key)
        if batch is None:
            task = asyncio.create_task(self._do(key, self._running.get(key)), context=trace.only())
            batch = self._next[key] = _Batch([], task)
        batch.askers.append(asker)
        try:
            return await asyncio.shield(batch.task)
        except asyncio.CancelledError:
            batch.askers.remove(asker)
            raise

    async def _do(self, key: K, before: "asyncio.Task[T] | None") -> T:
        if before is not None:
            await asyncio.wait([before])
        async with self._places:
            batch = self._next.pop(key)
            self._running[key] = batch.task
            try:
                return await in_thread(self._work, key, frozenset(batch.askers))
            finally:
                del self._running[key]
