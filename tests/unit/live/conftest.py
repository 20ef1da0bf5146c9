"""Sockets as the guard sees them, and those who belong to one project."""

from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

import pytest
from django.conf import settings

from studio.domain.access import Access
from studio.models import Membership, User
from tests.factories import Cast

SignIn = Callable[[User], str]


@dataclass(eq=False)
class Door:
    """A socket, as far as the guard is concerned."""

    project_id: UUID
    session_key: str
    kind: str = "room"
    access: Access = field(init=False)
    closed: str = ""

    def close(self, reason: str) -> None:
        self.closed = reason


MakeDoor = Callable[..., Door]


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    return Cast()


@pytest.fixture
def door(cast: Cast, sign_in: SignIn) -> MakeDoor:
    cookie = f"{settings.SESSION_COOKIE_NAME}="
    keys = {part: sign_in(person).removeprefix(cookie) for part, person in cast.everybody.items()}

    def make(part: str = "viewer", kind: str = "room") -> Door:
        return Door(cast.project.pk, keys[part], kind)

    return make


def remove_viewer(cast: Cast) -> None:
    """The viewer is no member any more."""
    Membership.objects.filter(user=cast.viewer).delete()
