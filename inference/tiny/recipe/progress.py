"""One line for each thing that happens, readable by a person and by a program."""

import sys
import time

_STARTED_S = time.monotonic()


def say(stage: str, **facts: object) -> None:
    """Print ``stage name=value …`` with the seconds since the start."""
    words = " ".join(f"{name}={_short(value)}" for name, value in facts.items())
    sys.stdout.write(f"{time.monotonic() - _STARTED_S:8.1f}s {stage:<10} {words}\n")
    sys.stdout.flush()


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
