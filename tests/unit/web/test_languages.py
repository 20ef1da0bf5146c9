"""French: every string has its translation, and no page speaks English to a French reader."""

import ast
import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages import pofile
from babel.messages.catalog import Catalog
from django.conf import settings
from django.urls import reverse
from django.utils.translation.template import templatize

from studio.domain import people
from studio.models import Role
from tests.factories import Cast
from tests.unit.web.conftest import Enter
from tests.unit.web.test_pages import page_data

ROOT = Path(settings.BASE_DIR)
PO = ROOT / "locale" / "fr" / "LC_MESSAGES" / "django.po"
TRANSLATORS = {"_", "gettext", "gettext_lazy", "ngettext", "ngettext_lazy"}
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]")


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    with PO.open("rb") as file:
        return pofile.read_po(file, locale="fr")


def strings_of_python(source: str) -> Iterator[str]:
    """The first argument of every call of a translating function."""
    for node in ast.walk(ast.parse(source)):
        name = getattr(node, "func", None)
        if isinstance(node, ast.Call) and isinstance(name, ast.Name) and name.id in TRANSLATORS and node.args:
            yield ast.literal_eval(node.args[0])


def strings_of_template(source: str) -> Iterator[str]:
    """The strings that Django itself would extract from a template."""
    for quoted in re.findall(r"n?gettext\(u?('(?:\\.|[^'])*'|\"(?:\\.|[^\"])*\")", templatize(source)):
        yield ast.literal_eval(quoted)


def test_every_string_has_a_french_one_with_the_same_placeholders(catalogue: Catalog) -> None:
    asked = {
        text
        for path in [*(ROOT / "studio").rglob("*.py"), ROOT / "project" / "settings.py"]
        for text in strings_of_python(path.read_text())
    }
    asked |= {text for path in (ROOT / "templates").rglob("*.html") for text in strings_of_template(path.read_text())}
    assert len(asked) > 100
    french = {text: forms_of(catalogue, text) for text in asked}
    assert sorted(text for text in asked if not all(french[text])) == [], "run makemessages, then translate"
    for text in asked:
        for form in french[text]:
            assert sorted(PLACEHOLDER.findall(form)) == sorted(PLACEHOLDER.findall(text)), text


def forms_of(catalogue: Catalog, text: str) -> tuple[str, ...]:
    """The translation; one form, or one for each number."""
    message = catalogue.get(text)
    if message is None or not message.string:
        return ("",)
    return (message.string,) if isinstance(message.string, str) else tuple(message.string)


def words(page: str) -> str:
    """What a page says: text, and the attributes that are read out."""
    bare = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    spoken = re.findall(r'(?:aria-label|alt|placeholder|title)="([^"]*)"', bare)
    return html.unescape(" ".join([*spoken, *re.findall(r">([^<]+)<", bare)]))


def test_french_pages_have_no_english_left(cast: Cast, enter: Enter, catalogue: Catalog) -> None:
    from datetime import timedelta

    _, token = people.invite(cast.access("owner"), Role.EDITOR, timedelta(days=1))
    addresses = {
        None: ["/", "/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", f"/join/{token}/", "/no"],
        cast.guest: ["/projects/", "/keep/", "/accounts/logout/", reverse("room", args=[cast.project.pk])],
        cast.owner: ["/projects/", "/accounts/logout/", "/accounts/email/", f"/join/{token}/"],
    }
    english = [m.id for m in catalogue if isinstance(m.id, str) and " " in m.id and not PLACEHOLDER.search(m.id)]
    for person, paths in addresses.items():
        client = enter(person)
        for path in paths:
            page = client.get(path, headers={"Accept-Language": "fr"}).content.decode()
            said = words(page)
            assert '<html lang="fr"' in page
            assert [text for text in english if text in said] == [], path


def test_the_switch_changes_the_language_and_stays_on_the_page(cast: Cast, enter: Enter) -> None:
    client = enter(cast.owner)
    response = client.post(reverse("set_language"), {"language": "fr", "next": "/projects/"})
    assert response.headers["Location"] == "/projects/"
    assert "Nouveau projet" in client.get("/projects/").content.decode()


def test_the_switch_never_leads_away(cast: Cast, enter: Enter) -> None:
    response = enter(cast.owner).post(reverse("set_language"), {"language": "fr", "next": "//evil.example/"})
    assert response.headers["Location"] == "/"


@pytest.mark.django_db
def test_a_french_guest_gets_french_names(enter: Enter) -> None:
    client = enter(None)
    address = client.post(reverse("try"), {"name": "Zoé"}, headers={"Accept-Language": "fr"}).headers["Location"]
    page = client.get(address, headers={"Accept-Language": "fr"}).content.decode()
    assert page_data(page)["language"] == "fr"
    assert "Premières lueurs" in page
    assert "Espace de Zoé" in html.unescape(page)
