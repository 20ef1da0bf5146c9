"""Every page on a telephone and on a wall, in dark and in light, without a word in the console."""

from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Come
from tests.e2e.people import Visitor

WIDTHS = (360, 768, 1440, 2560)
SCHEMES: tuple[Literal["dark", "light"], ...] = ("dark", "light")
# What sticks out to the right, unless something around it scrolls or clips it.
WIDER = """() => {
    const clips = (at) => at !== document.body
        && (getComputedStyle(at).overflowX !== 'visible' || clips(at.parentElement));
    return [...document.querySelectorAll('body *')]
        .filter((one) => one.checkVisibility({ visibilityProperty: true }) && !clips(one.parentElement))
        .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
        .map((one) => `<${one.localName} class="${one.getAttribute('class')}">`).slice(0, 8);
}"""


def look_around(page: Page) -> None:
    """At each width and in both schemes: nothing sticks out, and the scheme is the one asked for."""
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            wide = page.evaluate("() => document.scrollingElement.scrollWidth")
            assert wide <= width, f"{page.url} at {width}: {wide} wide, by {page.evaluate(WIDER)}"
        assert _is_dark(page) is (scheme == "dark"), f"{page.url} is not {scheme}"


def _is_dark(page: Page) -> bool:
    colour = page.evaluate("() => getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/g).slice(0, 3)")
    return sum(float(part) for part in colour) < 3 * 128


@pytest.mark.parametrize("path", ["/", "/accounts/login/", "/accounts/signup/"])
def test_pages_for_everybody_fit_every_width(come: Come, path: str) -> None:
    visitor = come("Sam")
    visitor.page.goto(path)
    look_around(visitor.page)


def test_projects_keep_and_join_fit_every_width(ana: Visitor, come: Come) -> None:
    invitation = ana.room.invite()
    for path in ("/projects/", "/keep/"):
        ana.page.goto(path)
        look_around(ana.page)
    visitor = come("Sam")
    visitor.page.goto(invitation)
    look_around(visitor.page)


def test_the_longest_names_break_no_page(come: Come) -> None:
    ana = come("M" * 60).try_now()
    invitation = ana.room.invite()
    ana.room.add_shot("M" * 60)
    look_around(ana.page)
    for path in ("/projects/", "/keep/", "/accounts/logout/"):
        ana.page.goto(path)
        look_around(ana.page)
    guest = come("W" * 60)
    guest.page.goto(invitation)
    look_around(guest.page)


def test_the_room_fits_every_width_with_all_that_it_needs(ana: Visitor) -> None:
    ana.room.expect_take(ana.room.request(), "done")
    expect(ana.room.video).to_be_visible()
    look_around(ana.page)
    for width in WIDTHS:
        ana.page.set_viewport_size({"width": width, "height": 900})
        for part in (ana.room.prompt, ana.room.generate, ana.room.video, ana.room.pill, ana.room.shots.first):
            part.scroll_into_view_if_needed()
            expect(part).to_be_in_viewport()
    ana.page.set_viewport_size({"width": 360, "height": 740})
    number = ana.room.next_number()
    ana.room.generate.click()
    ana.room.expect_take(number, "done")
