"""Measure what the studio must reach: ``make bench``. Real processes, two real browsers, the model that ships."""

import sys
from collections.abc import Iterator

from playwright.sync_api import Browser, sync_playwright

from tests.bench import batching, loop, start, takes, web
from tests.bench.figures import Figure
from tests.bench.run import Run
from tests.e2e.browsers import launch
from tests.e2e.people import Visitor
from tests.e2e.waiting import await_worker
from tests.helpers.studio import Studio, running


def main() -> int:
    run = Run()
    with run.part("a studio with a worker"):
        _with_worker(run)
    with run.part("longer takes"):
        run.tell(takes.measure_longer())
    with run.part("a studio without one"):
        web.measure(run)
    return run.end()


def _with_worker(run: Run) -> None:
    with running(RUSHES_LOG="json") as studio:
        with run.part("start"):
            run.tell([start.warm_start(studio)])
        await_worker(studio)
        with run.part("two browsers"):
            _with_browsers(run, studio)
        with run.part("takes"):
            run.tell(takes.measure(studio))
        with run.part("batching"):
            run.tell(batching.measure(studio))


def _with_browsers(run: Run, studio: Studio) -> None:
    with sync_playwright() as playwright:
        browsers = launch(playwright.chromium), launch(playwright.chromium)
        with run.part("loop"):
            run.tell(_loop(*browsers, studio))
        run.tell(start.memory(studio))
        for browser in browsers:
            browser.close()


def _loop(hers: Browser, his: Browser, studio: Studio) -> Iterator[Figure]:
    ana = Visitor(hers, studio.url, "Ana").try_now()
    bo = Visitor(his, studio.url, "Bo").accept(ana.room.invite())
    bo.room.ready()
    yield from loop.takes(ana, bo)
    yield from loop.keystrokes(ana, bo)
    messages = ana.complaints.messages + bo.complaints.messages
    said = "; ".join(ana.complaints.found + bo.complaints.found)
    yield Figure("console messages on both pages", messages, "", 0, said)


if __name__ == "__main__":
    sys.exit(main())
