"""Take the README's picture: ``.venv/bin/python -m tests.e2e.picture`` writes ``docs/room.png``.

Two people in one room of a real studio, a real clip on the stage, both carets in the prompt.
"""

import shutil

from playwright.sync_api import Browser, expect, sync_playwright

from project.env import ROOT
from tests.e2e.browsers import launch
from tests.e2e.people import Visitor
from tests.e2e.waiting import await_worker, until
from tests.helpers.studio import Studio

TARGET = ROOT / "docs" / "room.png"
PROMPTS = (
    "a red ball bounces on a sunny day",
    "a yellow bell rings slowly at night",
    "a white boat sails to the right at sunset",
)


def main() -> None:
    studio = Studio().start()
    try:
        await_worker(studio)
        with sync_playwright() as playwright:
            browser = launch(playwright.chromium)
            _picture(browser, studio)
            browser.close()
    finally:
        studio.stop()
        shutil.rmtree(studio.data, ignore_errors=True)
    print(f"wrote {TARGET.relative_to(ROOT)}")


def _picture(browser: Browser, studio: Studio) -> None:
    ana = Visitor(browser, studio.url, "Ana", color_scheme="dark").try_now()
    bo = Visitor(browser, studio.url, "Bo", color_scheme="dark").accept(ana.room.invite())
    for number, prompt in enumerate(PROMPTS, start=1):
        _film(ana, number, prompt)
    ana.room.choose_shot(3)
    final = ana.room.next_number() - 1
    ana.room.expect_take(ana.room.request(), "done")
    ana.room.take(final).click()
    bo.room.choose_shot(3)
    expect(ana.room.video).to_be_visible()
    _write_together(ana, bo)
    ana.room.video.evaluate("(video) => { video.pause(); video.currentTime = 1.3; }")
    until(lambda: ana.room.film("seeking") is False)
    ana.page.mouse.move(0, 0)
    ana.room.ready()
    TARGET.parent.mkdir(exist_ok=True)
    ana.page.screenshot(path=TARGET, caret="initial")


def _film(ana: Visitor, shot: int, prompt: str) -> None:
    room = ana.room
    room.choose_shot(shot)
    room.write(prompt)
    seed = room.desk.get_by_role("textbox", name="Seed")
    seed.fill(str(shot))
    seed.press("Tab")
    room.desk.get_by_role("radio", name="Final").check()
    number = room.request()
    room.expect_take(number, "done")
    room.pick(number).click()
    expect(room.pick(number)).to_have_attribute("aria-pressed", "true")


def _write_together(ana: Visitor, bo: Visitor) -> None:
    """Bo selects a word; Ana's caret stands in the middle of the line."""
    bo.room.prompt.click()
    bo.keyboard.press("Control+Home")
    for _ in range(2):
        bo.keyboard.press("Control+ArrowRight")
    bo.keyboard.press("Control+Shift+ArrowRight")
    ana.room.prompt.click()
    ana.keyboard.press("Control+End")
    ana.keyboard.type(", slowly")
    expect(ana.room.prompt.get_by_text("Bo", exact=True)).to_be_visible()


if __name__ == "__main__":
    main()
