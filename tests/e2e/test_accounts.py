"""From guest to account, and back in again."""

import uuid

from playwright.sync_api import expect

from tests.e2e.people import Visitor

PASSWORD = "a lantern over the harbour"


def test_a_guest_keeps_the_work_as_an_account_and_finds_it_after_signing_in_again(ana: Visitor) -> None:
    ana.room.write("a boat comes home")
    ana.room.ready()
    address, email = ana.page.url, f"ana.{uuid.uuid4().hex[:8]}@example.com"
    ana.page.get_by_role("link", name="Keep your work").click()
    _keep(ana, email, "short")
    expect(ana.page.get_by_role("main")).to_contain_text("at least 10 characters")
    _keep(ana, email, PASSWORD)
    expect(ana.page.get_by_role("link", name="First light", exact=True)).to_be_visible()
    expect(ana.page.get_by_role("link", name="Keep your work")).to_have_count(0)
    _sign_out(ana)
    ana.page.goto(address)
    _sign_in(ana, email, "a wrong password")
    expect(ana.page.get_by_role("main")).to_contain_text("not correct")
    _sign_in(ana, email, PASSWORD)
    ana.room.ready()
    assert ana.page.url == address
    ana.room.expect_text("a boat comes home")
    expect(ana.page.get_by_role("link", name="Keep your work")).to_have_count(0)


def _keep(visitor: Visitor, email: str, password: str) -> None:
    visitor.complaints.expect("status of 400")
    visitor.page.get_by_role("textbox", name="Email").fill(email)
    visitor.page.get_by_label("Password", exact=True).fill(password)
    visitor.page.get_by_role("button", name="Make my account").click()


def _sign_out(visitor: Visitor) -> None:
    visitor.page.locator("summary", has_text="AN").click()
    visitor.page.get_by_role("link", name="Sign out").click()
    visitor.page.get_by_role("main").get_by_role("button", name="Sign out").click()
    expect(visitor.page.get_by_role("link", name="Sign in")).to_be_visible()


def _sign_in(visitor: Visitor, email: str, password: str) -> None:
    visitor.page.get_by_role("textbox", name="Email").fill(email)
    visitor.page.get_by_label("Password", exact=True).fill(password)
    visitor.page.get_by_role("main").get_by_role("button", name="Sign in").click()
