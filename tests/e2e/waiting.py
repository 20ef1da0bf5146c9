"""Waiting for what no locator can see, with a deadline."""

import json
import time
import urllib.request
from collections.abc import Callable
from typing import TypeVar

from tests.helpers.studio import Studio

Value = TypeVar("Value")
PAUSE_S = 0.05


def until(read: Callable[[], Value], holds: Callable[[Value], object] = bool, *, timeout_s: float = 20.0) -> Value:
    """Read again and again until it holds; the value that did.

    Raises:
        AssertionError: it did not hold before the deadline; the last value is named.
    """
    deadline = time.monotonic() + timeout_s
    while not holds(value := read()):
        assert time.monotonic() < deadline, f"not within {timeout_s:.0f} s; at last: {value!r}"
        time.sleep(PAUSE_S)
    return value


def await_worker(studio: Studio) -> None:
    """Wait until a worker has loaded its model."""

    def alive() -> int:
        with urllib.request.urlopen(f"{studio.url}/readyz", timeout=5) as response:
            return int(json.load(response)["workers"] or 0)

    until(alive, timeout_s=60)
