"""Hears what goes to one room on Valkey: events and previews, each with the moment it came."""

import json
import time
from collections.abc import Callable
from typing import Any, Protocol

import redis

from inference.wire import PreviewPacket
from studio.live import groups
from studio.models import Take
from tests.factories import Cast


class Source(Protocol):
    """A studio."""

    @property
    def redis_url(self) -> str: ...


class Ear:
    """Hears all that goes to one room, from the moment it is made."""

    def __init__(self, studio: Source, cast: Cast) -> None:
        self._redis = redis.Redis.from_url(studio.redis_url)
        self._subscription = self._redis.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
        self._subscription.subscribe(groups.room(cast.project.pk))
        self._subscription.get_message(timeout=5)
        self.packets: list[tuple[float, PreviewPacket]] = []
        self.events: list[tuple[float, dict[str, Any]]] = []

    def until(self, what: Callable[[], bool], within_s: float) -> None:
        """Listen until ``what`` holds."""
        deadline_s = time.monotonic() + within_s
        while not what():
            assert time.monotonic() < deadline_s, f"not within {within_s} s; heard {self.types()}"
            self._hear(self._subscription.get_message(timeout=0.5))

    def until_event(self, take: Take, type_: str, within_s: float, attempt: int = 0) -> float:
        """Listen until a take's event comes, of that attempt or a later one; the moment it came."""
        found: list[float] = []

        def heard() -> bool:
            theirs = [(at, event) for at, event in self.events if event.get("take", {}).get("id") == str(take.pk)]
            found[:] = [at for at, event in theirs if event["type"] == type_ and event["take"]["attempt"] >= attempt]
            return bool(found)

        self.until(heard, within_s)
        return found[0]

    def types(self) -> list[str]:
        return [event["type"] for _, event in self.events]

    def steps(self, take: Take) -> list[int]:
        return [packet.step for _, packet in self.packets if packet.take_id == take.pk]

    def close(self) -> None:
        self._subscription.close()
        self._redis.close()

    def _hear(self, message: Any) -> None:
        if message is None:
            return
        data, now = message["data"], time.monotonic()
        if data.startswith(groups.PREVIEW):
            self.packets.append((now, PreviewPacket.decode(data)))
        elif data.startswith(groups.EVENT):
            self.events.append((now, json.loads(data)))
