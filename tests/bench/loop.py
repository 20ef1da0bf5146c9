"""The loop on two screens: a request's way to both, and a keystroke's way to the other.

All times are taken inside the pages, by the clock that both browsers share.
"""

import statistics
from dataclasses import dataclass

from playwright.sync_api import Page

from tests.bench.figures import Figure, percentile
from tests.e2e.people import Visitor
from tests.e2e.waiting import until

TAKES = 5
KEYSTROKES = 200
KEY_PAUSE_MS = 60
"""Between two keys of one person: a fast typist's."""

# When the request left the keyboard, when the stage first showed a picture of it, and when its clip could be played.
CLOCK_STAGE = """(stage) => {
    const times = { asked: 0, preview: 0, clip: 0 };
    window.rushesTimes = times;
    addEventListener('keydown', (event) => {
        if (event.ctrlKey && event.key === 'Enter') Object.assign(times, { asked: Date.now(), preview: 0, clip: 0 });
    }, true);
    const canvas = stage.querySelector('canvas');
    const look = () => {
        const shown = canvas.checkVisibility({ visibilityProperty: true }) && canvas.width > 0;
        if (shown && times.preview === 0) times.preview = Date.now();
        requestAnimationFrame(look);
    };
    stage.querySelector('video').addEventListener('loadeddata', () => { times.clip = Date.now(); });
    look();
}"""

# When the nth of one's own letters was pressed, and when the nth of the other's was first in this page.
CLOCK_KEYS = """(editor, [own, others]) => {
    const times = { pressed: [], seen: [] };
    window.rushesKeys = times;
    editor.addEventListener('keydown', (event) => { if (event.key === own) times.pressed.push(Date.now()); }, true);
    const count = () => {
        const there = editor.textContent.split(others).length - 1;
        while (times.seen.length < there) times.seen.push(Date.now());
    };
    new MutationObserver(count).observe(editor, { childList: true, characterData: true, subtree: true });
}"""


@dataclass(frozen=True)
class Showing:
    """One take: seconds from the request to its first preview and to its clip, each on the later of two screens."""

    preview_s: float
    clip_s: float


def takes(ana: Visitor, bo: Visitor) -> list[Figure]:
    """Drafts, one after the other, asked for by Ana."""
    for visitor in (ana, bo):
        visitor.room.stage.evaluate(CLOCK_STAGE)
    showings = [_showing(ana, bo) for _ in range(TAKES)]
    previews, clips = [one.preview_s for one in showings], [one.clip_s for one in showings]
    return [
        Figure(
            "draft: request to first preview on both screens", statistics.median(previews), "s", 1.5, _most(previews)
        ),
        Figure("draft: request to whole clip on both screens", statistics.median(clips), "s", 5.0, _most(clips)),
    ]


def _most(values: list[float]) -> str:
    return f"median of {len(values)}, at most {max(values):.2f} s"


def _showing(ana: Visitor, bo: Visitor) -> Showing:
    bo.page.evaluate("() => Object.assign(rushesTimes, { preview: 0, clip: 0 })")
    number = ana.room.request()
    for visitor in (ana, bo):
        visitor.room.expect_take(number, "done")
    hers, his = _shown(ana.page), _shown(bo.page)
    asked = hers["asked"]
    preview = max(hers["preview"], his["preview"])
    assert min(hers["preview"], his["preview"]) > asked, "a screen showed no preview"
    return Showing((preview - asked) / 1000, (max(hers["clip"], his["clip"]) - asked) / 1000)


def _shown(page: Page) -> dict[str, int]:
    def read() -> dict[str, int]:
        times: dict[str, int] = page.evaluate("() => ({ ...rushesTimes })")
        return times

    return until(read, lambda times: times["clip"] > 0)


def keystrokes(ana: Visitor, bo: Visitor) -> list[Figure]:
    """Both type into one prompt at once, half of the keys each."""
    letters = ((ana, "x", "z"), (bo, "z", "x"))
    ana.room.write("")
    bo.room.expect_text("")
    for visitor, own, others in letters:
        visitor.room.prompt.click()
        visitor.room.prompt.evaluate(CLOCK_KEYS, [own, others])
    for _ in range(KEYSTROKES // 2):
        for visitor, own, _others in letters:
            visitor.keyboard.press(own)
            visitor.page.wait_for_timeout(KEY_PAUSE_MS / 2)
    hers, his = (_keys(visitor) for visitor, _, _ in letters)
    waits = [*_waits(hers["pressed"], his["seen"]), *_waits(his["pressed"], hers["seen"])]
    return [
        Figure("edit on the other screen, p50", percentile(waits, 0.5), "ms", None, f"{len(waits)} keystrokes"),
        Figure("edit on the other screen, p95", percentile(waits, 0.95), "ms", 100.0, f"at most {max(waits):.0f} ms"),
    ]


def _keys(visitor: Visitor) -> dict[str, list[int]]:
    half = KEYSTROKES // 2
    return until(lambda: visitor.page.evaluate("() => rushesKeys"), lambda keys: len(keys["seen"]) == half)


def _waits(pressed: list[int], seen: list[int]) -> list[float]:
    return [float(there - here) for here, there in zip(pressed, seen, strict=True)]
