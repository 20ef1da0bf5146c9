"""A project with a document, on a real Postgres, Valkey and keeper."""

from collections.abc import AsyncIterator

import pytest

from studio.domain.access import Access, enter
from studio.live import document, hub, keeper_client
from tests.factories import Cast


@pytest.fixture(autouse=True)
async def processes(cast: Cast) -> AsyncIterator[None]:
    """What a web process has one of, for this test's loop."""
    yield
    await document.rooms().close()
    await keeper_client.get().close()
    await hub.get().close()


@pytest.fixture
def editor(cast: Cast) -> Access:
    return enter(cast.editor, cast.project.pk)


@pytest.fixture
def owner(cast: Cast) -> Access:
    return enter(cast.owner, cast.project.pk)


@pytest.fixture
def viewer(cast: Cast) -> Access:
    return enter(cast.viewer, cast.project.pk)


@pytest.fixture
def shot(cast: Cast) -> str:
    return str(cast.shots[0].pk)
