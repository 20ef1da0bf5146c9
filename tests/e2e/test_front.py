"""The way in: from the front page to a room with something in it."""

import re

from playwright.sync_api import expect

from tests.e2e.conftest import Come
from tests.e2e.people import Visitor
from tests.e2e.rows import takes_of


def test_the_front_page_says_what_it_is_and_try_it_now_opens_a_room_of_three_shots_with_takes(come: Come) -> None:
    stranger = come("Sam")
    stranger.page.goto("/")
    expect(stranger.page.get_by_role("heading", level=1)).to_be_visible()
    expect(stranger.page.get_by_role("main")).to_contain_text("video studio")
    stranger.page.get_by_role("button", name="Try it now").click()
    room = stranger.room.ready()
    expect(room.shots).to_have_count(3)
    prompts, clips = set(), set()
    for number in (1, 2, 3):
        room.choose_shot(number)
        expect(room.prompt).to_contain_text(re.compile(r"\w+ \w+ \w+"))
        prompts.add(room.text())
        room.expect_take(1, "done")
        room.playback.get_by_role("button", name="Play").click()
        room.expect_playing()
        clips.add(room.film("currentSrc"))
    assert len(prompts) == len(clips) == 3, (prompts, clips)
    room.panel.get_by_role("tab", name="History").click()
    expect(room.panel.get_by_role("listitem")).to_have_count(3)
    expect(room.panel).not_to_contain_text("asked for")
    assert takes_of(room.project_id) == []


def test_a_new_shot_has_nothing_to_play_until_its_first_take_is_done(ana: Visitor) -> None:
    room = ana.room
    play = room.playback.get_by_role("button", name="Play")
    expect(play).to_be_enabled()
    room.add_shot("The lantern")
    expect(room.stage).to_contain_text("Nothing filmed yet")
    expect(room.video).to_be_hidden()
    expect(play).to_be_disabled()
    expect(room.page.get_by_text("Takes of this shot appear here.")).to_be_visible()
    expect(room.panel).to_contain_text("Select a take")
    expect(room.page.get_by_role("link", name="Download")).to_be_hidden()
    assert room.next_number() == 1
    room.write("a lantern at night")
    room.request()
    room.expect_take(1, "done")
    expect(room.video).to_be_visible()
    expect(room.shots.last).to_contain_text("1 take")


def test_a_guest_may_stay_nameless_and_finds_the_project_again(come: Come) -> None:
    stranger = come("")
    stranger.try_now()
    title = stranger.room.banner.get_by_role("textbox", name="Project title").input_value()
    stranger.page.get_by_role("link", name="Rushes, all projects").click()
    stranger.page.get_by_role("link", name=title, exact=True).click()
    stranger.room.ready()
    expect(stranger.room.shots).to_have_count(3)
