"""Front page, trying, projects, and who may open a room's page."""

import json
import re
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from studio.models import Membership, Project, Role, Shot, Take, TakeState, User
from studio.web.samples import samples
from tests.factories import Cast
from tests.unit.web.conftest import Enter

INLINE = re.compile(r"<script(?![^>]*\b(?:src|type=\"application/json\"))|\sstyle=|<style|\son[a-z]+=", re.IGNORECASE)


def page_data(html: str) -> dict[str, object]:
    found = re.search(r'<script id="page" type="application/json">(.*?)</script>', html, re.DOTALL)
    assert found
    data: dict[str, object] = json.loads(found.group(1))
    return data


@pytest.mark.django_db
def test_front_page_offers_trying_signing_in_and_signing_up(enter: Enter) -> None:
    html = enter(None).get("/").content.decode()
    assert f'action="{reverse("try")}"' in html
    assert reverse("account_login") in html
    assert reverse("account_signup") in html


@pytest.mark.django_db
def test_front_page_hides_what_the_settings_close(enter: Enter, settings: Settings) -> None:
    settings.SIGN_UP_OPEN = settings.GUESTS_WELCOME = False
    html = enter(None).get("/").content.decode()
    assert reverse("try") not in html
    assert reverse("account_signup") not in html
    assert reverse("account_login") in html


def test_front_page_leads_those_signed_in_to_their_projects(cast: Cast, enter: Enter) -> None:
    html = enter(cast.owner).get("/").content.decode()
    assert "Open your projects" in html
    assert reverse("try") not in html


@pytest.mark.django_db
def test_trying_makes_a_guest_with_a_workspace_and_three_written_shots(enter: Enter) -> None:
    client = enter(None)
    response = client.post(reverse("try"), {"name": "  Mia  "})
    guest = User.objects.get(is_guest=True)
    project = Project.objects.get()
    assert (response.status_code, response.headers["Location"]) == (302, reverse("room", args=[project.pk]))
    assert (guest.display_name, guest.email, guest.has_usable_password()) == ("Mia", None, False)
    assert "Mia" in project.workspace.name
    assert Membership.objects.get(user=guest).role == Role.OWNER
    assert Shot.objects.filter(project=project).count() == 3
    assert client.session["_auth_user_id"] == str(guest.pk)


@pytest.mark.django_db
def test_trying_without_a_name_is_enough(enter: Enter) -> None:
    assert enter(None).post(reverse("try")).status_code == 302
    assert User.objects.get().display_name.startswith("Guest")


@pytest.mark.django_db
def test_trying_with_too_long_a_name_says_so_and_keeps_it(enter: Enter) -> None:
    name = "n" * 61
    response = enter(None).post(reverse("try"), {"name": name})
    assert response.status_code == 200
    assert name in response.content.decode()
    assert not User.objects.exists()


def test_trying_while_signed_in_makes_nobody_new(cast: Cast, enter: Enter) -> None:
    before = User.objects.count()
    assert enter(cast.editor).post(reverse("try")).headers["Location"] == reverse("projects")
    assert User.objects.count() == before


@pytest.mark.django_db
def test_trying_is_closed_where_guests_are_not_welcome(enter: Enter, settings: Settings) -> None:
    settings.GUESTS_WELCOME = False
    assert enter(None).post(reverse("try")).headers["Location"] == reverse("account_login")
    assert not User.objects.exists()


@pytest.mark.django_db
def test_one_address_makes_sixty_guests_and_a_spoofed_header_does_not_help(enter: Enter) -> None:
    from studio.web import limits

    for _ in range(limits.guests().amount):
        limits.spend(limits.guests(), "127.0.0.1")
    response = enter(None).post(reverse("try"), headers={"X-Forwarded-For": "203.0.113.9"})
    assert response.status_code == 429
    assert not User.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["projects", "keep"])
def test_anonymous_people_are_led_to_the_sign_in_page(enter: Enter, name: str) -> None:
    response = enter(None).get(reverse(name))
    assert response.headers["Location"] == f"{reverse('account_login')}?next={reverse(name)}"


def test_projects_page_lists_what_a_person_can_open(cast: Cast, enter: Enter) -> None:
    for part, person in cast.everybody.items():
        html = enter(person).get(reverse("projects")).content.decode()
        assert ("Harbour" in html) is (part != "stranger"), part
        assert ("Delete project" in html) is (part == "owner"), part


def test_projects_page_shows_the_newest_poster(cast: Cast, enter: Enter) -> None:
    take = Take.objects.create(
        project=cast.project, shot=cast.shots[0], number=1, idempotency_key="k", state=TakeState.DONE,
        prompt="p", quality="draft", width=96, height=64, frames=25, seed=1, clip_key="c", poster_key="p",
    )  # fmt: skip
    html = enter(cast.viewer).get(reverse("projects")).content.decode()
    assert reverse("poster", args=[take.pk]) in html


