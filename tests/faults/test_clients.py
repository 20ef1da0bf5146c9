"""Clients that were away for long, and people with two tabs: F-15 and F-16."""

import asyncio
from typing import Any

import pytest

from studio.live.document_room import COMPACT_ROWS
from studio.live.threads import in_thread
from studio.models import DocumentSnapshot
from tests.factories import Cast
from tests.faults.editors import DEADLINE_S, until
from tests.faults.oracle import edits_hold
from tests.faults.stage import Stage, long, wait_until

pytestmark = pytest.mark.timeout(long(120, 600))
AWAY_EDITS = 500
WRITERS = 6


async def test_f15_five_hundred_edits_made_offline_merge_once_though_the_log_was_compacted_meanwhile(
    stage: Stage, cast: Cast, editor: Any
) -> None:
    # One process has all the rows then, and compacts them; two of them would each count their own.
    one_web = stage.urls[:1]
    away, others = await editor(urls=one_web).ready(), [editor("owner", one_web) for _ in range(WRITERS)]
    away.write()
    await away.saved()
    away.go_offline()
    await until(lambda: not away.is_synced, DEADLINE_S, "the connection is gone")
    for _ in range(AWAY_EDITS):
        away.edit()
    assert away.acknowledged == 1
    for other in others:
        await other.ready()
    for _ in range(COMPACT_ROWS // WRITERS + 10):
        for other in others:
            other.edit()
        await asyncio.sleep(0)
    for other in others:
        await other.saved()
    compacted = DocumentSnapshot.objects.filter(project=cast.project).exists
    await in_thread(wait_until, compacted, DEADLINE_S, "the log is compacted")
    away.go_online()
    await away.saved()
    took_s = await edits_hold([away, *others])
    assert away.forgotten == 0
    print(f"{AWAY_EDITS} edits of one and {sum(len(one.log) for one in others)} of others: {took_s:.2f} s")
    for one in (away, *others):
        await one.leave()


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
