"""A project of 200 shots and 2,000 takes: ``python -m tests.bench.large``."""

import asyncio
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright
from psycopg import AsyncCursor

from tests.bench import large_project
from tests.bench.crowd import serving
from tests.bench.figures import RUNS, Figure, table
from tests.e2e.browsers import launch
from tests.e2e.waiting import until
from tests.helpers.studio import Studio

SHOTS, TAKES = 200, 2000
# Useful: every shot is on the board, and the first one's text can be read. The page's own clock, from the request on.
# Then its pictures: those of shots and takes that are in view.
USEFUL = """(() => {
    const isInView = (image) => {
        const { top, bottom } = image.getBoundingClientRect();
        return image.checkVisibility() && bottom > 0 && top < innerHeight;
    };
    const pictures = () => {
        const images = [...document.querySelectorAll('.thumb img')].filter(isInView);
        const there = images.length > 0 && images.every((image) => image.complete && image.naturalWidth > 0);
        if (there) window.rushesPictures = performance.now();
        else requestAnimationFrame(pictures);
    };
    const look = () => {
        const shots = document.querySelectorAll('#board li, nav li').length;
        const text = document.querySelector('.cm-content')?.textContent ?? '';
        if (shots < 200 || !text.includes('bounces 0 times')) return requestAnimationFrame(look);
        window.rushesUseful = performance.now();
        pictures();
    };
    look();
})()"""


@dataclass(frozen=True)
class Load:
    """Seconds from the request until the page is of use, and until its pictures are there."""

    useful_s: float
    pictures_s: float


class Counted(AsyncCursor[Any]):
    """Counts the statements of all of its kind."""

    statements = 0

    async def execute(self, *arguments: Any, **options: Any) -> Any:
        """Count one, and execute it."""
        Counted.statements += 1
        return await super().execute(*arguments, **options)


def _queries(cast: Any) -> int:
    """How many the page, its two sockets' admission and what each of them is told cost together."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from studio.live import admission, arrival

    client = Client(HTTP_HOST="127.0.0.1")
    client.force_login(cast.editor, backend="allauth.account.auth_backends.AuthenticationBackend")
    asked = client.cookies["sessionid"].value, cast.project.pk
    with CaptureQueriesContext(connection) as captured:
        assert client.get(f"/projects/{cast.project.pk}/").status_code == 200
        for _socket in ("room", "document"):
            assert not isinstance(admission.find([asked])[asked], str)
        arrival.read_whole((cast.project.pk, "en"), {cast.editor.pk})
    return len(captured) + asyncio.run(_document_statements(cast))


async def _document_statements(cast: Any) -> int:
    """How many the document costs when its room opens."""
    from studio.live.document_log import Connections, DocumentLog

    pool, before = Connections(), Counted.statements
    async with pool.connection() as connection:
        connection.cursor_factory = Counted
    await DocumentLog(pool, cast.project.pk, cast.project.doc_epoch).parts()
    await pool.close()
    return Counted.statements - before


def _load(browser: Browser, studio: Studio, cast: Any, cookie: str) -> Load:
    """Load the page with nothing in the browser's cache."""
    name, _, value = cookie.partition("=")
    with browser.new_context(base_url=studio.url) as context:
        context.add_cookies([{"name": name, "value": value, "url": studio.url}])
        page = context.new_page()
        page.add_init_script(USEFUL)
        page.goto(f"/projects/{cast.project.pk}/")
        return Load(_moment_s(page, "rushesUseful"), _moment_s(page, "rushesPictures"))


def _moment_s(page: Page, name: str) -> float:
    moment_ms: float = until(lambda: page.evaluate(f"() => window.{name} ?? 0"), bool)
    return moment_ms / 1000


def figures(studio: Studio) -> list[Figure]:
    """First useful paint, and that the number of queries does not grow."""
    from tests.bench.crowd import signed_in

    small, large = large_project.make(studio, 2, 2), large_project.make(studio, SHOTS, TAKES)
    few, many = _queries(small), _queries(large)
    cookie = signed_in(large.editor)
    with sync_playwright() as playwright:
        browser = launch(playwright.chromium)
        loads = [_load(browser, studio, large, cookie) for _ in range(RUNS)]
        browser.close()
    what = f"{SHOTS} shots and {TAKES} takes"
    mix = "of the takes eight in ten are clips, one failed, one was cancelled"
    return [
        Figure.of_runs(f"{what}: first useful paint", [load.useful_s for load in loads], "s", 1.5, mix),
        Figure.of_runs(f"{what}: the pictures in view", [load.pictures_s for load in loads], "s", None),
        Figure(f"{what}: queries more than for 2 and 2", many - few, "", 0, f"{many} for the page and both sockets"),
    ]


def main() -> None:
    """Print the figures."""
    with serving() as studio:
        print(table(figures(studio)))


if __name__ == "__main__":
    main()
