"""What a role lets one do, and what a stranger finds."""

import re
from typing import Any

from playwright.sync_api import expect

from studio.models import Membership, Role
from tests.e2e.conftest import Come
from tests.e2e.people import Visitor
from tests.e2e.rows import ask, durable_prompts, takes_of
from tests.e2e.test_refusals import LOST_CONNECTION


def test_a_viewer_watches_everything_and_changes_nothing(ana: Visitor, come: Come) -> None:
    vic = come("Vic").accept(ana.room.invite("watch"))
    expect(vic.room.pill).to_contain_text("Read only")
    written = vic.room.text()
    assert written == ana.room.text()
    vic.room.prompt.click()
    vic.keyboard.type("mine")
    vic.room.request()
    expect(vic.room.generate).to_be_disabled()
    for name in ("Style", "Light", "Pace", "Size", "Length"):
        expect(vic.room.setting(name)).to_be_disabled()
    expect(vic.page.get_by_role("button", name="Share")).to_have_count(0)
    expect(vic.page.get_by_role("button", name="Add a shot")).to_have_count(0)
    ana.room.prompt.click()
    ana.keyboard.press("Control+End")
    ana.keyboard.type(", calmly")
    vic.room.expect_text(f"{written}, calmly")
    vic.room.watch()
    number = ana.room.request()
    vic.room.expect_take(number, "done")
    assert vic.room.seen()[1] >= 3
    vic.room.playback.get_by_role("button", name="Play").click()
    vic.room.expect_playing()
    expect(vic.room.pick(number)).to_have_count(0)
    assert len(takes_of(ana.room.project_id)) == 1
    assert f"{written}, calmly" in durable_prompts(ana.room.project_id)


def test_a_viewer_who_is_made_an_editor_goes_on_in_the_open_page_as_one(ana: Visitor, come: Come) -> None:
    bo = come("Bo").accept(ana.room.invite("watch"))
    expect(bo.room.pill).to_contain_text("Read only")
    expect(bo.room.generate).to_be_disabled()
    other = bo.context.new_page()
    other.goto(ana.room.invite())
    other.get_by_role("button", name="Join as Bo").click()
    expect(other.get_by_role("textbox", name="Prompt", exact=True)).to_be_visible()
    expect(bo.room.pill).not_to_contain_text("Read only")
    expect(bo.page.get_by_text("You can edit now")).to_have_count(1)
    expect(bo.page.get_by_text("Read only")).to_have_count(0)
    expect(bo.page.get_by_text("no longer have access")).to_have_count(0)
    expect(bo.room.generate).to_be_enabled()
    bo.room.ready()


def _make_viewer(name: str) -> None:
    for membership in Membership.objects.filter(user__display_name=name, role=Role.EDITOR):
        membership.role = Role.VIEWER
        membership.save()


def test_what_was_written_offline_by_who_may_only_look_now_is_told_and_left_to_copy(ana: Visitor, come: Come) -> None:
    dee = come("Dee").accept(ana.room.invite())
    dee.room.ready()
    dee.complaints.expect(LOST_CONNECTION)
    written = ana.room.text()
    dee.room.prompt.click()
    dee.keyboard.press("Control+End")
    dee.context.set_offline(True)
    expect(dee.room.pill).to_contain_text("Offline")
    dee.keyboard.type(", offline")
    dee.room.expect_text(f"{written}, offline")
    assert ana.room.text() == written
    ask(lambda: _make_viewer("Dee"))
    dee.context.set_offline(False)
    told = dee.page.get_by_role("alert").filter(has_text="last edits were not saved")
    expect(told).to_be_visible(timeout=15_000)
    assert dee.room.text() == f"{written}, offline", "it is there to be copied"
    told.get_by_role("link", name="Load again").click()
    expect(dee.room.pill).to_contain_text("Read only")
    dee.room.expect_text(written)
    assert ana.room.text() == written
    dee.page.reload()
    expect(dee.room.pill).to_contain_text("Read only")


def test_a_stranger_finds_nothing_and_learns_nothing(ana: Visitor, come: Come) -> None:
    ana.room.expect_take(ana.room.request(), "done")
    clip = ana.room.film("currentSrc")
    stan = come("Stan").try_now()
    stan.complaints.expect("status of 404")
    there, nowhere = ana.page.url, ana.page.url.replace(ana.room.project_id, "00000000-0000-4000-8000-000000000000")
    assert _body(stan, there) == _body(stan, nowhere)
    answer = stan.page.goto(there)
    assert answer is not None
    assert answer.status == 404
    expect(stan.page.get_by_role("heading", level=1)).to_be_visible()
    expect(stan.page.get_by_text("First light")).to_have_count(0)
    assert stan.context.request.get(clip).status == 404


def test_an_unknown_browser_is_sent_to_sign_in_and_gets_no_clip(ana: Visitor, come: Come) -> None:
    ana.room.expect_take(ana.room.request(), "done")
    clip = ana.room.film("currentSrc")
    nobody = come("Nobody")
    nobody.page.goto(ana.page.url)
    expect(nobody.page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert nobody.context.request.get(clip).status == 401


def test_an_invitation_that_never_was_is_a_404(come: Come) -> None:
    guesser = come("Guesser")
    guesser.complaints.expect("status of 404")
    answer = guesser.page.goto("/join/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/")
    assert answer is not None
    assert answer.status == 404
    expect(guesser.page.get_by_role("heading", level=1)).to_be_visible()


def _body(visitor: Visitor, address: str) -> Any:
    """The page without what is made anew for each request."""
    return re.sub(r'value="[A-Za-z0-9]{64}"|value="/[^"]*"', "", visitor.context.request.get(address).text())
