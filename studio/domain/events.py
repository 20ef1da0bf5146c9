"""Room events: a numbered row in the caller's transaction, published when it commits."""

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F

from studio.models import Project, RoomEvent

REPLAY_LIMIT, REPLAY_BYTES = 500, 256 * 1024
"""A client that missed more than this gets a fresh snapshot instead of a replay. Events that tell of the whole
storyboard add up: 30 of 200 shots are 1 MB, and the room as it is now far less."""
_PAGE = 25


@dataclass(frozen=True)
class Event:
    """One event as it goes out."""

    project_id: UUID
    seq: int
    type: str
    payload: dict[str, Any]


_publishers: list[Callable[[Event], None]] = []


def on_publish(publisher: Callable[[Event], None]) -> None:
    """Have ``publisher`` called with every event once its transaction has committed."""
    _publishers.append(publisher)


def record(project_id: UUID, type_: str, payload: dict[str, Any]) -> Event:
    """Write an event in the running transaction; it is published on commit.

    The project's row lock is taken here, so numbers have no gaps and commit in order. Take it last.
    """
    assert connection.in_atomic_block, "events are recorded inside the transaction that they tell of"
    Project.objects.filter(pk=project_id).update(event_seq=F("event_seq") + 1)
    seq = Project.objects.values_list("event_seq", flat=True).get(pk=project_id)
    RoomEvent.objects.create(project_id=project_id, seq=seq, type=type_, payload=payload)
    event = Event(project_id, seq, type_, payload)
    transaction.on_commit(lambda: _publish(event))
    return event


def _publish(event: Event) -> None:
    for publisher in _publishers:
        publisher(event)


def newest(project_id: UUID) -> int:
    """The number of a project's last event; 0 before the first."""
    return Project.objects.values_list("event_seq", flat=True).get(pk=project_id)


def newest_of(project_ids: Collection[UUID]) -> dict[UUID, int]:
    """The same for many projects at once."""
    return dict(Project.objects.filter(pk__in=project_ids).values_list("pk", "event_seq"))


def since(project_id: UUID, last_seq: int) -> list[Event] | None:
    """Events after ``last_seq`` in order, or None when they are more than the two limits above, or some are gone.

    Read page by page: 500 events of the longest storyboard are 140 MB.
    """
    last = newest(project_id)
    if last - last_seq > REPLAY_LIMIT or last_seq > last:
        return None
    events: list[Event] = []
    size_bytes = 0
    while page := _after(project_id, events[-1].seq if events else last_seq):
        size_bytes += sum(len(json.dumps(event.payload, ensure_ascii=False).encode()) for event in page)
        if size_bytes > REPLAY_BYTES:
            return None
        events += page
    return events if len(events) >= last - last_seq else None


def _after(project_id: UUID, seq: int) -> list[Event]:
    rows = RoomEvent.objects.filter(project_id=project_id, seq__gt=seq).order_by("seq")[:_PAGE]
    return [Event(project_id, row.seq, row.type, row.payload) for row in rows]


_document_publishers: list[Callable[[UUID, bytes], None]] = []


def on_document(publisher: Callable[[UUID, bytes], None]) -> None:
    """Have ``publisher`` called with every update that the rules themselves add to a document, on commit."""
    _document_publishers.append(publisher)


def publish_document(project_id: UUID, update: bytes) -> None:
    """Tell that ``update`` is part of the project's document once the running transaction has committed."""
    transaction.on_commit(lambda: _publish_document(project_id, update))


def _publish_document(project_id: UUID, update: bytes) -> None:
    for publisher in _document_publishers:
        publisher(project_id, update)
