"""Two web processes at one address, of which one is killed."""

import os
import re
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import opened
from tests.e2e.pair import HERS, HIS, Pair
from tests.e2e.room import WRITTEN
from tests.e2e.waiting import until
from tests.helpers.studio import Studio

LOST_CONNECTION = "WebSocket connection to"


@pytest.fixture(scope="module")
def studio(django_db_setup: None, django_db_blocker: Any) -> Iterator[Studio]:
    """A studio of two web processes, with no worker."""
    yield from opened(Studio(RUSHES_WEBS="2", RUSHES_WORKERS="0"), django_db_blocker)


def test_whichever_web_process_is_killed_both_pages_go_on_and_keep_every_word(pair: Pair, studio: Studio) -> None:
    for visitor in pair.both:
        visitor.complaints.expect(LOST_CONNECTION)
    half = len(HERS) // 2
    # Killed one after the other: one of them at least has somebody's sockets.
    for web, hers, his in zip(
        studio.children("serve"), (HERS[:half], HERS[half:]), (HIS[:half], HIS[half:]), strict=True
    ):
        os.kill(web, signal.SIGKILL)
        pair.type(hers, his)
        for visitor in pair.both:
            expect(visitor.room.pill).to_contain_text(re.compile("Saved"))
        until(lambda: len(studio.children("serve")), lambda count: count == 2)
    pair.expect_kept(f"{HERS}{WRITTEN}{HIS}")
    said = pair.told()
    assert {word for one in said for word in one.words} == {"Saving…", "Saved", "Reconnecting…"}
    assert [one.alerts for one in said] == [[], []]
