"""Accounts: signing up, in and out, and a guest who keeps their work."""

import re
import socket
from smtplib import SMTPRecipientsRefused

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.core.mail.backends.locmem import EmailBackend
from django.urls import reverse
from pytest_django import Settings

from studio.models import Membership, Project, Role, User
from studio.web import limits
from studio.web.accounts import name_from
from tests.factories import Cast, make_person
from tests.unit.web.conftest import Enter

PASSWORD = "correct horse battery"


@pytest.mark.parametrize(
    ("email", "name"),
    [
        ("ana.lopez+film@studio.example", "Ana Lopez"),
        ("bo@studio.example", "Bo"),
        ("McKay_ian@studio.example", "McKay Ian"),
        ("+@studio.example", "+@studio.example"),
        ("x" * 64 + "@studio.example", "X" + "x" * 59),
    ],
)
def test_a_name_begins_as_the_local_part_of_the_address(email: str, name: str) -> None:
    assert name_from(email) == name


@pytest.mark.django_db
def test_signing_up_makes_an_account_with_a_name_a_colour_and_a_workspace(enter: Enter) -> None:
    response = enter(None).post(reverse("account_signup"), {"email": "Ana.Lopez@Example.com", "password1": PASSWORD})
    person = User.objects.get()
    assert (response.status_code, response.headers["Location"]) == (302, reverse("projects"))
    assert (person.email, person.display_name, person.is_guest) == ("ana.lopez@example.com", "Ana Lopez", False)
    assert 0 <= person.colour <= 7
    assert person.password.startswith("argon2")
    owned = Membership.objects.get(user=person)
    assert (owned.role, owned.workspace.name) == (Role.OWNER, "Ana Lopez’s workspace")
    assert [message.to for message in mail.outbox] == [["ana.lopez@example.com"]]


@pytest.mark.django_db
def test_a_weak_password_is_refused_and_the_address_stays(enter: Enter) -> None:
    response = enter(None).post(reverse("account_signup"), {"email": "ana@example.com", "password1": "password"})
    html = response.content.decode()
    assert 'value="ana@example.com"' in html
    assert 'role="alert"' in html
    assert not User.objects.exists()


@pytest.mark.django_db
def test_closed_sign_up_says_so_and_makes_nobody(enter: Enter, settings: Settings) -> None:
    settings.SIGN_UP_OPEN = False
    client = enter(None)
    assert "Sign-up is closed" in client.get(reverse("account_signup")).content.decode()
    client.post(reverse("account_signup"), {"email": "ana@example.com", "password1": PASSWORD})
    assert not User.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("wanted", "reached"),
    [("/projects/", "/projects/"), ("//evil.example", "/projects/"), ("https://evil.example/", "/projects/"),
     ("javascript:alert(1)", "/projects/"), ("/\\evil.example", "/projects/")],
)  # fmt: skip
def test_signing_in_goes_on_to_our_own_pages_only(enter: Enter, wanted: str, reached: str) -> None:
    User.objects.create_user(email="ana@example.com", password=PASSWORD, display_name="Ana")
    form = {"login": "ana@example.com", "password": PASSWORD, "next": wanted}
    assert enter(None).post(reverse("account_login"), form).headers["Location"] == reached


@pytest.mark.django_db
def test_a_known_and_an_unknown_address_get_the_same_answer(enter: Enter) -> None:
    User.objects.create_user(email="ana@example.com", password=PASSWORD, display_name="Ana")
    pages = [
        enter(None).post(reverse("account_login"), {"login": address, "password": "wrong"}).content.decode()
        for address in ("ana@example.com", "eve@example.com")
    ]
    known, unknown = (re.sub(r'value="(\w{64}|[^"]*@example.com)"', "", page) for page in pages)
    assert known == unknown


@pytest.mark.django_db
def test_the_eleventh_sign_in_of_a_minute_gets_429_whatever_address_it_claims(enter: Enter) -> None:
    client, form = enter(None), {"login": "ana@example.com", "password": "wrong"}
    statuses = [
        client.post(reverse("account_login"), form, headers={"X-Forwarded-For": f"203.0.113.{n}"}).status_code
        for n in range(11)
    ]
    assert statuses == [200] * 10 + [429]


def test_signing_out_ends_the_session(cast: Cast, enter: Enter) -> None:
    client = enter(cast.owner)
    assert client.get(reverse("account_logout")).status_code == 200
    client.post(reverse("account_logout"))
    assert client.get(reverse("projects")).status_code == 302


def test_a_guest_is_warned_before_signing_out(cast: Cast, enter: Enter) -> None:
    assert reverse("keep") in enter(cast.guest).get(reverse("account_logout")).content.decode()


@pytest.mark.parametrize("name", ["account_email", "account_set_password"])
def test_pages_of_accounts_lead_a_guest_to_keeping_their_work(cast: Cast, enter: Enter, name: str) -> None:
    assert enter(cast.guest).get(reverse(name)).headers["Location"] == reverse("keep")


@pytest.mark.django_db
def test_a_guest_becomes_an_account_and_keeps_everything(enter: Enter) -> None:
    client = enter(None)
    client.post(reverse("try"), {"name": "Mia"})
    project = Project.objects.get()
    response = client.post(reverse("keep"), {"name": "Mia M.", "email": "Mia@Example.com", "password": PASSWORD})
    person = User.objects.get()
    assert response.headers["Location"] == reverse("projects")
    assert (person.email, person.is_guest, person.display_name) == ("mia@example.com", False, "Mia M.")
    assert client.get(reverse("room", args=[project.pk])).status_code == 200, "the session goes on"

    again = enter(None)
    again.post(reverse("account_login"), {"login": "mia@example.com", "password": PASSWORD})
    assert project.title in again.get(reverse("projects")).content.decode()


