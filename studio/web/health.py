"""Is the process up, and is all that it needs there? For load balancers and people on call.

Each part is really used, as the studio uses it, on a thread of its own; whoever asks waits PROBE_TIMEOUT_S at most.
While a part hangs no second thread is sent after the first, and an answer holds for a second, so asking often costs
nothing.
"""

import logging
import os
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future, wait
from http import HTTPStatus
from pathlib import Path

import redis
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from studio.domain import offers

logger = logging.getLogger(__name__)

PROBE_TIMEOUT_S = 2.0
FRESH_S = 1.0
"""Anybody may ask, and each check writes a file: an answer is not sought again so soon."""
MIN_FREE_BYTES = 64 * 1024 * 1024
"""Less free than this and the next clips will not fit."""


class Probe:
    """One part of what the web process stands on. ``check`` raises what it likes when the part cannot be used."""

    def __init__(self, name: str, check: Callable[[], int]) -> None:
        self.name, self._check = name, check
        self._lock = threading.Lock()
        self._answer: Future[int] | None = None
        self._asked_s = 0.0

    def ask(self) -> "Future[int]":
        """The answer to come: of the check that runs or was begun just now, or of a new one."""
        with self._lock:
            is_fresh = time.monotonic() < self._asked_s + FRESH_S
            if self._answer is None or (self._answer.done() and not is_fresh):
                self._answer, self._asked_s = Future(), time.monotonic()
                self._begin(self._answer)
            return self._answer

    def _begin(self, answer: "Future[int]") -> None:
        # A daemon: a check that hangs must not keep the process from ending.
        thread = threading.Thread(target=self._run, args=(answer,), name=f"probe-{self.name}", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # the machine has no thread to give
            logger.warning("%s cannot be asked: %s", self.name, error)
            answer.set_exception(error)

    def _run(self, answer: "Future[int]") -> None:
        try:
            found = self._check()
        except Exception as error:
            logger.warning("%s cannot be used: %s", self.name, error)
            answer.set_exception(error)
        else:
            answer.set_result(found)


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """The process answers; nothing else is asked."""
    return JsonResponse({"status": "up"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """What the web process stands on. No worker is worth knowing but no reason to take the pages away."""
    answers = {probe.name: probe.ask() for probe in PROBES}
    found, _ = wait(answers.values(), PROBE_TIMEOUT_S)
    up = {name: answer in found and answer.exception() is None for name, answer in answers.items()}
    ready = all(up.values())
    return JsonResponse(
        {
            "status": "ready" if ready else "not ready",
            **{name: "up" if is_up else "down" for name, is_up in up.items()},
            "workers": answers["postgres"].result() if up["postgres"] else None,
        },
        status=HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE,
    )


def _postgres() -> int:
    """How many workers are alive: they say so in a table."""
    try:
        return offers.workers_alive()
    finally:
        # This thread's own connection, which nobody uses again.
        connection.close()


def _redis() -> int:
    options = {"socket_timeout": PROBE_TIMEOUT_S, "socket_connect_timeout": PROBE_TIMEOUT_S}
    with redis.Redis.from_url(settings.REDIS_URL, **options) as client:
        return int(client.ping())


def _storage() -> int:
    """Write a few bytes and read them back: a store that only lists what it has is of no use."""
    written = default_storage.save(f"health/{uuid.uuid4().hex}", ContentFile(b"here"))
    try:
        with default_storage.open(written) as file:
            size_bytes = len(file.read())
    finally:
        default_storage.delete(written)
    _check_room()
    return size_bytes


def _check_room() -> None:
    try:
        folder = Path(default_storage.path(""))
    except NotImplementedError:  # a bucket has no end
        return
    disk = os.statvfs(folder)
    free_bytes = disk.f_bavail * disk.f_frsize
    if free_bytes < MIN_FREE_BYTES:
        raise OSError(f"expected {MIN_FREE_BYTES} bytes of free disk, found {free_bytes}")


PROBES = [Probe("postgres", _postgres), Probe("redis", _redis), Probe("storage", _storage)]
"""The studio's application adds those of parts that pages do not know."""