def test_projects_page_asks_a_constant_number_of_queries(
    cast: Cast, enter: Enter, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    from studio.domain import projects

    for number in range(5):
        projects.create_project(cast.owner, cast.workspace, f"Film {number}", shots=[("One", "a ball")])
    client = enter(cast.owner)
    with django_assert_max_num_queries(9):
        client.get(reverse("projects"))


@pytest.mark.django_db
def test_projects_page_of_somebody_without_a_workspace_says_how_to_join(enter: Enter) -> None:
    html = enter(User.objects.create_user(display_name="Nobody")).get(reverse("projects")).content.decode()
    assert "You belong to no workspace" in html


def test_owner_and_editor_create_a_project_and_land_in_its_room(cast: Cast, enter: Enter) -> None:
    for part in ("owner", "editor"):
        answer = enter(cast.everybody[part]).post(
            reverse("project_create"), {"title": f"By {part}", "workspace": cast.workspace.pk}
        )
        made = Project.objects.get(title=f"By {part}")
        assert answer.headers["Location"] == reverse("room", args=[made.pk])
        assert made.workspace == cast.workspace


def test_nobody_else_creates_a_project_there(cast: Cast, enter: Enter) -> None:
    for part in ("reviewer", "viewer", "guest", "stranger"):
        form = {"title": "Intruder", "workspace": cast.workspace.pk}
        assert enter(cast.everybody[part]).post(reverse("project_create"), form).status_code == 200, part
    assert not Project.objects.filter(title="Intruder").exists()


def test_a_project_without_a_title_is_asked_for_one(cast: Cast, enter: Enter) -> None:
    response = enter(cast.owner).post(reverse("project_create"), {"title": " ", "workspace": cast.workspace.pk})
    assert response.status_code == 200
    assert 'role="alert"' in response.content.decode()


@pytest.mark.parametrize(
    ("part", "status"),
    [("owner", 302), ("editor", 403), ("reviewer", 403), ("viewer", 403), ("guest", 403), ("stranger", 404)],
)
def test_only_the_owner_deletes_a_project(cast: Cast, enter: Enter, part: str, status: int) -> None:
    response = enter(cast.everybody[part]).post(reverse("project_delete", args=[cast.project.pk]))
    assert response.status_code == status
    assert (Project.objects.get(pk=cast.project.pk).deleted_at is not None) is (part == "owner")


def test_a_deleted_project_is_gone_like_one_that_never_was(cast: Cast, enter: Enter) -> None:
    client = enter(cast.owner)
    client.post(reverse("project_delete", args=[cast.project.pk]))
    gone = client.get(reverse("room", args=[cast.project.pk]))
    never = client.get(reverse("room", args=[uuid4()]))
    assert (gone.status_code, never.status_code) == (404, 404)


@pytest.mark.parametrize("part", ["owner", "editor", "reviewer", "viewer", "guest"])
def test_members_open_the_room_and_its_page_says_who_they_are(cast: Cast, enter: Enter, part: str) -> None:
    person = cast.everybody[part]
    response = enter(person).get(reverse("room", args=[cast.project.pk]))
    data = page_data(response.content.decode())
    assert response.status_code == 200
    assert data["you"] == {"id": person.pk, "name": person.display_name, "colour": person.colour}
    assert (data["project_id"], data["guest"]) == (str(cast.project.pk), part == "guest")
    assert data["room_socket"] == f"/ws/rooms/{cast.project.pk}/"


def test_a_stranger_gets_the_page_of_an_id_that_does_not_exist(cast: Cast, enter: Enter) -> None:
    client = enter(cast.stranger)
    theirs = client.get(reverse("room", args=[cast.project.pk]))
    nobodys = client.get(reverse("room", args=[uuid4()]))
    assert (theirs.status_code, nobodys.status_code) == (404, 404)
    assert strip_addresses(theirs.content.decode()) == strip_addresses(nobodys.content.decode())


def strip_addresses(html: str) -> str:
    """Without what differs from one request to the next: the form's token and the page's own address."""
    html = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", html)
    return re.sub(r'name="next" value="[^"]*"', "", html)


def test_an_anonymous_room_page_leads_to_signing_in_and_back(cast: Cast, enter: Enter) -> None:
    address = reverse("room", args=[cast.project.pk])
    assert enter(None).get(address).headers["Location"] == f"{reverse('account_login')}?next={address}"


@pytest.mark.parametrize("name", ["try", "project_create"])
def test_a_form_without_its_token_is_refused_in_plain_words(cast: Cast, name: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.owner)
    response = client.post(reverse(name), {"title": "x"})
    assert response.status_code == 403
    assert "This form is too old" in response.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["try", "project_create"])
def test_a_forms_target_opened_as_a_page_leads_to_a_page(enter: Enter, name: str) -> None:
    assert enter(None).get(reverse(name)).status_code == 302


@pytest.mark.django_db
def test_an_unknown_address_gets_a_page_in_plain_words(enter: Enter) -> None:
    response = enter(None).get("/no/such/page")
    assert response.status_code == 404
    assert "There is nothing here that you can see" in response.content.decode()


def test_no_page_needs_anything_inline_and_every_policy_forbids_it(cast: Cast, enter: Enter) -> None:
    for person in (None, cast.owner, cast.guest):
        client = enter(person)
        names = ["front", "projects", "keep", "account_login", "account_signup", "account_logout", "account_email"]
        for name in names:
            response = client.get(reverse(name), follow=True)
            assert not INLINE.search(response.content.decode()), name
            assert "unsafe" not in response.headers["Content-Security-Policy"], name


def test_samples_are_files_that_are_there() -> None:
    from pathlib import Path

    from django.conf import settings

    listed = samples()
    public = Path(settings.BASE_DIR) / "static" / "public"
    urls = [clip.clip_url for clip in listed.clips] + [clip.poster_url for clip in listed.clips]
    for url in urls + [frame.url for frame in listed.steps]:
        assert (public / url.removeprefix("/static/")).is_file(), url
