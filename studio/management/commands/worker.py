"""``manage.py worker``: one process that renders takes, its model loaded once and kept warm."""

import asyncio
import logging
import os
import signal
import sys
import time
import uuid
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from studio.jobs import nodes, tasks, worker
from studio.jobs.reports import Renderer


def _exit(number: int, frame: FrameType | None) -> None:
    """Until takes are taken there is nothing to give back."""
    sys.exit(0)


class Command(BaseCommand):
    """Loads the model, then works until SIGTERM."""

    help = "Render takes: loads the model of RUSHES_MODEL and works through the queue."

    def handle(self, *args: Any, **options: Any) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _exit)
        begun = time.monotonic()
        self._say(f"· Worker: loading the model {settings.RUSHES_MODEL}")
        node_id = uuid.uuid4()
        nodes.loading(node_id)
        renderer = self._load()

        def ready() -> None:
            self._say(f"· Worker is ready: {renderer.device} ({time.monotonic() - begun:.1f} s)")

        if not asyncio.run(worker.run(renderer, node_id, ready)):
            logging.shutdown()
            # An ordinary exit would wait for the renderer's threads.
            os._exit(0)

    def _load(self) -> Renderer:
        try:
            return tasks.load_renderer()
        except Exception as error:
            # Whatever a model's files can break: the sentence says it, the supervisor tries again.
            code, message = getattr(error, "code", "model.broken"), str(error)
            starts = nodes.failed_start(code, message)
            raise CommandError(f"the model could not be loaded (start {starts}): {message} [{code}]") from error

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
