"""The way in: from the front page to a room with something in it."""

import re

from playwright.sync_api import expect

from tests.e2e.conftest import Come


def test_the_front_page_says_what_it_is_and_try_it_now_opens_a_room_of_three_written_shots(come: Come) -> None:
    stranger = come("Sam")
    stranger.page.goto("/")
    expect(stranger.page.get_by_role("heading", level=1)).to_be_visible()
    expect(stranger.page.get_by_role("main")).to_contain_text("video studio")
    stranger.page.get_by_role("button", name="Try it now").click()
    room = stranger.room.ready()
    expect(room.shots).to_have_count(3)
    prompts = set()
    for number in (1, 2, 3):
        room.choose_shot(number)
        expect(room.prompt).to_contain_text(re.compile(r"\w+ \w+ \w+"))
        prompts.add(room.text())
    assert len(prompts) == 3, prompts


def test_a_guest_may_stay_nameless_and_finds_the_project_again(come: Come) -> None:
    stranger = come("")
    stranger.try_now()
    title = stranger.room.banner.get_by_role("textbox", name="Project title").input_value()
    stranger.page.get_by_role("link", name="Rushes, all projects").click()
    stranger.page.get_by_role("link", name=title, exact=True).click()
    stranger.room.ready()
    expect(stranger.room.shots).to_have_count(3)
