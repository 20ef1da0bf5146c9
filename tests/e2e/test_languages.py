"""The whole way in French."""

import re

from playwright.sync_api import expect

from studio.domain.stories import STORIES
from tests.e2e.conftest import Come

ENGLISH = (
    "Generate",
    "Takes",
    "Saved",
    "Share",
    "Draft",
    "Length",
    "Keep your work",
    "here",
)


def test_choosing_french_turns_the_front_page_and_the_room_french(come: Come) -> None:
    visitor = come("Aude")
    visitor.page.goto("/")
    visitor.page.get_by_role("button", name="Français").click()
    expect(visitor.page.locator("html")).to_have_attribute("lang", "fr")
    front = visitor.page.get_by_role("main").inner_text()
    for english in ("Try it now", "video studio", "account"):
        assert english not in front
    visitor.page.get_by_role("textbox", name="Votre nom").fill("Aude")
    visitor.page.get_by_role("main").get_by_role("button").first.click()
    banner = visitor.page.get_by_role("banner")
    expect(banner.get_by_role("status")).to_contain_text("Enregistré")
    expect(visitor.page.locator("html")).to_have_attribute("lang", "fr")
    expect(banner.get_by_role("button", name="Partager")).to_be_visible()
    desk = visitor.page.get_by_role("region").filter(has=visitor.page.get_by_role("button", name="Générer"))
    desk.get_by_role("combobox", name="Lumière").select_option(label="Pénombre")
    prompt = visitor.page.get_by_role("textbox", name="Texte")
    expect(prompt).to_have_text(STORIES[0].prompts["fr"])
    number = visitor.page.get_by_role("button", name=re.compile(r"^Prise \d+,")).count() + 1
    prompt.press("Control+Enter")
    take = visitor.page.get_by_role("button", name=f"Prise {number}, brouillon, terminée")
    expect(take).to_be_visible(timeout=45_000)
    shown = visitor.page.locator("body").inner_text()
    left = [word for word in ENGLISH if word in shown]
    assert not left, f"still English: {left}\n{shown}"


def test_a_french_browser_is_met_in_french_and_errors_are_french(come: Come) -> None:
    visitor = come("Aude", locale="fr-FR")
    visitor.page.goto("/")
    expect(visitor.page.locator("html")).to_have_attribute("lang", "fr")
    visitor.complaints.expect("status of 404")
    visitor.page.goto("/projects/00000000-0000-4000-8000-000000000000/")
    expect(visitor.page.locator("html")).to_have_attribute("lang", "fr")
