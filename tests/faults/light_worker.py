"""A worker process as any other, but for its renderer: that one makes a clip of nothing, and obeys two words."""

import os
import signal
import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

import django
from django.core.management import execute_from_command_line

from inference.wire import Finished, Job, Report, Started

POISON, SLOW = "poison", "slow"
SLOW_S = 2.0
CLIP = b"clip " * 200


class LightRenderer:
    """Stands in for the engine, which no known prompt can kill, and which takes seconds to load."""

    device = "none"

    def __init__(self) -> None:
        from tests.factories import MANIFEST

        self.manifest: dict[str, Any] = MANIFEST

    def submit(self, job: Job, sink: Callable[[Report], None], state: bytes | None = None) -> None:
        if POISON in job.prompt:
            os.kill(os.getpid(), signal.SIGKILL)
        sink(Started(job.prompt, 0, 4))
        clip = Finished(CLIP, b"poster", job.width, job.height, job.frames, 8, 16000, "Light", job.prompt, 1, ())
        threading.Timer(SLOW_S if SLOW in job.prompt else 0.0, sink, [clip]).start()

    def cancel(self, take_id: UUID) -> None:
        """Nothing runs for longer than ``submit`` does."""

    def close(self) -> None:
        """Nothing to end."""


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    from studio.jobs import tasks

    tasks.load_renderer = LightRenderer
    execute_from_command_line(["manage.py", "worker"])
