"""Guests, accounts and invitations."""

from datetime import timedelta

import pytest
from django.utils import timezone

from studio.domain import access, people
from studio.domain.errors import DomainError, Kind
from studio.models import Invitation, Membership, Role, User
from tests.factories import Cast, make_person, make_worker_node

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
PASSWORD = "correct horse battery"


@pytest.fixture
def cast() -> Cast:
    make_worker_node()
    return Cast()


def test_a_guest_needs_no_name() -> None:
    unnamed, named = people.make_guest("  "), people.make_guest(" Ada \n L ")
    assert unnamed.display_name == f"Guest {unnamed.pk}"
    assert (named.display_name, named.is_guest, named.email, named.has_usable_password()) == (
        "Ada L",
        True,
        None,
        False,
    )


@pytest.mark.parametrize("name", ["x" * 61, "a\x00b"])
def test_a_name_is_one_line_of_up_to_60_characters(name: str) -> None:
    with pytest.raises(DomainError) as refused:
        people.make_guest(name)
    assert refused.value.field == "name"
    assert User.objects.count() == 0


def test_an_invitation_lets_its_holder_in_with_its_role(cast: Cast) -> None:
    invitation, token = people.invite(cast.access("owner"), Role.EDITOR, DAY)
    assert token not in str(Invitation.objects.values().get())
    assert people.open_invitation(token) == invitation
    assert people.accept_invitation(cast.stranger, token) == cast.project
    assert access.enter(cast.stranger, cast.project.pk).role == Role.EDITOR


@pytest.mark.parametrize(("before", "after"), [(Role.OWNER, Role.OWNER), (Role.VIEWER, Role.REVIEWER)])
def test_an_invitation_raises_a_role_and_never_lowers_one(cast: Cast, before: Role, after: Role) -> None:
    _, token = people.invite(cast.access("owner"), Role.REVIEWER, DAY)
    member = cast.everybody[before.value]
    for _ in range(2):
        people.accept_invitation(member, token)
    assert Membership.objects.get(user=member, workspace=cast.workspace).role == after


@pytest.mark.parametrize(("part", "role"), [("editor", Role.OWNER), ("viewer", Role.VIEWER), ("guest", Role.VIEWER)])
def test_nobody_gives_more_than_they_may(cast: Cast, part: str, role: Role) -> None:
    with pytest.raises(DomainError) as refused:
        people.invite(cast.access(part), role, DAY)
    assert refused.value.kind is Kind.FORBIDDEN
    assert Invitation.objects.count() == 0


@pytest.mark.parametrize("ttl", [timedelta(0), -DAY, timedelta(days=91)])
def test_an_invitation_holds_for_up_to_90_days(cast: Cast, ttl: timedelta) -> None:
    with pytest.raises(DomainError) as refused:
        people.invite(cast.access("owner"), Role.VIEWER, ttl)
    assert "90" in refused.value.message


@pytest.mark.parametrize("change", [{"revoked_at": timezone.now()}, {"expires_at": timezone.now()}])
def test_a_revoked_or_expired_link_leads_nowhere(cast: Cast, change: dict[str, object]) -> None:
    _, token = people.invite(cast.access("owner"), Role.VIEWER, DAY)
    Invitation.objects.update(**change)
    with pytest.raises(DomainError) as refused:
        people.accept_invitation(cast.stranger, token)
    assert refused.value.kind is Kind.NOT_FOUND
    assert not Membership.objects.filter(user=cast.stranger, workspace=cast.workspace).exists()


@pytest.mark.parametrize("token", ["", "x", "a\x00b", "\ud800"])
def test_a_made_up_link_leads_nowhere(cast: Cast, token: str) -> None:
    with pytest.raises(DomainError) as refused:
        people.open_invitation(token)
    assert refused.value.kind is Kind.NOT_FOUND


def test_a_guest_becomes_an_account_and_stays_the_same_person(cast: Cast) -> None:
    people.keep_account(cast.guest, " Gus@Example.com ", PASSWORD)
    kept = User.objects.get(pk=cast.guest.pk)
    assert (kept.email, kept.is_guest, kept.check_password(PASSWORD)) == ("gus@example.com", False, True)
    assert access.enter(kept, cast.project.pk).role == Role.VIEWER


def test_an_address_that_is_taken_is_refused_and_the_guest_stays_a_guest(cast: Cast) -> None:
    assert cast.owner.email is not None
    with pytest.raises(DomainError) as refused:
        people.keep_account(cast.guest, cast.owner.email.upper(), PASSWORD)
    assert (refused.value.code, refused.value.kind) == ("email.taken", Kind.CONFLICT)
    assert User.objects.get(pk=cast.guest.pk).is_guest
    assert cast.guest.is_guest


@pytest.mark.parametrize(
    ("email", "password", "field"),
    [
        ("nobody", PASSWORD, "email"),
        ("", PASSWORD, "email"),
        ("a\x00@example.com", PASSWORD, "email"),
        ("gus@example.com", "short", "password"),
        ("gus@example.com", "password123", "password"),
    ],
)
def test_an_account_needs_an_address_and_a_password_that_hold(email: str, password: str, field: str) -> None:
    with pytest.raises(DomainError) as refused:
        people.keep_account(make_person(guest=True), email, password)
    assert refused.value.field == field


def test_an_account_is_not_kept_twice() -> None:
    with pytest.raises(DomainError) as refused:
        people.keep_account(make_person(), "new@example.com", PASSWORD)
    assert refused.value.kind is Kind.CONFLICT
