"""Two people in one prompt."""

import re

import psycopg
from playwright.sync_api import expect

from tests.e2e.people import Visitor, type_at_once
from tests.e2e.room import WRITTEN
from tests.e2e.rows import durable_prompts
from tests.e2e.waiting import until
from tests.helpers.studio import Studio


def expect_same(ana: Visitor, bo: Visitor, holds: str) -> None:
    until(lambda: (ana.room.text(), bo.room.text()), lambda texts: texts[0] == texts[1] and re.search(holds, texts[0]))


def test_an_invitation_link_lets_bo_into_the_same_room_and_both_see_each_other(ana: Visitor, bo: Visitor) -> None:
    assert bo.room.project_id == ana.room.project_id
    for visitor, other in ((ana, "Bo"), (bo, "Ana")):
        expect(visitor.room.pill).to_contain_text("2 here")
        people = visitor.room.banner.get_by_role("list", name="People here")
        expect(people.get_by_role("listitem").filter(has_text=other)).to_be_visible()
        visitor.room.panel.get_by_role("tab", name="People").click()
        expect(visitor.room.panel.get_by_role("listitem").filter(has_text=other)).to_be_visible()


def test_both_type_into_one_prompt_at_once_and_read_the_same(ana: Visitor, bo: Visitor) -> None:
    for visitor, end in ((ana, "Control+Home"), (bo, "Control+End")):
        visitor.room.prompt.click()
        visitor.keyboard.press(end)
    type_at_once(ana, "Early in the morning, ", bo, ", gulls cry")
    for visitor in (ana, bo):
        visitor.room.expect_text(f"Early in the morning, {WRITTEN}, gulls cry")


def test_typing_at_the_very_same_place_loses_no_letter(ana: Visitor, bo: Visitor) -> None:
    for visitor in (ana, bo):
        visitor.room.prompt.click()
        visitor.keyboard.press("Control+Home")
    type_at_once(ana, "xxxxxxxxxxxxxxxxxxxx", bo, "zzzzzzzzzzzzzzzzzzzz")
    expect_same(ana, bo, rf"^[xz]{{40}}{WRITTEN}$")
    assert ana.room.text().count("x") == ana.room.text().count("z") == 20


def test_each_sees_the_others_caret_and_selection_with_the_name(ana: Visitor, bo: Visitor) -> None:
    ana.room.prompt.click()
    ana.keyboard.press("Control+Home")
    bo.room.prompt.click()
    bo.keyboard.press("Control+End")
    expect(bo.room.prompt.get_by_text("Ana", exact=True)).to_be_visible()
    expect(ana.room.prompt.get_by_text("Bo", exact=True)).to_be_visible()
    bo.keyboard.press("Control+Shift+ArrowLeft")
    expect(ana.room.prompt.locator(".sel")).to_have_text(WRITTEN.split()[-1])
    bo.leave()
    expect(ana.room.prompt.get_by_text("Bo", exact=True)).to_have_count(0)


def test_undo_takes_back_only_ones_own_edits(ana: Visitor, bo: Visitor) -> None:
    for visitor, end, text in ((ana, "Control+Home", "Slowly, "), (bo, "Control+End", ", gulls cry")):
        visitor.room.prompt.click()
        visitor.keyboard.press(end)
        visitor.keyboard.type(text)
    both = f"Slowly, {WRITTEN}, gulls cry"
    ana.room.expect_text(both)
    for _ in range(5):
        ana.keyboard.press("Control+z")
    for visitor in (ana, bo):
        visitor.room.expect_text(f"{WRITTEN}, gulls cry")
    ana.keyboard.press("Control+y")
    bo.room.expect_text(both)
    for _ in range(5):
        bo.keyboard.press("Control+z")
    for visitor in (ana, bo):
        visitor.room.expect_text(f"Slowly, {WRITTEN}")


def test_saved_is_said_only_when_the_database_holds_it(ana: Visitor, studio: Studio) -> None:
    ana.room.prompt.click()
    ana.keyboard.press("Control+End")
    with psycopg.connect(studio.database_url) as connection:
        connection.execute("LOCK TABLE studio_documentupdate IN SHARE MODE")
        # Real typing, for longer than the calm that the pill keeps before it says Saved again.
        ana.keyboard.type(", seen from a boat far out", delay=40)
        expect(ana.room.pill).to_contain_text("Saving…")
        assert WRITTEN in durable_prompts(ana.room.project_id)
    expect(ana.room.pill).to_contain_text("Saved")
    assert f"{WRITTEN}, seen from a boat far out" in durable_prompts(ana.room.project_id)


def test_every_setting_is_shared(ana: Visitor, bo: Visitor) -> None:
    choices = {"Style": "Neon", "Light": "Dim", "Pace": "Fast", "Length": "4.1 s", "Size": "1:1 · 64×64"}
    for name, choice in choices.items():
        ana.room.setting(name).select_option(label=choice)
    for name, choice in choices.items():
        expect(bo.room.setting(name).locator("option:checked")).to_have_text(choice)
    seed = ana.room.desk.get_by_role("textbox", name="Seed")
    seed.fill("417")
    seed.press("Tab")
    expect(bo.room.desk.get_by_role("textbox", name="Seed")).to_have_value("417")
    bo.room.desk.get_by_role("radio", name="Final").check()
    expect(ana.room.desk.get_by_role("radio", name="Final")).to_be_checked()
    expect(ana.room.desk.get_by_role("radio", name="Draft")).not_to_be_checked()


def test_a_click_right_after_typing_a_seed_counts(ana: Visitor) -> None:
    ana.room.desk.get_by_role("textbox", name="Seed").fill("417")
    ana.room.desk.get_by_role("radio", name="Final").click()
    expect(ana.room.desk.get_by_role("radio", name="Final")).to_be_checked()
