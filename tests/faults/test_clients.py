"""Clients that were away for long, and people with two tabs: F-15 and F-16."""

import asyncio
import time
from typing import Any

import pytest

from studio.live.document_room import COMPACT_ROWS
from studio.live.threads import in_thread
from studio.models import DocumentSnapshot
from tests.factories import Cast
from tests.faults.editors import DEADLINE_S, until
from tests.faults.oracle import edits_hold
from tests.faults.stage import Stage, long, wait_until

pytestmark = pytest.mark.timeout(long(120, 900))
AWAY_EDITS, AWAY_S = 500, float(long(0, 600))
WRITERS = 6


# A process counts the rows that it has seen: with one it is all of them, with two each has to come to so many.
@pytest.mark.parametrize(("webs", "away_s"), [(1, 0.0), (2, AWAY_S)], ids=["one-web", "two-webs"])
async def test_f15_five_hundred_edits_made_offline_merge_once_though_the_log_was_compacted_meanwhile(
    stage: Stage, cast: Cast, editor: Any, webs: int, away_s: float
) -> None:
    urls = stage.urls[:webs]
    away = await editor(urls=urls).ready()
    others = [await editor("owner", turned(urls, number)).ready() for number in range(WRITERS)]
    away.write()
    await away.saved()
    away.go_offline()
    await until(lambda: not away.is_synced, DEADLINE_S, "the connection is gone")
    begun_s, rounds = time.monotonic(), COMPACT_ROWS * webs // WRITERS + 10
    for number in range(1, rounds + 1):
        for one in (*others, *[away] * (AWAY_EDITS * number // rounds - (len(away.log) - 1))):
            one.edit()
        await asyncio.sleep(max(0.0, begun_s + away_s * number / rounds - time.monotonic()))
    assert (len(away.log), away.acknowledged) == (1 + AWAY_EDITS, 1)
    for other in others:
        await other.saved()
    compacted = DocumentSnapshot.objects.filter(project=cast.project).exists
    await in_thread(wait_until, compacted, DEADLINE_S, "the log is compacted")
    away.go_online()
    await away.saved()
    took_s = await edits_hold([away, *others])
    assert away.forgotten == 0
    assert all(other.absences == [] for other in others)
    gone_s = away.absences[0].back_at_s - away.absences[0].lost_at_s
    print(f"{AWAY_EDITS} edits in {gone_s:.0f} s, and {sum(len(one.log) for one in others)} of others: {took_s:.2f} s")
    for one in (away, *others):
        await one.leave()


def turned(urls: list[str], number: int) -> list[str]:
    """The addresses, another one first for each number."""
    first = number % len(urls)
    return urls[first:] + urls[:first]


async def test_f16_two_tabs_of_one_person_send_the_same_offline_edits_and_each_is_there_once(
    stage: Stage, editor: Any
) -> None:
    one, other = await editor().ready(), await editor().ready()
    for tab in (one, other):
        tab.go_offline()
    await until(lambda: not (one.is_synced or other.is_synced), DEADLINE_S, "both connections are gone")
    for number in range(40):
        (one if number % 2 else other).edit()
        # Tabs of one browser tell each other, with or without a server.
        one.doc.apply_update(other.doc.get_update(one.doc.get_state()))
        other.doc.apply_update(one.doc.get_update(other.doc.get_state()))
    for tab in (one, other):
        tab.go_online()
    for tab in (one, other):
        await tab.saved()
    await other.leave()
    for _ in range(10):
        one.edit()
    await edits_hold([one], [other])
    await one.leave()
