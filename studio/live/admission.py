"""Whose sessions these are, and what they may do where: of many at once, in four queries.

Django's own ``get_user`` asks for one, and it writes: a session that it does not believe it ends, and one that an
older secret signed it renews, which would sign the open pages out. What is asked every few seconds only reads.
"""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from studio.domain.access import Access, enter_each
from studio.models import User

Asked = tuple[str, UUID]
"""A session's key and a project's id."""


def find(asked: Collection[Asked]) -> dict[Asked, Access | str]:
    """The access that each session has to the project beside it, or why it has none, from CLOSE_CODES."""
    people = people_of({session_key for session_key, _ in asked})
    entered = enter_each({(people[key], project_id) for key, project_id in asked if key in people})
    found: dict[Asked, Access | str] = dict.fromkeys(asked, "unauthenticated")
    for key, project_id in asked:
        if key in people:
            found[key, project_id] = entered.get((people[key].pk, project_id), "not_found")
    return found


def people_of(session_keys: Collection[str]) -> dict[str, User]:
    """Who is signed in with each of these sessions; nobody, where ``django.contrib.auth.get_user`` finds nobody."""
    sessions = Session.objects.filter(session_key__in=session_keys, expire_date__gt=timezone.now())
    claims = {session.session_key: session.get_decoded() for session in sessions}
    ids = {key: _user_id(claim) for key, claim in claims.items()}
    people = User.objects.filter(is_active=True).in_bulk({pk for pk in ids.values() if pk is not None})
    return {key: people[pk] for key, pk in ids.items() if pk in people and _is_believed(claims[key], people[pk])}


def _user_id(claim: Mapping[str, Any]) -> int | None:
    """Whom a session names."""
    if claim.get(BACKEND_SESSION_KEY) not in settings.AUTHENTICATION_BACKENDS:
        return None
    try:
        pk: int | None = User._meta.pk.to_python(claim.get(SESSION_KEY))
    except ValidationError:
        return None
    return pk


def _is_believed(claim: Mapping[str, Any], user: User) -> bool:
    """Whether a session is of the password that its person has now."""
    given = claim.get(HASH_SESSION_KEY) or ""
    good = (user.get_session_auth_hash(), *user.get_session_auth_fallback_hash())
    return any(constant_time_compare(given, each) for each in good)
