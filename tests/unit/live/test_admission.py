"""Whose sessions these are, of many at once: rules R-25 and R-15 of studio/live/SPEC-ROOM.md."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.conf import settings
from django.contrib import auth
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from studio.domain import access, projects
from studio.live import admission
from studio.models import Role, User
from tests.factories import Cast, make_person

Spoil = Callable[[SessionStore, User], None]

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return Cast()


def session_of(person: User) -> SessionStore:
    session = SessionStore()
    session[SESSION_KEY] = str(person.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session.save()
    return session


def key_of(session: SessionStore) -> str:
    assert session.session_key
    return session.session_key


def told_by_django(session_key: str) -> int | None:
    """Whom Django's own way finds."""
    request = HttpRequest()
    request.session = SessionStore(session_key)
    pk: int | None = auth.get_user(request).pk
    return pk


def _set(**values: object) -> Spoil:
    def spoil(session: SessionStore, person: User) -> None:
        for name, value in values.items():
            session[name] = value
        session.save()

    return spoil


def _without(*names: str) -> Spoil:
    def spoil(session: SessionStore, person: User) -> None:
        for name in names:
            del session[name]
        session.save()

    return spoil


def _rows(**values: object) -> Spoil:
    def spoil(session: SessionStore, person: User) -> None:
        Session.objects.filter(pk=session.session_key).update(**values)

    return spoil


def _people(**values: object) -> Spoil:
    def spoil(session: SessionStore, person: User) -> None:
        User.objects.filter(pk=person.pk).update(**values)

    return spoil


SPOILT: dict[str, Spoil] = {
    "as it came": _set(),
    "with more in it": _set(basket="full"),
    "expired": lambda *both: _rows(expire_date=timezone.now() - timedelta(seconds=1))(*both),
    "ended": lambda session, person: session.delete(),
    "no person": _without(SESSION_KEY),
    "no backend": _without(BACKEND_SESSION_KEY),
    "another backend": _set(**{BACKEND_SESSION_KEY: "django.contrib.auth.backends.RemoteUserBackend"}),
    "no hash": _without(HASH_SESSION_KEY),
    "empty hash": _set(**{HASH_SESSION_KEY: ""}),
    "another hash": _set(**{HASH_SESSION_KEY: "0" * 64}),
    "unknown person": _set(**{SESSION_KEY: "2000000000"}),
    "data not signed": _rows(session_data="eyJhIjoxfQ:1abcde:AAAA"),
    "no data": _rows(session_data=""),
    "account closed": _people(is_active=False),
    "password changed": _people(password="!another"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_r25_a_session_is_whose_django_says_it_is(cast: Cast, name: str) -> None:
    session = session_of(cast.viewer)
    SPOILT[name](session, cast.viewer)
    found = admission.people_of([key_of(session)])
    theirs = told_by_django(key_of(session))
    assert [person.pk for person in found.values()] == ([theirs] if theirs else [])
    assert bool(found) == (name in ("as it came", "with more in it"))


def test_r25_a_session_that_names_no_number_is_nobodys_and_spoils_no_other(cast: Cast) -> None:
    odd, good = session_of(cast.viewer), session_of(cast.editor)
    _set(**{SESSION_KEY: "Vic"})(odd, cast.viewer)
    assert admission.people_of([key_of(odd), key_of(good)]) == {key_of(good): cast.editor}


def test_r15_asking_writes_nothing(cast: Cast, settings: object) -> None:
    spoilt, aged = session_of(cast.viewer), session_of(cast.editor)
    _set(**{HASH_SESSION_KEY: "0" * 64})(spoilt, cast.viewer)
    # As it was signed before the secret was changed; the old one is still believed.
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]  # type: ignore[attr-defined]
    settings.SECRET_KEY = "another" * 8  # type: ignore[attr-defined]
    before = list(Session.objects.order_by("pk").values_list())
    assert set(admission.people_of([key_of(spoilt), key_of(aged)])) == {key_of(aged)}
    assert list(Session.objects.order_by("pk").values_list()) == before


def test_r25_many_are_found_in_four_queries(cast: Cast, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    keys = {part: key_of(session_of(person)) for part, person in cast.everybody.items()}
    other = projects.create_project(cast.owner, cast.workspace, "Another", shots=[])
    unknown = uuid4()
    asked = {(key, project) for key in (*keys.values(), "nobody") for project in (cast.project.pk, other.pk, unknown)}
    with django_assert_num_queries(4):
        found = admission.find(asked)
    assert set(found) == asked
    told = {
        part: {
            getattr(found[key, project_id], "role", found[key, project_id])
            for project_id in (cast.project.pk, other.pk)
        }
        for part, key in keys.items()
    }
    assert told == {
        "owner": {Role.OWNER},
        "editor": {Role.EDITOR},
        "reviewer": {Role.REVIEWER},
        "viewer": {Role.VIEWER},
        "guest": {Role.VIEWER},
        "stranger": {"not_found"},
    }
    assert {found[key, unknown] for key in keys.values()} == {"not_found"}
    assert {found["nobody", project_id] for project_id in (cast.project.pk, other.pk, unknown)} == {"unauthenticated"}


def test_r25_a_role_is_that_of_the_projects_own_workspace(cast: Cast) -> None:
    elsewhere = projects.create_workspace(cast.viewer, "Elsewhere")
    theirs = projects.create_project(cast.viewer, elsewhere, "Theirs", shots=[])
    key = key_of(session_of(cast.viewer))
    found = admission.find([(key, cast.project.pk), (key, theirs.pk)])
    roles = [each.role for each in found.values() if isinstance(each, access.Access)]
    assert roles == [Role.VIEWER, Role.OWNER]


def test_r25_a_deleted_project_and_a_closed_account_are_left_out(cast: Cast) -> None:
    closed = make_person()
    closed.is_active = False
    projects.delete_project(cast.access("owner"))
    assert access.enter_each([(cast.viewer, cast.project.pk), (closed, cast.project.pk)]) == {}
    assert access.enter_each([]) == {}
