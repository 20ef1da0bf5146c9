"""Database work of the sockets, off the event loop."""

import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from channels.db import database_sync_to_async

P = ParamSpec("P")
T = TypeVar("T")


class Threads(ThreadPoolExecutor):
    """Threads of which one can know whether they get anything done."""

    def __init__(self, count: int) -> None:
        super().__init__(count, thread_name_prefix="live")
        self._ended = threading.Condition()
        self._ended_count = 0

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        future = super().submit(fn, *args, **kwargs)
        future.add_done_callback(self._note)
        return future

    def await_end(self, timeout_s: float) -> bool:
        """Whether any work ends within the time; some is added, so that there is some."""
        with self._ended:
            before = self._ended_count
        turn = self.submit(int)
        with self._ended:
            has_ended = self._ended.wait_for(lambda: self._ended_count > before, timeout_s)
        turn.cancel()
        return has_ended

    def _note(self, future: "Future[T]") -> None:
        if future.cancelled():
            return
        with self._ended:
            self._ended_count += 1
            self._ended.notify_all()


# Channels' default is one thread for the whole process, where one slow query holds up every socket. Each thread
# holds a connection to Postgres while it works, so there are few.
THREADS = 4
_THREADS = Threads(THREADS)


_CHECKS = Threads(1)


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function that uses the database, in a thread."""
    call: Callable[P, Awaitable[T]] = database_sync_to_async(function, thread_sensitive=False, executor=_THREADS)
    return await call(*args, **kwargs)


async def in_guards_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The same, in the one thread that checks who may stay: no work of anybody's is before it."""
    call: Callable[P, Awaitable[T]] = database_sync_to_async(function, thread_sensitive=False, executor=_CHECKS)
    return await call(*args, **kwargs)


def await_life(timeout_s: float) -> int:
    """How many threads there are, once one of them has ended something. However much waits, that is soon.

    Raises:
        TimeoutError: all of them are at work, and some of that perhaps for ever.
    """
    if not _THREADS.await_end(timeout_s):
        raise TimeoutError(f"expected a thread to end something within {timeout_s} s")
    return THREADS
