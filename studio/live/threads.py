"""Database work of the sockets, off the event loop."""

from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from channels.db import database_sync_to_async
from django.conf import settings
from django.db import connections

P = ParamSpec("P")
T = TypeVar("T")

# Channels' default is one thread for the whole process, where one slow query holds up every socket. Each thread
# holds a connection to Postgres while it works, so there are few.
THREADS = 4
_THREADS = ThreadPoolExecutor(THREADS, thread_name_prefix="live")


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function that uses the database, in a thread."""
    call: Callable[P, Awaitable[T]] = database_sync_to_async(function, thread_sensitive=False, executor=_THREADS)
    return await call(*args, **kwargs)


def pool_connections() -> None:
    """Have the threads of this process share connections to Postgres, none of which waits or works for long.

    Before the first of them asks anything.
    """
    connections.settings["default"]["OPTIONS"] |= {"pool": settings.WEB_POOL, "limits": settings.WEB_LIMITS}


def await_free(timeout_s: float) -> int:
    """How many threads there are, once one of them is free.

    Raises:
        TimeoutError: all of them are at work, and some of that perhaps for ever.
    """
    turn = _THREADS.submit(int)
    try:
        turn.result(timeout_s)
    finally:
        turn.cancel()
    return THREADS
