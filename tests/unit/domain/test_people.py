"""Guests, accounts and invitations."""

import contextlib
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
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


def refused(call: Callable[[], object]) -> Kind:
    """What sort of no a call gets."""
    with pytest.raises(DomainError) as error:
        call()
    return error.value.kind


@pytest.mark.parametrize("change", [Role.REVIEWER, None])
def test_a_link_is_void_once_its_maker_may_not_give_it_any_more(cast: Cast, change: Role | None) -> None:
    _, token = people.invite(cast.access("editor"), Role.EDITOR, DAY)
    made_by = Membership.objects.filter(user=cast.editor, workspace=cast.workspace)
    if change is None:
        made_by.delete()
    else:
        made_by.update(role=change)
    assert refused(lambda: people.open_invitation(token)) is Kind.NOT_FOUND
    assert refused(lambda: people.accept_invitation(cast.stranger, token)) is Kind.NOT_FOUND


def test_a_link_to_a_role_that_its_maker_still_has_goes_on(cast: Cast) -> None:
    _, token = people.invite(cast.access("editor"), Role.VIEWER, DAY)
    Membership.objects.filter(user=cast.editor).update(role=Role.REVIEWER)
    assert people.accept_invitation(cast.stranger, token) == cast.project


def test_a_removed_person_does_not_come_back_by_the_link_they_hold(cast: Cast) -> None:
    _, token = people.invite(cast.access("owner"), Role.EDITOR, DAY)
    people.accept_invitation(cast.stranger, token)
    people.remove_member(cast.access("owner"), cast.stranger.pk)
    assert refused(lambda: access.enter(cast.stranger, cast.project.pk)) is Kind.NOT_FOUND
    assert refused(lambda: people.accept_invitation(cast.stranger, token)) is Kind.NOT_FOUND
    _, fresh = people.invite(cast.access("owner"), Role.VIEWER, DAY)
    people.accept_invitation(cast.stranger, fresh)
    assert access.enter(cast.stranger, cast.project.pk).role == Role.VIEWER


def test_a_removal_closes_the_persons_sockets(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    told: list[int] = []
    monkeypatch.setattr("studio.live.broadcast.revoke_user", told.append)
    with django_capture_on_commit_callbacks(execute=True):
        people.remove_member(cast.access("owner"), cast.editor.pk)
    assert told == [cast.editor.pk]


def test_the_last_owner_stays(cast: Cast) -> None:
    assert refused(lambda: people.remove_member(cast.access("owner"), cast.owner.pk)) is Kind.CONFLICT
    Membership.objects.filter(user=cast.editor).update(role=Role.OWNER)
    people.remove_member(cast.access("editor"), cast.owner.pk)
    assert refused(lambda: cast.access("owner")) is Kind.NOT_FOUND


@pytest.mark.parametrize("part", ["editor", "reviewer", "viewer", "guest"])
def test_only_the_owner_removes_people_and_revokes_links(cast: Cast, part: str) -> None:
    _, token = people.invite(cast.access("owner"), Role.VIEWER, DAY)
    entered = cast.access(part)
    assert refused(lambda: people.remove_member(entered, cast.viewer.pk)) is Kind.FORBIDDEN
    assert refused(lambda: people.revoke_invitations(entered)) is Kind.FORBIDDEN
    assert people.open_invitation(token)


def test_a_stranger_is_no_member_to_be_removed(cast: Cast) -> None:
    _, token = people.invite(cast.access("owner"), Role.VIEWER, DAY)
    assert refused(lambda: people.remove_member(cast.access("owner"), cast.stranger.pk)) is Kind.NOT_FOUND
    assert people.open_invitation(token)


def test_the_owner_revokes_the_open_links_of_this_workspace_only(cast: Cast) -> None:
    other = Cast()
    _, kept = people.invite(other.access("owner"), Role.VIEWER, DAY)
    tokens = [people.invite(cast.access(part), Role.VIEWER, DAY)[1] for part in ("owner", "editor")]
    people.revoke_invitations(cast.access("owner"))
    for token in tokens:
        assert refused(lambda token=token: people.open_invitation(token)) is Kind.NOT_FOUND  # type: ignore[misc]
    assert people.open_invitation(kept)


@pytest.mark.django_db(transaction=True)
def test_who_joins_by_a_link_while_being_removed_is_out(cast: Cast) -> None:
    _, token = people.invite(cast.access("owner"), Role.VIEWER, DAY)
    entered, started = cast.access("owner"), threading.Event()

    def join() -> None:
        started.set()
        with contextlib.suppress(DomainError):
            people.accept_invitation(cast.viewer, token)
        connection.close()

    joining = threading.Thread(target=join)
    with transaction.atomic():
        people.remove_member(entered, cast.viewer.pk)
        joining.start()
        assert started.wait(5)
        wait_for_a_lock()
    joining.join(5)
    assert not Membership.objects.filter(user=cast.viewer, workspace=cast.workspace).exists()


def wait_for_a_lock() -> None:
    """Until another connection waits for what this transaction holds."""
    deadline = time.monotonic() + 5
    with connection.cursor() as cursor:
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        while cursor.execute(waiting) and cursor.fetchone() == (0,) and time.monotonic() < deadline:
            pass


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
