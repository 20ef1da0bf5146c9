"""What these tests write, and what of it is in the database."""

from typing import Any

from channels.db import database_sync_to_async

from studio.models import DocumentUpdate, QuarantinedUpdate
from tests.factories import Cast
from tests.helpers.document import Client

SEED = "a red ball bounces at sunset"
"""The prompt that the shot begins with."""


def type_at_start(client: Client, shot: str, text: str) -> bytes:
    return client.edit(lambda: client.prompt(shot).insert(0, text))


async def in_database(function: Any, *args: Any) -> Any:
    return await database_sync_to_async(function)(*args)


async def rows(cast: Cast) -> list[bytes]:
    def read() -> list[bytes]:
        updates = DocumentUpdate.objects.filter(project=cast.project).order_by("pk")
        return [bytes(payload) for payload in updates.values_list("payload", flat=True)]

    result: list[bytes] = await database_sync_to_async(read)()
    return result


async def quarantined() -> list[tuple[bytes, int | None, str]]:
    def read() -> list[tuple[bytes, int | None, str]]:
        return [(bytes(row.payload), row.user_id, row.reason) for row in QuarantinedUpdate.objects.all()]

    result: list[tuple[bytes, int | None, str]] = await in_database(read)
    return result
