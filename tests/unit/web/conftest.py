"""What the tests of pages share."""

from collections.abc import Callable, Iterator

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import translation

from studio.models import User
from tests.factories import Cast

Enter = Callable[[User | None], Client]


@pytest.fixture(autouse=True)
def fresh_limits() -> None:
    """Rate limits count in Valkey; each test begins with none used."""
    cache.clear()


@pytest.fixture(autouse=True)
def own_language() -> Iterator[None]:
    """What a page was asked for in stays with its thread: the next test begins in the usual language again."""
    yield
    translation.deactivate()


@pytest.fixture
def cast(db: None) -> Cast:
    return Cast()


@pytest.fixture
def enter() -> Enter:
    """A browser of that person; of nobody for None."""

    def make(person: User | None) -> Client:
        client = Client()
        if person is not None:
            client.force_login(person)
        return client

    return make
