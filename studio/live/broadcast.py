"""Says to every web process what has just been committed. Synchronous, for domain code's on-commit hooks.

A message that is lost is not lost for good: events are numbered rows, document updates are rows, and access is
checked again every 30 s. So a failure here is logged, never raised.
"""

import hashlib
import json
import logging
from functools import cache
from typing import Any
from uuid import UUID

import redis
from django.conf import settings

from studio.domain.events import Event
from studio.live import groups, protocol

logger = logging.getLogger(__name__)


def encode(message: dict[str, Any]) -> str:
    """A message as the text that goes over the wire."""
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))


def publish_event(event: Event) -> None:
    """Send a committed event to its room."""
    message = protocol.event_message(event.seq, event.type, event.payload)
    _publish(groups.room(event.project_id), encode(message).encode())


def publish_document(project_id: UUID, update: bytes, origin: bytes = groups.NOBODY) -> None:
    """Send a committed Yjs update to its room's documents."""
    _publish(groups.room(project_id), groups.DOCUMENT + origin + update)


def revoke_user(user_id: int) -> None:
    """Have every socket of a person checked again, now."""
    _publish(groups.REVOKED, f"user:{user_id}".encode())


def revoke_session(session_key: str) -> None:
    """Have every socket that was opened with a session checked again, now."""
    _publish(groups.REVOKED, f"session:{digest(session_key)}".encode())


def digest(session_key: str) -> str:
    """What stands for a session on Redis, where its key, which is a credential, must not be."""
    return hashlib.sha256(session_key.encode()).hexdigest()


@cache
def _client() -> "redis.Redis":
    """One pool for all threads. Two seconds bound what a lost Redis can cost a request."""
    client: redis.Redis = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)
    return client


def _publish(channel: str, data: bytes) -> None:
    try:
        _client().publish(channel, data)
    except redis.RedisError as error:
        logger.warning("not published on %s: %s", channel, error)
