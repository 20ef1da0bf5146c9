"""Everything by keyboard, with the focus always in sight."""

import re
from typing import Any

from playwright.sync_api import Page, expect

from tests.e2e.conftest import Come
from tests.e2e.people import Visitor
from tests.e2e.waiting import until

# What has the focus, by its accessible name as far as the page can tell, and whether the focus changes its looks or
# those of what is around it.
FOCUSED = """() => {
    const one = document.activeElement;
    if (one === document.body) return null;
    const ring = (at) => {
        const { outlineStyle, outline, boxShadow, borderColor, backgroundColor, textDecoration } = getComputedStyle(at);
        return [outlineStyle === 'none' ? '' : outline, boxShadow, borderColor, backgroundColor, textDecoration].join();
    };
    const around = [one, one.nextElementSibling].filter(Boolean);
    for (let at = one.parentElement; at && around.length < 7; at = at.parentElement) around.push(at);
    const focused = around.map(ring);
    one.blur();
    const blurred = around.map(ring);
    one.focus({ preventScroll: true, focusVisible: true });
    const label = one.getAttribute('aria-label') ?? one.labels?.[0]?.textContent ?? one.textContent ?? '';
    const box = one.getBoundingClientRect();
    return { name: label.trim(), tag: one.tagName, shown: focused.some((look, at) => look !== blurred[at]),
        seen: box.width > 0 && box.bottom > 0 && box.top < innerHeight };
}"""


def walk(page: Page, most: int = 80) -> list[dict[str, Any]]:
    """Press Tab from the top of the page until the focus leaves it."""
    stops: list[dict[str, Any]] = []
    for _ in range(most):
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUSED)
        if stop is None:
            return stops
        stops.append(stop)
    raise AssertionError(f"Tab does not come out of the page: {[stop['name'] for stop in stops]}")


def expect_visible_focus(stops: list[dict[str, Any]]) -> None:
    hidden = [stop for stop in stops if not (stop["shown"] and stop["seen"])]
    assert not hidden, f"the focus cannot be seen on: {hidden}"


def test_tab_reaches_all_of_the_room_and_the_focus_is_always_seen(ana: Visitor) -> None:
    number = ana.room.request()
    ana.room.expect_take(number, "done")
    expect(ana.room.video).to_be_visible()
    ana.page.reload()
    ana.room.expect_take(number, "done")
    ana.room.ready()
    expect(ana.room.playback.get_by_role("button", name="Play")).to_be_enabled()
    stops = walk(ana.page)
    names = "\n".join(stop["name"] for stop in stops)
    for wanted in (
        "Skip to", "Rushes, all projects", "Project title", "Share", "Keyboard shortcuts", "Shot 1:", "Shot 3:",
        "Actions for shot 1", "Add a shot", "Play", "Position in the clip", "Mute", "Volume", "Loop", "Full screen",
        "Take 1", f"Take {number}", f"Pick take {number}", "Download", "Prompt", "Style", "Light", "Pace", "Size",
        "Length", "Seed", "Generate",
    ):  # fmt: skip
        assert re.search(rf"^{wanted}", names, re.MULTILINE), f"{wanted!r} is not among the stops:\n{names}"
    expect_visible_focus(stops)


def test_tab_reaches_all_of_the_front_page_and_of_the_projects(ana: Visitor, come: Come) -> None:
    stranger = come("Sam")
    stranger.page.goto("/")
    stops = walk(stranger.page)
    expect_visible_focus(stops)
    assert {"Try it now", "Français"} <= {stop["name"] for stop in stops}
    ana.page.goto("/projects/")
    expect_visible_focus(walk(ana.page))


def test_a_guest_comes_in_and_generates_without_a_mouse(come: Come) -> None:
    guest = come("Kim")
    guest.page.goto("/")
    guest.page.get_by_role("textbox", name="Your name").focus()
    guest.keyboard.type("Kim")
    guest.keyboard.press("Enter")
    guest.room.ready()
    guest.room.prompt.focus()
    guest.keyboard.press("Control+a")
    guest.keyboard.type("a yellow car drives to the left")
    number = guest.room.next_number()
    guest.keyboard.press("Control+Enter")
    guest.room.expect_take(number, "done")
    guest.keyboard.press("Escape")
    _plays_and_steps(guest)
    _shows_the_keys(guest)


def _plays_and_steps(visitor: Visitor) -> None:
    room = visitor.room
    until(lambda: room.film("readyState"), lambda state: state >= 2)
    if room.film("paused"):
        visitor.keyboard.press("Space")
    room.expect_playing()
    visitor.keyboard.press("Space")
    until(lambda: room.film("paused"))
    for _ in range(30):
        visitor.keyboard.press("ArrowLeft")
    expect(room.position).to_have_attribute("aria-valuenow", "0")
    for frame in (1, 2, 3):
        visitor.keyboard.press("ArrowRight")
        expect(room.position).to_have_attribute("aria-valuenow", str(frame))
    visitor.keyboard.press("ArrowLeft")
    expect(room.position).to_have_attribute("aria-valuenow", "2")


def _shows_the_keys(visitor: Visitor) -> None:
    visitor.keyboard.press("?")
    overlay = visitor.page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(overlay).to_contain_text("Generate")
    visitor.keyboard.press("Escape")
    expect(overlay).to_be_hidden()


def test_single_keys_rest_while_typing(ana: Visitor) -> None:
    ana.room.write("")
    ana.keyboard.type("n? f k j l s")
    ana.room.expect_text("n? f k j l s")
    expect(ana.page.get_by_role("dialog")).to_have_count(0)
    expect(ana.room.shots).to_have_count(3)


def test_a_shot_is_added_named_moved_and_deleted_by_keyboard(ana: Visitor, bo: Visitor) -> None:
    ana.room.prompt.focus()
    ana.keyboard.press("Escape")
    ana.keyboard.press("n")
    title = ana.room.board.get_by_role("textbox")
    expect(title).to_be_focused()
    ana.keyboard.type("The lantern")
    ana.keyboard.press("Enter")
    expect(bo.room.shots.nth(3)).to_contain_text("The lantern")
    ana.keyboard.press("Alt+Shift+ArrowUp")
    expect(bo.room.shots.nth(2)).to_contain_text("The lantern")
    ana.room.board.get_by_role("button", name="Actions for shot 3").press("Enter")
    ana.page.get_by_role("menuitem", name="Delete").press("Enter")
    ana.page.get_by_role("dialog").get_by_role("button", name="Delete shot").press("Enter")
    expect(bo.room.shots).to_have_count(3)
    expect(ana.room.shots).to_have_count(3)
