"""What goes wrong on the page is said near where it happened, and nothing is lost."""

import re

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import expect

from tests.e2e.people import Visitor
from tests.e2e.room import WRITTEN
from tests.e2e.rows import ask, durable_prompts, takes_of
from tests.e2e.waiting import until

PROMPT_LIMIT = 4000
LOST_CONNECTION = "WebSocket connection to|ERR_INTERNET_DISCONNECTED"


def test_an_empty_prompt_is_refused_beside_the_desk(ana: Visitor) -> None:
    ana.room.write("")
    ana.room.request()
    expect(ana.room.alert).to_contain_text("prompt is empty")
    assert takes_of(ana.room.project_id) == []
    ana.keyboard.type("a blue ball")
    ana.room.expect_take(ana.room.request(), "done")
    expect(ana.room.alert).to_be_hidden()


def test_a_prompt_over_the_limit_is_refused_with_both_numbers_and_stays_written(ana: Visitor) -> None:
    long = "word " * (PROMPT_LIMIT // 5) + "x"
    ana.room.write(long)
    expect(ana.room.desk).to_contain_text("1 character too many")
    ana.room.request()
    expect(ana.room.alert).to_contain_text(re.compile("4,?000"))
    expect(ana.room.alert).to_contain_text(re.compile("4,?001"))
    assert takes_of(ana.room.project_id) == []
    expect(ana.room.pill).to_contain_text("Saved")
    assert long in durable_prompts(ana.room.project_id)
    ana.keyboard.press("Control+End")
    ana.keyboard.press("Backspace")
    expect(ana.room.desk).to_contain_text("0 characters left")


def test_a_paste_far_over_the_limit_is_refused_here_and_the_room_goes_on(ana: Visitor, bo: Visitor) -> None:
    ana.room.prompt.click()
    ana.keyboard.press("Control+End")
    ana.keyboard.insert_text("word " * 6000)
    expect(ana.room.desk).to_contain_text(re.compile("4,?000|too many"))
    ana.room.ready()
    ana.page.reload()
    ana.room.ready()
    ana.room.prompt.click()
    ana.keyboard.press("Control+Home")
    ana.keyboard.type("Still here: ")
    until(bo.room.text, lambda text: text.startswith(f"Still here: {WRITTEN}"))


@pytest.mark.parametrize("seed", ["-1", "99999999999999999999", "1.5", "seven"])
def test_a_wrong_seed_is_refused_beside_its_field(ana: Visitor, seed: str) -> None:
    field = ana.room.desk.get_by_role("textbox", name="Seed")
    field.fill(seed)
    field.press("Tab")
    expect(ana.room.desk.get_by_role("alert").filter(has_text="whole number from 0 to")).to_be_visible()
    field.fill("7")
    field.press("Tab")
    expect(ana.room.desk.get_by_role("alert").filter(has_text="whole number from 0 to")).to_be_hidden()


def test_a_project_deleted_while_open_says_so_and_leaves_the_text_to_copy(ana: Visitor, bo: Visitor) -> None:
    title = "First light"
    shown = bo.room.text()
    other = ana.context.new_page()
    other.goto("/projects/")
    other.get_by_role("link", name=f"Delete {title}").click()
    other.get_by_role("button", name="Delete project").click()
    for visitor in (ana, bo):
        expect(visitor.page.get_by_role("alert").filter(has_text="This project was deleted")).to_be_visible()
        assert visitor.room.text() == shown
    expect(other.get_by_role("link", name=title, exact=True)).to_have_count(0)


def test_signing_out_in_another_tab_ends_the_room_and_leaves_the_text(ana: Visitor) -> None:
    shown = ana.room.text()
    other = ana.context.new_page()
    other.goto("/accounts/logout/")
    other.get_by_role("main").get_by_role("button", name="Sign out").click()
    _expect_session_ended(ana, shown)


def test_a_session_that_ends_in_the_middle_is_said_and_leaves_the_text(ana: Visitor) -> None:
    shown = ana.room.text()
    cookies = {cookie["name"]: cookie["value"] for cookie in ana.context.cookies()}
    key = cookies["sessionid"]
    assert ask(lambda: Session.objects.filter(session_key=key).delete()[0]) == 1
    ana.complaints.expect(LOST_CONNECTION, r"status of 40[13]")
    # A blip of the network: what comes back is no longer signed in.
    ana.context.set_offline(True)
    expect(ana.room.pill).to_contain_text("Offline")
    ana.context.set_offline(False)
    _expect_session_ended(ana, shown)


def _expect_session_ended(visitor: Visitor, shown: str) -> None:
    expect(visitor.page.get_by_role("alert").filter(has_text="session ended")).to_be_visible(timeout=15_000)
    assert visitor.room.text() == shown


def test_edits_made_offline_are_kept_in_the_browser_and_merged_once(ana: Visitor, bo: Visitor) -> None:
    ana.complaints.expect(LOST_CONNECTION)
    address = ana.page.url
    ana.room.prompt.click()
    ana.keyboard.press("Control+Home")
    ana.context.set_offline(True)
    expect(ana.room.pill).to_contain_text("Offline")
    ana.keyboard.type("Offline words: ")
    bo.room.prompt.click()
    bo.keyboard.press("Control+End")
    bo.keyboard.type(", meanwhile gulls")
    expect(bo.room.pill).to_contain_text("Saved")
    wanted = f"Offline words: {WRITTEN}, meanwhile gulls"
    # The page that was written on is closed before it could send anything.
    ana.page.close()
    ana.context.set_offline(False)
    assert "Offline" not in bo.room.text()
    ana.page = ana.context.new_page()
    ana.page.goto(address)
    for visitor in (ana, bo):
        visitor.room.expect_text(wanted)
    ana.room.ready()
    until(lambda: durable_prompts(ana.room.project_id), lambda prompts: wanted in prompts)


def test_edits_made_offline_are_sent_when_the_connection_is_back(ana: Visitor, bo: Visitor) -> None:
    ana.complaints.expect(LOST_CONNECTION)
    ana.room.prompt.click()
    ana.keyboard.press("Control+Home")
    ana.context.set_offline(True)
    ana.keyboard.type("Unplugged, ")
    expect(ana.room.pill).to_contain_text("Offline")
    ana.room.request()
    expect(ana.room.alert).to_contain_text("no connection")
    ana.context.set_offline(False)
    for visitor in (ana, bo):
        visitor.room.expect_text(f"Unplugged, {WRITTEN}")
        expect(visitor.room.pill).to_contain_text("Saved", timeout=15_000)
    assert takes_of(ana.room.project_id) == []
