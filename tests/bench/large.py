"""A project of 200 shots and 2,000 takes: ``python -m tests.bench.large``."""

import statistics
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from tests.bench.crowd import serving
from tests.bench.figures import Figure, table
from tests.e2e.browsers import launch
from tests.e2e.waiting import until
from tests.helpers.studio import Studio

SHOTS, TAKES = 200, 2000
LOADS = 5
# Useful: every shot is on the board, and the first one's text can be read. The page's own clock, from the request on.
USEFUL = """(() => {
    const look = () => {
        const shots = document.querySelectorAll('#board li, nav li').length;
        const text = document.querySelector('.cm-content')?.textContent ?? '';
        if (shots >= 200 && text.includes('bounces 0 times')) window.rushesUseful = performance.now();
        else requestAnimationFrame(look);
    };
    look();
})()"""


def _make(shots: int, takes: int) -> Any:
    from studio.domain import projects
    from studio.models import Take, TakeState
    from tests.factories import Cast

    cast = Cast()
    words = [(f"Shot {number}", f"a red ball bounces {number} times") for number in range(shots)]
    cast.project = projects.create_project(cast.owner, cast.workspace, "Large", shots=words)
    rows = list(cast.project.shots.all())
    Take.objects.bulk_create(
        Take(
            project=cast.project, shot=rows[number % shots], number=number // shots + 1, idempotency_key=f"k{number}",
            state=TakeState.CANCELLED, prompt="a red ball", model_prompt="a red ball", quality="draft",
            width=96, height=64, frames=25, seed=1, requested_by=cast.editor,
        )
        for number in range(takes)
    )  # fmt: skip
    return cast


def _queries(cast: Any) -> int:
    """How many the page and what its socket is told cost together."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from studio.live import arrival

    client = Client(HTTP_HOST="127.0.0.1")
    client.force_login(cast.editor, backend="allauth.account.auth_backends.AuthenticationBackend")
    with CaptureQueriesContext(connection) as captured:
        assert client.get(f"/projects/{cast.project.pk}/").status_code == 200
        arrival.read_whole((cast.project.pk, "en"), {cast.editor.pk})
    return len(captured)


def _load(browser: Browser, studio: Studio, cast: Any, cookie: str) -> float:
    """Seconds from the request until the page is of use, with nothing in the browser's cache."""
    name, _, value = cookie.partition("=")
    with browser.new_context(base_url=studio.url) as context:
        context.add_cookies([{"name": name, "value": value, "url": studio.url}])
        page = context.new_page()
        page.add_init_script(USEFUL)
        page.goto(f"/projects/{cast.project.pk}/")
        useful_ms: float = until(lambda: page.evaluate("() => window.rushesUseful ?? 0"), bool)
        return useful_ms / 1000


def figures(studio: Studio) -> list[Figure]:
    """First useful paint, and that the number of queries does not grow."""
    from tests.bench.crowd import signed_in

    small, large = _make(2, 2), _make(SHOTS, TAKES)
    few, many = _queries(small), _queries(large)
    cookie = signed_in(large.editor)
    with sync_playwright() as playwright:
        browser = launch(playwright.chromium)
        times = [_load(browser, studio, large, cookie) for _ in range(LOADS)]
        browser.close()
    what = f"{SHOTS} shots and {TAKES} takes"
    return [
        Figure(
            f"{what}: first useful paint", statistics.median(times), "s", 1.5, f"of {LOADS}; {max(times):.2f} s at most"
        ),
        Figure(f"{what}: queries more than for 2 and 2", many - few, "", 0, f"{many} for the page and its socket"),
    ]


def main() -> None:
    """Print the figures."""
    with serving() as studio:
        print(table(figures(studio)))


if __name__ == "__main__":
    main()
