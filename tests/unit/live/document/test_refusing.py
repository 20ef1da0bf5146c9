"""What is not taken in, and what it costs whom: rules D-2, D-8 and D-9 of studio/live/SPEC.md."""

import asyncio
import errno
import os
import signal
from typing import Any

import pytest

from studio.domain.access import Access
from studio.live import document_log, keeper_client
from studio.live.document_wire import awareness_frame, update_frame
from studio.live.keeper_client import KeeperClient
from studio.live.limits import BYTE_BURST
from studio.live.protocol import CLOSE_CODES
from tests.factories import Cast
from tests.helpers import fragile_keeper
from tests.helpers.document import Client
from tests.helpers.yjs import struct_update
from tests.unit.live.document.writing import SEED, quarantined, rows, type_at_start


@pytest.mark.parametrize(
    "frame",
    [b"", b"\x02", b"\x00\x07\x00", b"\x00\x02\x05ab", b"\x00\x00\x02\xff\xff", b"\x07hi", update_frame(bytes(70_000))],
    ids=["nothing", "auth", "no step", "cut short", "no vector", "unknown", "too long"],
)  # fmt: skip
async def test_d2_garbage_closes_with_4400(editor: Access, frame: bytes) -> None:
    one = await Client.joined(editor)
    one.send(frame)
    assert await one.closed_with() == 4400


async def test_d2_a_small_awareness_frame_counts_as_a_larger_one(editor: Access) -> None:
    one = await Client.joined(editor)
    # Three bytes each: counted as they are, so many would be within the burst.
    for _ in range(BYTE_BURST // 4):
        one.send(awareness_frame([]))
    assert await one.closed_with() == 4429


@pytest.mark.parametrize("word", [fragile_keeper.DIE, fragile_keeper.HANG])
async def test_d8_what_kills_the_keeper_is_put_in_quarantine_and_others_go_on(
    cast: Cast, editor: Access, owner: Access, shot: str, word: bytes
) -> None:
    keeper_client.use(KeeperClient(watchdog_s=0.3, module="tests.helpers.fragile_keeper"))
    bad, good = await Client.joined(editor), await Client.joined(owner)
    type_at_start(good, shot, "1")
    bad.send_update(word)
    for letter in "23456":
        type_at_start(good, shot, letter)
    assert await bad.closed_with() == 4400
    await good.all_saved()
    # The room answers in order: who has joined came after the quarantine was written.
    again = await Client.joined(editor)
    assert again.text(shot) == f"654321{SEED}"
    assert [payload for payload, _user, _reason in await quarantined()] == [word]


async def test_d8_nothing_is_lost_when_the_keeper_is_killed_at_work(cast: Cast, editor: Access, shot: str) -> None:
    one = await Client.joined(editor)
    for number in range(40):
        type_at_start(one, shot, str(number % 10))
        if number % 15 == 7 and (pid := keeper_client.get().pid):
            os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(0.005)
    await one.all_saved()
    other = await Client.joined(editor)
    assert other.text(shot) == one.text(shot)
    assert await quarantined() == []


@pytest.fixture
def failing_forks(monkeypatch: pytest.MonkeyPatch) -> list[OSError]:
    """What the next forks fail with, the first of them first."""
    failures: list[OSError] = []
    real = asyncio.create_subprocess_exec

    async def fork(*given: Any, **named: Any) -> asyncio.subprocess.Process:
        if failures:
            raise failures.pop(0)
        return await real(*given, **named)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", fork)
    monkeypatch.setattr(keeper_client, "START_BACKOFF_S", 0.01)
    return failures


async def test_d8_a_keeper_that_cannot_be_forked_is_tried_again(
    editor: Access, shot: str, failing_forks: list[OSError]
) -> None:
    one = await Client.joined(editor)
    await keeper_client.get().close()
    failing_forks.append(BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"))
    type_at_start(one, shot, "A")
    await one.all_saved()
    assert failing_forks == []
    other = await Client.joined(editor)
    assert (one.close_code, other.text(shot)) == (None, f"A{SEED}")


async def test_d8_without_a_keeper_everybody_is_asked_to_come_back_and_nothing_is_put_in_quarantine(
    cast: Cast, editor: Access, owner: Access, shot: str, failing_forks: list[OSError]
) -> None:
    one, two = await Client.joined(editor), await Client.joined(owner)
    await asyncio.gather(one.all_saved(), two.all_saved())
    before = await rows(cast)
    await keeper_client.get().close()
    failing_forks += [OSError(errno.ENOMEM, "Cannot allocate memory")] * 100
    type_at_start(one, shot, "A")
    assert await one.closed_with() == await two.closed_with() == 4503
    assert (await rows(cast), await quarantined()) == (before, [])


async def test_d9_a_bad_update_costs_its_sender_only(cast: Cast, editor: Access, owner: Access, shot: str) -> None:
    bad, good = await Client.joined(editor), await Client.joined(owner)
    poison = struct_update(0x04, b"\x01x")
    bad.send_update(poison)
    bad.send(update_frame(struct_update(0x04, b"\x01y")))
    type_at_start(good, shot, "fine ")
    assert await bad.closed_with() == 4400
    await good.all_saved()
    # The room answers in order: who has joined came after the quarantine was written.
    again = await Client.joined(editor)
    assert again.text(shot) == f"fine {SEED}"
    assert [(payload, user) for payload, user, _reason in await quarantined()] == [(poison, cast.editor.pk)]


async def test_d9_a_viewers_update_is_refused(cast: Cast, owner: Access, viewer: Access, shot: str) -> None:
    one = await Client.joined(viewer)
    await one.all_saved()
    assert one.text(shot) == SEED
    before = await rows(cast)
    one.edit(lambda: one.prompt(shot).insert(0, "mine "))
    assert await one.closed_with() == 4411
    back = Client(viewer, doc=one.doc)
    assert await back.closed_with() == 4411
    assert await rows(cast) == before
    reader = await Client.joined(owner)
    assert reader.text(shot) == SEED


@pytest.mark.parametrize(
    ("reason", "text"), [("revoked", "A"), ("unauthenticated", "A"), ("role_changed", "CBA"), ("too_slow", "CBA")]
)
async def test_d9_what_waits_when_its_sender_is_shut_out_is_dropped(
    editor: Access, owner: Access, shot: str, monkeypatch: pytest.MonkeyPatch, reason: str, text: str
) -> None:
    one = await Client.joined(editor)
    writes, goes_on = asyncio.Event(), asyncio.Event()
    real = document_log.DocumentLog.append

    async def append(log: document_log.DocumentLog, edits: Any) -> bool:
        writes.set()
        await goes_on.wait()
        return await real(log, edits)

    monkeypatch.setattr(document_log.DocumentLog, "append", append)
    type_at_start(one, shot, "A")
    await asyncio.wait_for(writes.wait(), 5)
    for letter in "BC":
        type_at_start(one, shot, letter)
    await one.taken()
    one.session.close(reason)
    goes_on.set()
    assert await one.closed_with() == CLOSE_CODES[reason]
    other = await Client.joined(owner)
    assert other.text(shot) == f"{text}{SEED}"
