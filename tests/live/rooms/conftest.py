"""A studio without a worker, and its cast: what every test of a room socket needs."""

import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import redis.asyncio
from django.conf import settings

from studio.live import broadcast
from tests.conftest import _database_of
from tests.factories import Cast
from tests.helpers.studio import Studio

SignIn = Callable[[Any], str]


@pytest.fixture(scope="module")
def studio(django_db_setup: None, django_db_blocker: Any) -> Iterator[Studio]:
    """A studio in which nothing renders, so that a test says itself what a worker would say."""
    server = Studio(RUSHES_WORKERS="0", RUSHES_SECRET_KEY=settings.SECRET_KEY).start()
    with _database_of(server, django_db_blocker):
        yield server
    server.stop()
    assert "Traceback" not in server.tail(1_000_000), server.tail()
    shutil.rmtree(server.data, ignore_errors=True)


@pytest.fixture(autouse=True)
def said_to_the_studio(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What this process commits is said on the studio's Valkey."""
    monkeypatch.setattr(settings, "REDIS_URL", studio.redis_url)
    broadcast._client.cache_clear()
    yield
    broadcast._client().close()
    broadcast._client.cache_clear()


@pytest.fixture
async def valkey(studio: Studio) -> AsyncIterator["redis.asyncio.Redis"]:
    client: redis.asyncio.Redis = redis.asyncio.Redis.from_url(studio.redis_url)
    yield client
    await client.aclose()


@pytest.fixture
def cast(studio: Studio) -> Cast:
    return Cast()


@pytest.fixture
def cookies(cast: Cast, sign_in: SignIn) -> dict[str, str]:
    return {part: sign_in(person) for part, person in cast.everybody.items()}
