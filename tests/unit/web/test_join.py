"""Invitations: making a link, and coming in by one."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from studio.domain import people
from studio.models import Invitation, Membership, Role, User
from studio.web import limits
from tests.factories import Cast
from tests.unit.web.conftest import Enter


def ask(client: Client, cast: Cast, body: object, content_type: str = "application/json") -> Any:
    data = body if isinstance(body, str) else json.dumps(body)
    return client.post(reverse("invite", args=[cast.project.pk]), data, content_type=content_type)


def link(cast: Cast, role: Role = Role.EDITOR) -> str:
    _, token = people.invite(cast.access("owner"), role, timedelta(days=14))
    return reverse("join", args=[token])


@pytest.mark.parametrize(
    ("part", "status"),
    [("owner", 200), ("editor", 200), ("reviewer", 403), ("viewer", 403), ("guest", 403), ("stranger", 404)],
)
def test_those_who_may_share_make_a_link(cast: Cast, enter: Enter, part: str, status: int) -> None:
    response = ask(enter(cast.everybody[part]), cast, {"role": "viewer"})
    assert response.status_code == status
    assert Invitation.objects.count() == (1 if status == 200 else 0)


def test_an_anonymous_request_for_a_link_gets_401(cast: Cast, enter: Enter) -> None:
    assert ask(enter(None), cast, {"role": "viewer"}).status_code == 401


def test_a_link_lasts_fourteen_days_and_its_token_is_kept_as_a_hash_only(cast: Cast, enter: Enter) -> None:
    url = ask(enter(cast.owner), cast, {"role": "editor"}).json()["url"]
    invitation = Invitation.objects.get()
    assert url.startswith("http://testserver/join/")
    assert abs(invitation.expires_at - timezone.now() - timedelta(days=14)) < timedelta(minutes=1)
    assert url.rstrip("/").rpartition("/")[2] not in invitation.token_sha256


def test_behind_https_the_link_is_https_too(cast: Cast, enter: Enter, settings: Settings) -> None:
    settings.ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https"
    assert ask(enter(cast.owner), cast, {"role": "viewer"}).json()["url"].startswith("https://testserver/join/")


def test_nobody_gives_away_more_than_they_have(cast: Cast, enter: Enter) -> None:
    response = ask(enter(cast.editor), cast, {"role": "owner"})
    assert (response.status_code, response.json()["error"]["field"]) == (403, "role")


@pytest.mark.parametrize("body", [{"role": "king"}, {}, {"role": ["editor"]}, [], "{", "[" * 100_000, '"x"', "null"])
def test_a_wrong_body_is_told_what_was_expected(cast: Cast, enter: Enter, body: object) -> None:
    response = ask(enter(cast.owner), cast, body)
    assert response.status_code == 400
    assert response.json()["error"]["message"]


def test_json_sent_as_plain_text_gets_415(cast: Cast, enter: Enter) -> None:
    assert ask(enter(cast.owner), cast, {"role": "viewer"}, "text/plain").status_code == 415


def test_a_link_without_a_csrf_token_gets_403(cast: Cast) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.owner)
    assert ask(client, cast, {"role": "viewer"}).status_code == 403


def test_an_invitation_says_who_invites_to_what(cast: Cast, enter: Enter) -> None:
    html = enter(None).get(link(cast)).content.decode()
    for said in ("Olga Owner invites you", "Harbour", "Dailies", 'name="name"'):
        assert said in html


def test_signing_in_from_an_invitation_comes_back_to_it(cast: Cast, enter: Enter) -> None:
    address = link(cast)
    assert f"{reverse('account_login')}?next={address}" in enter(None).get(address).content.decode()


def test_a_guest_joins_with_a_name(cast: Cast, enter: Enter) -> None:
    client = enter(None)
    response = client.post(link(cast, Role.REVIEWER), {"name": "Bo"})
    assert response.headers["Location"] == reverse("room", args=[cast.project.pk])
    joined = Membership.objects.get(user__display_name="Bo")
    assert (joined.role, joined.user.is_guest) == (Role.REVIEWER, True)
    assert client.get(reverse("room", args=[cast.project.pk])).status_code == 200


def test_somebody_signed_in_joins_as_themselves(cast: Cast, enter: Enter) -> None:
    client, address = enter(cast.stranger), link(cast)
    assert "Join as Stan Stranger" in client.get(address).content.decode()
    client.post(address)
    assert Membership.objects.get(user=cast.stranger, workspace=cast.workspace).role == Role.EDITOR


def test_a_lower_invitation_takes_nothing_away(cast: Cast, enter: Enter) -> None:
    enter(cast.owner).post(link(cast, Role.VIEWER))
    assert Membership.objects.get(user=cast.owner).role == Role.OWNER


def test_where_guests_are_not_welcome_an_invitation_asks_to_sign_in(
    cast: Cast, enter: Enter, settings: Settings
) -> None:
    settings.GUESTS_WELCOME = False
    client, address, before = enter(None), link(cast), User.objects.count()
    assert 'name="name"' not in client.get(address).content.decode()
    client.post(address, {"name": "Bo"})
    assert User.objects.count() == before


def test_one_link_does_not_make_guests_without_end(cast: Cast, enter: Enter) -> None:
    address = link(cast, Role.VIEWER)
    for _ in range(limits.guests().amount):
        limits.spend(limits.guests(), "127.0.0.1")
    before = User.objects.count()
    assert enter(None).post(address, {"name": "Bo"}).status_code == 429
    assert User.objects.count() == before
    assert enter(cast.stranger).post(address).status_code == 302, "who has an account may still join"


@pytest.mark.parametrize("fault", ["unknown", "expired", "revoked", "deleted"])
def test_an_invitation_that_does_not_hold_gets_404_in_plain_words(cast: Cast, enter: Enter, fault: str) -> None:
    address = "/join/nothing/" if fault == "unknown" else link(cast)
    if fault == "expired":
        Invitation.objects.update(expires_at=timezone.now())
    if fault == "revoked":
        Invitation.objects.update(revoked_at=timezone.now())
    if fault == "deleted":
        enter(cast.owner).post(reverse("project_delete", args=[cast.project.pk]))
    for response in (enter(None).get(address), enter(cast.stranger).post(address)):
        assert response.status_code == 404
        assert "There is nothing here that you can see" in response.content.decode()


def test_guessing_links_ends_in_429_even_for_a_right_one_and_under_other_names(cast: Cast, enter: Enter) -> None:
    client = enter(None)
    statuses = [client.get(f"/join/guess{n}/").status_code for n in range(limits.GUESS.amount + 1)]
    assert (statuses[0], statuses[-1]) == (404, 429)
    assert client.get(link(cast), headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 429
