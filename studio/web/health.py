"""Is the process up, and is all that it needs there? For load balancers and people on call."""

import logging
import os
from http import HTTPStatus
from pathlib import Path

import redis
from django.conf import settings
from django.core.files.storage import default_storage
from django.db import Error as DatabaseError
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from studio.domain import offers

logger = logging.getLogger(__name__)

PROBE_TIMEOUT_S = 1.0
MIN_FREE_BYTES = 64 * 1024 * 1024
"""Less free than this and the next clips will not fit."""


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """The process answers; nothing else is asked."""
    return JsonResponse({"status": "up"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """What the web process stands on. No worker is worth knowing but no reason to take the pages away."""
    parts = {"postgres": _postgres(), "redis": _redis(), "storage": _storage()}
    ready = all(parts.values())
    report = {name: "up" if up else "down" for name, up in parts.items()}
    workers = offers.workers_alive() if parts["postgres"] else None
    return JsonResponse(
        {"status": "ready" if ready else "not ready", **report, "workers": workers},
        status=HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE,
    )


def _postgres() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        logger.exception("postgres does not answer")
        return False
    return True


def _redis() -> bool:
    client = redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=PROBE_TIMEOUT_S, socket_connect_timeout=PROBE_TIMEOUT_S
    )
    try:
        return bool(client.ping())
    except redis.RedisError:
        logger.exception("redis does not answer")
        return False
    finally:
        client.close()


def _storage() -> bool:
    try:
        folder = Path(default_storage.path(""))
    except NotImplementedError:
        return _bucket()
    existing = next(p for p in (folder, *folder.parents) if p.exists())
    disk = os.statvfs(existing)
    return os.access(existing, os.W_OK) and disk.f_bavail * disk.f_frsize >= MIN_FREE_BYTES


def _bucket() -> bool:
    try:
        default_storage.exists("readyz")
    except Exception:  # the store's client raises what it likes; whatever it is, the bucket cannot be used
        logger.exception("the object store does not answer")
        return False
    return True
