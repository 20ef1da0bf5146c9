"""Fixtures that every test may use."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore

from tests.helpers.studio import Studio, running_with_rows


@pytest.fixture(scope="module")
def studio(django_db_setup: None, django_db_blocker: Any) -> Iterator[Studio]:
    """A running studio. In tests that use it, Django's models read and write the studio's own database."""
    with running_with_rows(django_db_blocker) as server:
        yield server


@pytest.fixture
def sign_in() -> Callable[[Any], str]:
    """Make a session for a person; returns the Cookie header's value."""

    def make(person: Any) -> str:
        session = SessionStore()
        session[SESSION_KEY] = str(person.pk)
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY] = person.get_session_auth_hash()
        session.save()
        return f"{settings.SESSION_COOKIE_NAME}={session.session_key}"

    return make
