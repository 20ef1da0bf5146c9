"""A web process as any other, but that its clocks go forward by more than a day at SIGUSR1."""

import os
import signal
import sys
import time
from types import FrameType

LATER_S = 25 * 3600.0
SAID = "a day later"
_time, _monotonic = time.time, time.monotonic
_moved_s = 0.0


def _move(number: int, frame: FrameType | None) -> None:
    global _moved_s
    _moved_s += LATER_S
    os.write(2, f"{SAID}\n".encode())


def _now() -> float:
    return _time() + _moved_s


def _monotonic_now() -> float:
    return _monotonic() + _moved_s


if __name__ == "__main__":
    # Before anything else has taken either function by its name.
    time.time, time.monotonic = _now, _monotonic_now
    signal.signal(signal.SIGUSR1, _move)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(["manage.py", "serve", *sys.argv[1:]])
