"""The studio's own rows, read beside the browser.

Playwright keeps an event loop running in the test's thread, where Django refuses to query: each question is asked
in a thread of its own.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from django.db import connections
from pycrdt import Doc, Map

from studio.models import DocumentSnapshot, DocumentUpdate, Take
from tests.helpers.studio import HasDatabase

Value = TypeVar("Value")


@contextmanager
def database_of(server: HasDatabase, blocker: Any) -> Iterator[None]:
    """Point Django's models at the studio's database; ``blocker`` is pytest-django's."""
    query = parse_qs(urlsplit(server.database_url).query)
    values = {"NAME": "rushes", "HOST": query["host"][0], "USER": query["user"][0]}
    database = connections.databases["default"]
    before = {key: database[key] for key in values}
    database.update(values)
    with blocker.unblock():
        yield
    database.update(before)


def ask(question: Callable[[], Value]) -> Value:
    """The answer of a function that uses Django's models."""

    def run() -> Value:
        try:
            return question()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result()


def takes_of(project_id: str) -> list[Take]:
    """The takes that people asked for in a project, in that order; not those that a guest's project begins with."""
    asked = Take.objects.filter(project_id=project_id, requested_by__isnull=False).order_by("created_at")
    return ask(lambda: list(asked))


def durable_prompts(project_id: str) -> list[str]:
    """The prompts that a database restored now would give back."""
    return ask(lambda: _prompts(UUID(project_id)))


def _prompts(project_id: UUID) -> list[str]:
    doc: Doc[Map[Map[object]]] = Doc()
    shots = doc.get("shots", type=Map)
    for state in DocumentSnapshot.objects.filter(project_id=project_id).values_list("state", flat=True):
        doc.apply_update(bytes(state))
    updates = DocumentUpdate.objects.filter(project_id=project_id).order_by("id")
    for payload in updates.values_list("payload", flat=True):
        doc.apply_update(bytes(payload))
    return [str(shot["prompt"]) for shot in shots.values()]
