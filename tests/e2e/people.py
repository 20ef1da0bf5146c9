"""People with a browser of their own each."""

from itertools import zip_longest
from typing import Any

from playwright.sync_api import Browser, Page, expect

from tests.e2e.browsers import Complaints
from tests.e2e.room import Room

VIEWPORT = {"width": 1440, "height": 900}


class Visitor:
    """Somebody at a browser of their own: nothing is shared with anybody else's."""

    def __init__(self, browser: Browser, address: str, name: str, **options: Any) -> None:
        self.name, self.address = name, address
        settings: dict[str, Any] = {"base_url": address, "locale": "en-GB", "viewport": VIEWPORT, **options}
        self.context = browser.new_context(**settings)
        self.complaints = Complaints()
        self.complaints.listen(self.context)
        self.page: Page = self.context.new_page()

    @property
    def room(self) -> Room:
        return Room(self.page)

    @property
    def keyboard(self) -> Any:
        return self.page.keyboard

    def try_now(self) -> "Visitor":
        """From the front page into a room of one's own."""
        self.page.goto("/")
        self.page.get_by_role("textbox", name="Your name").fill(self.name)
        self.page.get_by_role("button", name="Try it now").click()
        self.room.ready()
        return self

    def accept(self, invitation: str) -> "Visitor":
        """Follow an invitation link, give one's name, and come in."""
        self.page.goto(invitation)
        self.page.get_by_role("textbox", name="Your name").fill(self.name)
        self.page.get_by_role("button", name="Join", exact=True).click()
        expect(self.room.prompt).to_be_visible()
        return self

    def come_back(self, address: str) -> "Visitor":
        """Close the page and open an address in a new one, in the same browser."""
        self.page.close()
        self.page = self.context.new_page()
        self.page.goto(address)
        return self

    def leave(self) -> None:
        """Close the browser."""
        self.context.close()


def type_at_once(ana: Visitor, hers: str, bo: Visitor, his: str, delay_ms: float = 0) -> None:
    """Both type, a key each in turn, without waiting for each other's screens."""
    for one, other in zip_longest(hers, his):
        if one:
            ana.keyboard.type(one, delay=delay_ms)
        if other:
            bo.keyboard.type(other, delay=delay_ms)
