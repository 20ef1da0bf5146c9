"""Gives a process a pool of connections. Without one, each query from an event loop makes a connection anew."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import connections


def for_web() -> None:
    """Have the threads of this process share connections to Postgres, none of which waits or works for long.

    Before the first of them asks anything.
    """
    _pool(pool=settings.WEB_POOL, limits=settings.WEB_LIMITS)


def for_worker() -> None:
    """The same for a worker, whose work may take longer. Before it asks anything."""
    _pool(pool=settings.WORKER_POOL)


def _pool(**options: Mapping[str, Any]) -> None:
    connections.settings["default"]["OPTIONS"] |= options
