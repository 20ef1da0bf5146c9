"""The cast of a running studio, signed in, and what it asks for."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.factories import Cast
from tests.helpers.studio import Studio
from tests.live.rooms.client import request


@pytest.fixture
def cast(studio: Studio) -> Cast:
    return Cast()


@pytest.fixture
def cookies(cast: Cast, sign_in: Callable[[Any], str]) -> dict[str, str]:
    return {part: sign_in(person) for part, person in cast.everybody.items()}


@pytest.fixture
def cookie(cookies: dict[str, str]) -> str:
    """The editor's."""
    return cookies["editor"]


@pytest.fixture
def asked(cast: Cast) -> Callable[..., dict[str, Any]]:
    """The fields of a take.request for the first shot, each time with a key of its own."""
    return partial(request, cast.shots[0].pk)
