"""``manage.py worker``: one process that renders takes, its model loaded once and kept warm."""

import asyncio
import logging
import os
import signal
import sys
import time
import uuid
from collections.abc import Callable
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from studio import pools
from studio.jobs import nodes, tasks, worker
from studio.jobs.reports import Renderer

logger = logging.getLogger(__name__)


def _exit(number: int, frame: FrameType | None) -> None:
    """Until takes are taken there is nothing to give back."""
    sys.exit(0)


async def _until_stopped(renderer: Renderer, node_id: uuid.UUID, ready: Callable[[], None]) -> None:
    """Work, and end the process. An ordinary exit, and already the loop's own end, would wait for threads: the
    renderer's at a step, and any that a store keeps waiting which takes a connection and says nothing.
    """
    code = 0
    try:
        await worker.run(renderer, node_id, ready)
    except Exception:
        logger.exception("the worker failed")
        code = 1
    logging.shutdown()
    sys.stdout.flush()
    os._exit(code)


class Command(BaseCommand):
    """Loads the model, then works until SIGTERM."""

    help = "Render takes: loads the model of RUSHES_MODEL and works through the queue."

    def handle(self, *args: Any, **options: Any) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _exit)
        begun = time.monotonic()
        pools.for_worker()
        self._say(f"· Worker: loading the model {settings.RUSHES_MODEL}")
        node_id = uuid.uuid4()
        nodes.loading(node_id)
        connections.close_all()  # a model may take minutes to load
        renderer = self._load()

        def ready() -> None:
            self._say(f"· Worker is ready: {renderer.device} ({time.monotonic() - begun:.1f} s)")

        asyncio.run(_until_stopped(renderer, node_id, ready))

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
