"""Measure what the studio must reach: ``make bench``. Real processes, two real browsers, the model that ships."""

import shutil

from playwright.sync_api import Browser, sync_playwright

from tests.bench import batching, loop, start, takes, web
from tests.bench.figures import Figure, append, machine, table
from tests.e2e.browsers import launch
from tests.e2e.people import Visitor
from tests.e2e.waiting import await_worker
from tests.helpers.studio import Studio


def main() -> None:
    on = machine()
    print(on, flush=True)
    studio = Studio(RUSHES_LOG="json").start()
    try:
        figures = [start.warm_start(studio)]
        await_worker(studio)
        with sync_playwright() as playwright:
            browsers = launch(playwright.chromium), launch(playwright.chromium)
            figures += _loop(*browsers, studio)
            figures += start.memory(studio)
            for browser in browsers:
                browser.close()
        figures += takes.measure(studio)
        figures += batching.measure(studio)
    finally:
        studio.stop()
        shutil.rmtree(studio.data, ignore_errors=True)
    figures += web.figures()
    print(table(figures))
    append(f"{on}\n\n{table(figures)}")


def _loop(hers: Browser, his: Browser, studio: Studio) -> list[Figure]:
    ana = Visitor(hers, studio.url, "Ana").try_now()
    bo = Visitor(his, studio.url, "Bo").accept(ana.room.invite())
    bo.room.ready()
    figures = [*loop.takes(ana, bo), *loop.keystrokes(ana, bo)]
    messages = ana.complaints.messages + bo.complaints.messages
    said = "; ".join(ana.complaints.found + bo.complaints.found)
    return [*figures, Figure("console messages on both pages", messages, "", 0, said)]


if __name__ == "__main__":
    main()
