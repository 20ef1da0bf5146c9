"""The room page as a person finds it: by roles, labels and keys."""

import re
from typing import Any

from playwright.sync_api import Locator, Page, expect

from studio.domain.stories import STORIES
from tests.e2e.waiting import until

WRITTEN = STORIES[0].prompts["en"]
"""What the first shot of a guest's project says."""

TAKE_TIMEOUT_MS = 45_000
"""A take of the small model needs 2 to 6 s; another test run on the same two cores may slow it down."""

READ_PROMPT = """(editor) => [...editor.querySelectorAll('.cm-line')].map((line) => {
    const copy = line.cloneNode(true);
    copy.querySelectorAll('.caret, .cm-placeholder').forEach((other) => other.remove());
    return copy.textContent;
}).join('\\n')"""

# The picture is read through a canvas of 8 × 8 so that watching costs next to nothing.
WATCH_STAGE = """(stage) => {
    const seen = { steps: new Set(), pictures: new Set() };
    const small = Object.assign(document.createElement('canvas'), { width: 8, height: 8 });
    const brush = small.getContext('2d', { willReadFrequently: true });
    const shown = (one) => one?.checkVisibility({ visibilityProperty: true }) ?? false;
    const look = () => {
        const bar = stage.querySelector('[role=progressbar]');
        const canvas = stage.querySelector('canvas');
        if (shown(bar)) seen.steps.add(Number(bar.getAttribute('aria-valuenow')));
        if (shown(canvas) && canvas.width > 0) {
            brush.drawImage(canvas, 0, 0, 8, 8);
            seen.pictures.add(brush.getImageData(0, 0, 8, 8).data.join());
        }
        requestAnimationFrame(look);
    };
    window.rushesSeen = seen;
    look();
}"""


class Room:
    """What can be seen and done in a room, in one browser page. ``words`` are the page's language's own."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.banner = page.get_by_role("banner")
        self.pill = self.banner.get_by_role("status")
        self.board = page.get_by_role("navigation", name="Storyboard")
        self.shots = self.board.get_by_role("listitem")
        self.stage = page.get_by_role("region", name="Stage")
        self.steps = self.stage.get_by_role("progressbar")
        self.preview = self.stage.locator("canvas")
        self.video = self.stage.locator("video")
        self.playback = page.get_by_role("region", name="Playback")
        self.position = self.playback.get_by_role("slider", name="Position in the clip")
        self.takes = page.get_by_role("region", name="Takes")
        self.desk = page.get_by_role("region", name="Prompt desk")
        self.prompt = page.get_by_role("textbox", name="Prompt", exact=True)
        self.generate = self.desk.get_by_role("button", name=re.compile("^Generate"))
        self.alert = self.desk.get_by_role("alert")
        self.panel = page.get_by_role("complementary", name="Details")

    @property
    def project_id(self) -> str:
        found = re.search(r"/projects/([0-9a-f-]{36})/", self.page.url)
        assert found, self.page.url
        return found.group(1)

    def ready(self) -> "Room":
        """Wait until the room is loaded, written and safe."""
        expect(self.pill).to_contain_text("Saved")
        expect(self.prompt).to_be_visible()
        return self

    def text(self) -> str:
        """The prompt as it stands on this screen."""
        return str(self.prompt.evaluate(READ_PROMPT))

    def expect_text(self, wanted: str) -> None:
        until(self.text, lambda text: text == wanted)

    def write(self, text: str) -> None:
        """Replace the prompt, by hand."""
        self.prompt.click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.press("Delete")
        self.page.keyboard.insert_text(text)

    def choose_shot(self, number: int) -> None:
        self.board.get_by_role("button", name=re.compile(rf"^Shot {number}:")).click()

    def setting(self, name: str) -> Locator:
        return self.desk.get_by_role("combobox", name=name)

    def make_it_long(self) -> None:
        """The longest take of the small model: time enough to do something meanwhile."""
        self.setting("Size").select_option("128x64")
        self.setting("Length").select_option("33")
        self.desk.get_by_role("radio", name="Final").check()

    def add_shot(self, title: str) -> None:
        """Add a shot, name it, and have it before one: nothing is written or filmed in it."""
        self.board.get_by_role("button", name="Add a shot").click()
        name = self.board.get_by_role("textbox")
        expect(name).to_be_focused()
        name.fill(title)
        name.press("Enter")

    def request(self) -> int:
        """Generate, from the keyboard; the number of the take that this asks for."""
        number = self.next_number()
        self.prompt.press("Control+Enter")
        return number

    def next_number(self) -> int:
        """The number that the shot's next take gets. The shots of a guest's project begin with a take each."""
        return self.takes.get_by_role("button", name=re.compile(r"^Take \d+,")).count() + 1

    def take(self, number: int) -> Locator:
        return self.takes.get_by_role("button", name=re.compile(rf"^Take {number},"))

    def expect_take(self, number: int, state: str, *, timeout_ms: int = TAKE_TIMEOUT_MS) -> None:
        """Wait until the take's card says that state."""
        card = self.takes.get_by_role("button", name=re.compile(rf"^Take {number},.*\b{state}"))
        expect(card).to_be_visible(timeout=timeout_ms)

    def pick(self, number: int) -> Locator:
        """The button that picks a take, which must be on stage, and that lets it go again."""
        return self.page.get_by_role("button", name=f"Pick take {number} for this shot", exact=True)

    def expect_step(self, at_least: int = 1, *, timeout_s: float = 45) -> int:
        """Wait until the running take on stage has come that far; the step that it is at."""
        return until(self.step, lambda step: step is not None and step >= at_least, timeout_s=timeout_s) or 0

    def step(self) -> int | None:
        """The step that the stage shows; None while nothing runs there."""
        shown = self.steps.evaluate_all("(bars) => bars.map((bar) => bar.getAttribute('aria-valuenow'))")
        return int(shown[0]) if shown else None

    def watch(self) -> None:
        """Note from now on every step and every picture that the stage shows of running takes."""
        self.stage.evaluate(WATCH_STAGE)

    def seen(self) -> tuple[set[int], int]:
        """The steps that were shown since ``watch``, and how many different pictures."""
        steps, pictures = self.page.evaluate("() => [[...rushesSeen.steps], rushesSeen.pictures.size]")
        return {int(step) for step in steps if step}, int(pictures)

    def film(self, name: str) -> Any:
        """A property of the video element."""
        return self.video.evaluate(f"(video) => video.{name}")

    def expect_playing(self) -> None:
        """Wait until the clip is shown and its time goes on."""
        expect(self.video).to_be_visible()
        begun = float(self.film("currentTime"))
        until(lambda: float(self.film("currentTime")), lambda now: now != begun)

    def invite(self, role: str = "edit and generate") -> str:
        """Make an invitation link and close the dialog."""
        self.banner.get_by_role("button", name="Share").click()
        dialog = self.page.get_by_role("dialog", name="Share this project")
        dialog.get_by_role("radio", name=role, exact=True).check()
        dialog.get_by_role("button", name="Create link").click()
        link = dialog.get_by_role("textbox", name="Invitation link")
        expect(link).to_have_value(re.compile(r"^http://.*/join/"))
        address = link.input_value()
        dialog.get_by_role("button", name="Close").click()
        return address
