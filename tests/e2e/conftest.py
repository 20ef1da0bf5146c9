"""A studio with its processes, a real Chromium, and people in it. One of each serves all these tests."""

import re
import shutil
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, expect, sync_playwright

from project.env import ROOT
from tests.e2e.browsers import launch
from tests.e2e.house import House
from tests.e2e.pair import Pair
from tests.e2e.people import Visitor
from tests.e2e.rows import database_of
from tests.e2e.waiting import await_worker
from tests.helpers.studio import Studio

PICTURES = ROOT / "test-results"
Come = Callable[..., Visitor]

expect.set_options(timeout=10_000)


def opened(studio: Studio, blocker: Any) -> Iterator[Studio]:
    """A studio with Django's models on its database, until the end of the tests that share it."""
    studio.start()
    with database_of(studio, blocker):
        yield studio
    studio.stop()
    shutil.rmtree(studio.data, ignore_errors=True)


@pytest.fixture(scope="package")
def studio(django_db_setup: None, django_db_blocker: Any) -> Iterator[Studio]:
    """The studio as ``make run`` gives it, with a worker that has its model."""
    for server in opened(Studio(RUSHES_GUEST_LIMIT="1000"), django_db_blocker):
        await_worker(server)
        yield server


@pytest.fixture(scope="module")
def house(django_db_setup: None, django_db_blocker: Any) -> Iterator[House]:
    """A studio in parts, with no worker. A module that breaks parts has it in the place of ``studio``."""
    parts = House(RUSHES_GUEST_LIMIT="1000")
    try:
        parts.start()
        with database_of(parts, django_db_blocker):
            yield parts
    finally:
        parts.stop()


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One Chromium. It ends before other tests begin: its event loop would be in the way of theirs."""
    with sync_playwright() as playwright:
        chromium = launch(playwright.chromium)
        yield chromium
        chromium.close()


@pytest.fixture
def come(browser: Browser, studio: Studio | House, request: pytest.FixtureRequest) -> Iterator[Come]:
    """Somebody new comes, with a browser of their own; at the end none of them may have complained."""
    visitors: list[Visitor] = []

    def arrive(name: str, **options: Any) -> Visitor:
        visitors.append(Visitor(browser, studio.url, name, **options))
        return visitors[-1]

    yield arrive
    for visitor in visitors:
        _photograph(visitor, request.node)
        visitor.leave()
    found = [f"{visitor.name}: {one}" for visitor in visitors for one in visitor.complaints.found]
    assert not found, "the browsers complained:\n" + "\n".join(found)


@pytest.fixture
def ana(come: Come) -> Visitor:
    """Ana, a guest, in the sample project that is hers."""
    return come("Ana").try_now()


@pytest.fixture
def bo(come: Come, ana: Visitor) -> Visitor:
    """Bo, invited by Ana to edit, in the same room."""
    visitor = come("Bo").accept(ana.room.invite())
    visitor.room.ready()
    return visitor


@pytest.fixture
def aude(come: Come) -> Visitor:
    """Aude, a guest whose browser is French, in the sample project that is hers."""
    visitor = come("Aude", locale="fr-FR")
    visitor.page.goto("/")
    visitor.page.get_by_role("main").get_by_role("button").first.click()
    expect(visitor.room.pill).to_contain_text("Enregistré")
    return visitor


@pytest.fixture
def pair(ana: Visitor, bo: Visitor) -> Pair:
    """Both of them about to write."""
    return Pair(ana, bo).begin()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, None]:
    """On a failure, show what the studio's processes said."""
    outcome = yield
    report = outcome.get_result()
    if not report.failed:
        return
    item.stash[FAILED] = True
    studio = getattr(item, "funcargs", {}).get("studio")
    if isinstance(studio, Studio | House):
        report.sections.append(("the studio's log", studio.tail()))


FAILED = pytest.StashKey[bool]()


def _photograph(visitor: Visitor, item: pytest.Item) -> None:
    """Keep what somebody saw when the test failed."""
    if not item.stash.get(FAILED, False):
        return
    PICTURES.mkdir(exist_ok=True)
    name = re.sub(r"\W+", "-", f"{item.name}-{visitor.name}")
    try:
        visitor.page.screenshot(path=Path(PICTURES, f"{name}.png"), timeout=3000)
    except Error as error:  # a page that the test closed has no picture
        print(f"no picture of {visitor.name}'s page: {error.message}")
