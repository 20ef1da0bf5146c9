"""Fixtures that every test may use."""

import shutil
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import connections

from tests.helpers.studio import Studio


@pytest.fixture(scope="module")
def studio(django_db_setup: None, django_db_blocker: Any) -> Iterator[Studio]:
    """A running studio. In tests that use it, Django's models read and write the studio's own database.

    Do not combine it with the ``db`` fixtures: nothing is rolled back here.
    """
    server = Studio(RUSHES_SECRET_KEY=settings.SECRET_KEY).start()
    with _database_of(server, django_db_blocker):
        yield server
    server.stop()
    shutil.rmtree(server.data, ignore_errors=True)


class _database_of:  # noqa: N801 - used as a with-statement's noun
    """Point Django's default database at the studio's, and back."""

    def __init__(self, server: Studio, blocker: Any) -> None:
        self.blocker = blocker
        query = dict(part.split("=") for part in urlsplit(server.database_url).query.split("&"))
        self.values = {"NAME": "rushes", "HOST": query["host"], "USER": query["user"]}

    def __enter__(self) -> None:
        self.blocker.unblock()
        self.before = {key: connections.databases["default"][key] for key in self.values}
        self._point(self.values)

    def __exit__(self, *error: object) -> None:
        self._point(self.before)
        self.blocker.restore()

    def _point(self, values: dict[str, str]) -> None:
        connections.close_all()
        connections.databases["default"].update(values)
        connections["default"].settings_dict.update(values)


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
