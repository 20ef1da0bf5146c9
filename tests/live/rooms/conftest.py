"""A studio without a worker: what every test of a room socket needs."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import redis.asyncio
from django.conf import settings

from studio.live import broadcast
from tests.helpers.studio import Studio, running_with_rows


@pytest.fixture(scope="module")
def studio(django_db_setup: None, django_db_blocker: Any) -> Iterator[Studio]:
    """A studio in which nothing renders, so that a test says itself what a worker would say."""
    with running_with_rows(django_db_blocker, RUSHES_WORKERS="0") as server:
        yield server
        server.stop()
        assert "Traceback" not in server.tail(1_000_000), server.tail()


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
