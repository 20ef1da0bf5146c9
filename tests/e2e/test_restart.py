"""Processes that end in the middle, and a studio that is stopped and started again. On a studio of its own."""

import os
import re
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from studio.models import TakeState
from tests.e2e.conftest import Come, opened
from tests.e2e.people import Visitor
from tests.e2e.rows import takes_of
from tests.helpers.studio import Studio

LOST_CONNECTION = "WebSocket connection to|ERR_CONNECTION_REFUSED"
RETRY_TIMEOUT_MS = 75_000
"""The lease, a worker's start with its model, and the take itself."""


@pytest.fixture(scope="module")
def studio(django_db_setup: None, django_db_blocker: Any) -> Iterator[Studio]:
    """A studio with no worker at first, room for one take at a time, closed to new accounts."""
    server = Studio(RUSHES_WORKERS="0", RUSHES_WORKER_JOBS="1", RUSHES_LEASE_S="3", RUSHES_SIGN_UP="off")
    yield from opened(server, django_db_blocker)


def test_with_no_worker_the_room_says_so_and_after_a_restart_the_waiting_take_runs(
    ana: Visitor, studio: Studio
) -> None:
    ana.room.write("a golden bell swings")
    first = ana.room.request()
    expect(ana.room.stage).to_contain_text("No worker is running")
    ana.room.expect_take(first, "queued 1st")
    second = ana.room.request()
    ana.room.expect_take(second, "queued 2nd")
    ana.room.ready()
    ana.complaints.expect(LOST_CONNECTION)
    studio.stop()
    expect(ana.room.pill).to_contain_text(re.compile("Reconnecting|Offline"))
    studio.settings["RUSHES_WORKERS"] = "1"
    studio.start()
    # The page that stayed open finds its way back by itself.
    expect(ana.room.pill).to_contain_text("Saved", timeout=20_000)
    for number in (first, second):
        ana.room.expect_take(number, "done", timeout_ms=RETRY_TIMEOUT_MS)
    ana.page.reload()
    ana.room.expect_text("a golden bell swings")
    expect(ana.room.shots).to_have_count(3)
    for number in (first, second):
        ana.room.expect_take(number, "done")


def test_a_take_waits_its_turn_and_its_place_is_shown_to_both(ana: Visitor, bo: Visitor) -> None:
    ana.room.make_it_long()
    running = ana.room.request()
    ana.room.expect_step()
    bo.room.choose_shot(2)
    waiting = bo.room.request()
    bo.room.expect_take(waiting, "queued 1st")
    ana.room.choose_shot(2)
    expect(ana.room.stage).to_contain_text(f"Take {waiting} is queued 1st")
    ana.room.desk.get_by_role("button", name=f"Cancel take {waiting}").click()
    bo.room.expect_take(waiting, "cancelled")
    bo.room.choose_shot(1)
    bo.room.expect_take(running, "done")


def test_a_take_whose_worker_is_killed_is_tried_again_and_the_room_says_so(
    ana: Visitor, bo: Visitor, studio: Studio
) -> None:
    ana.room.make_it_long()
    number = ana.room.request()
    ana.room.expect_step(2)
    (worker,) = studio.children("worker")
    os.kill(worker, signal.SIGKILL)
    for visitor in (ana, bo):
        visitor.room.panel.get_by_role("tab", name="History").click()
        history = visitor.room.panel.get_by_role("listitem")
        expect(history.filter(has_text="tried again, attempt 2")).to_be_visible(timeout=RETRY_TIMEOUT_MS)
    expect(ana.room.stage).to_contain_text("attempt 2 of 3", timeout=RETRY_TIMEOUT_MS)
    for visitor in (ana, bo):
        visitor.room.expect_take(number, "done", timeout_ms=RETRY_TIMEOUT_MS)
    (take,) = takes_of(ana.room.project_id)
    assert (take.state, take.attempt) == (TakeState.DONE, 2)


def test_the_web_process_killed_loses_no_saved_word(ana: Visitor, bo: Visitor, studio: Studio) -> None:
    ana.room.write("a white boat comes home")
    ana.room.ready()
    for visitor in (ana, bo):
        visitor.complaints.expect(LOST_CONNECTION)
    (web,) = studio.children("serve")
    os.kill(web, signal.SIGKILL)
    expect(ana.room.pill).to_contain_text(re.compile("Reconnecting|Offline"))
    ana.keyboard.type(" at night")
    for visitor in (ana, bo):
        visitor.room.expect_text("a white boat comes home at night")
        expect(visitor.room.pill).to_contain_text("Saved", timeout=20_000)


def test_closed_sign_up_says_so_and_leaves_guests_and_sign_in_open(come: Come) -> None:
    visitor = come("Sam")
    visitor.page.goto("/")
    expect(visitor.page.get_by_role("link", name="Sign up")).to_have_count(0)
    expect(visitor.page.get_by_role("link", name="Sign in")).to_be_visible()
    expect(visitor.page.get_by_role("button", name="Try it now")).to_be_visible()
    visitor.complaints.expect("status of 40[34]")
    visitor.page.goto("/accounts/signup/")
    expect(visitor.page.get_by_role("heading", name="Sign-up is closed")).to_be_visible()
    expect(visitor.page.get_by_role("textbox")).to_have_count(0)
