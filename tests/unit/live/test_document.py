"""The document socket on a real Postgres, Valkey and keeper: rules D-7 and on of studio/live/SPEC.md."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from channels.db import database_sync_to_async

from studio.domain.access import Access, enter
from studio.live import document, hub, keeper_client
from studio.models import DocumentUpdate, User
from tests.factories import Cast
from tests.helpers.document import Client


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    return Cast()


@pytest.fixture(autouse=True)
async def processes(cast: Cast) -> AsyncIterator[None]:
    """What a web process has one of, for this test's loop."""
    yield
    await document.rooms().close()
    await keeper_client.get().close()
    await hub.get().close()


def access(cast: Cast, person: User) -> Access:
    return enter(person, cast.project.pk)


@pytest.fixture
def editor(cast: Cast) -> Access:
    return access(cast, cast.editor)


@pytest.fixture
def owner(cast: Cast) -> Access:
    return access(cast, cast.owner)


@pytest.fixture
def shot(cast: Cast) -> str:
    return str(cast.shots[0].pk)


async def rows(cast: Cast) -> list[bytes]:
    def read() -> list[bytes]:
        updates = DocumentUpdate.objects.filter(project=cast.project).order_by("pk")
        return [bytes(payload) for payload in updates.values_list("payload", flat=True)]

    result: list[bytes] = await database_sync_to_async(read)()
    return result


async def test_two_editors_converge(editor: Access, owner: Access, shot: str) -> None:
    one, two = await Client.joined(editor), await Client.joined(owner)
    assert one.text(shot) == "a red ball bounces at sunset"
    one.edit(lambda: one.prompt(shot).insert(0, "Slowly, "))
    two.edit(lambda: two.prompt(shot).insert(len(two.prompt(shot)), " by the sea"))
    await asyncio.gather(one.all_saved(), two.all_saved())
    expected = "Slowly, a red ball bounces at sunset by the sea"
    await one.until(lambda: one.text(shot) == expected)
    await two.until(lambda: two.text(shot) == expected)
    await asyncio.gather(one.leave(), two.leave())