@pytest.mark.parametrize(
    ("email", "password"),
    [("", PASSWORD), ("no address", PASSWORD), ("gus@example.com", "short"), ("gus@example.com", "gus@example.com")],
)
def test_keeping_with_wrong_input_says_why_and_keeps_what_was_typed(
    cast: Cast, enter: Enter, email: str, password: str
) -> None:
    response = enter(cast.guest).post(reverse("keep"), {"name": "Gus", "email": email, "password": password})
    html = response.content.decode()
    assert response.status_code == 200
    assert 'role="alert"' in html
    assert f'value="{email}"' in html or not email
    assert User.objects.get(pk=cast.guest.pk).is_guest


def test_keeping_with_somebodys_address_is_refused(cast: Cast, enter: Enter) -> None:
    taken = cast.owner.email
    response = enter(cast.guest).post(reverse("keep"), {"name": "Gus", "email": taken, "password": PASSWORD})
    assert response.status_code == 200
    assert "has an account already" in response.content.decode()
    assert User.objects.get(pk=cast.guest.pk).is_guest


def test_one_address_does_not_ask_for_long_who_has_an_account(cast: Cast, enter: Enter) -> None:
    client, asked = enter(cast.guest), {"name": "Gus", "password": PASSWORD}
    statuses = [
        client.post(reverse("keep"), {**asked, "email": cast.owner.email}).status_code
        for _ in range(limits.KEEP.amount + 1)
    ]
    assert (statuses[0], statuses[-2:]) == (200, [200, 429])
    assert client.post(reverse("keep"), {**asked, "email": "free@example.com"}).status_code == 429
    assert User.objects.get(pk=cast.guest.pk).is_guest


def test_an_account_has_nothing_to_keep(cast: Cast, enter: Enter) -> None:
    assert enter(cast.owner).get(reverse("keep")).headers["Location"] == reverse("projects")


@pytest.mark.django_db
def test_a_forgotten_password_is_chosen_anew_by_mail(enter: Enter) -> None:
    person = make_person("Ana")
    person.set_password(PASSWORD)
    person.save()
    client = enter(None)
    client.post(reverse("account_reset_password"), {"email": person.email})
    link = re.search(r"http://testserver(/accounts/password/reset/key/\S+)", str(mail.outbox[0].body))
    assert link
    form_address = client.get(link.group(1)).headers["Location"]
    assert "A new password" in client.get(form_address).content.decode()
    client.post(form_address, {"password1": "another horse battery", "password2": "another horse battery"})
    person.refresh_from_db()
    assert person.check_password("another horse battery")


@pytest.fixture
def no_mail_server(settings: Settings) -> None:
    """A mail server that refuses connections: a port that was free a moment ago."""
    settings.EMAIL_BACKEND = "studio.web.post.Backend"
    with socket.create_server(("127.0.0.1", 0)) as gone:
        settings.EMAIL_HOST, settings.EMAIL_PORT = gone.getsockname()


NOT_SENT = "No mail could be sent"


@pytest.mark.django_db
@pytest.mark.usefixtures("no_mail_server")
def test_without_a_mail_server_a_guest_becomes_an_account_and_is_told(
    enter: Enter, caplog: pytest.LogCaptureFixture
) -> None:
    client = enter(None)
    client.post(reverse("try"), {"name": "Mia"})
    response = client.post(reverse("keep"), {"name": "Mia", "email": "mia@example.com", "password": PASSWORD})
    assert response.headers["Location"] == reverse("projects")
    assert not User.objects.get().is_guest
    assert NOT_SENT in client.get(reverse("projects")).content.decode(), "the session goes on"
    assert "a mail was not sent" in caplog.text


@pytest.mark.django_db
@pytest.mark.usefixtures("no_mail_server")
def test_without_a_mail_server_somebody_new_is_signed_in_and_is_told(enter: Enter) -> None:
    client = enter(None)
    client.post(reverse("account_signup"), {"email": "mia@example.com", "password1": PASSWORD})
    html = client.get(reverse("projects")).content.decode()
    assert NOT_SENT in html
    assert "sent to" not in html, "nothing is said to be on its way"


@pytest.mark.django_db
@pytest.mark.usefixtures("no_mail_server")
@pytest.mark.parametrize("known", [True, False])
def test_without_a_mail_server_a_forgotten_password_says_so_whoever_asks(enter: Enter, known: bool) -> None:
    person = make_person("Ana")
    asked = person.email if known else "nobody@example.com"
    html = enter(None).post(reverse("account_reset_password"), {"email": asked}, follow=True).content.decode()
    assert NOT_SENT in html
    assert "on its way" not in html


@pytest.mark.django_db
def test_an_address_that_the_mail_server_refuses_is_said_to_be_the_matter(
    enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(backend: EmailBackend, messages: list[EmailMessage]) -> int:
        raise SMTPRecipientsRefused({messages[0].to[0]: (550, b"no such mailbox")})

    monkeypatch.setattr(EmailBackend, "send_messages", refuse)
    client = enter(None)
    client.post(reverse("account_signup"), {"email": "mia@example.com", "password1": PASSWORD})
    assert "does not take this address" in client.get(reverse("projects")).content.decode()


def test_every_page_of_accounts_is_in_our_look(cast: Cast, enter: Enter) -> None:
    cast.owner.set_password(PASSWORD)
    cast.owner.save()
    names = ("account_email", "account_change_password", "account_logout", "account_inactive")
    for name in names:
        html = enter(cast.owner).get(reverse(name)).content.decode()
        assert 'class="brand"' in html, name
