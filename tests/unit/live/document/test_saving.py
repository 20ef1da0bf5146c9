"""From an edit to a row, and to fewer rows: rules D-7, D-12 and D-13 of studio/live/SPEC.md."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from studio.domain.access import Access
from studio.live import broadcast, document_log, document_queue, document_room, groups, keeper_client
from studio.models import DocumentSnapshot, Project
from tests.factories import Cast
from tests.helpers.document import Client
from tests.unit.live.document.writing import SEED, in_database, rows, type_at_start


async def test_d7_what_is_acknowledged_is_a_row(cast: Cast, editor: Access, shot: str) -> None:
    one = await Client.joined(editor)
    before = len(await rows(cast))
    sent = [type_at_start(one, shot, letter) for letter in "abcdefghij"]
    await one.all_saved()
    assert (await rows(cast))[before:] == sent


async def test_d7_what_is_known_already_is_acknowledged_and_no_row(cast: Cast, editor: Access, shot: str) -> None:
    one = await Client.joined(editor)
    update = type_at_start(one, shot, "A")
    await one.all_saved()
    before = len(await rows(cast))
    one.send_update(update)
    one.send_update(one.doc.get_update())
    await one.all_saved()
    again = await Client.joined(editor, doc=one.doc)
    await again.all_saved()
    assert len(await rows(cast)) == before


async def test_d7_without_acks_nothing_unknown_is_sent(editor: Access, shot: str) -> None:
    one = await Client.joined(editor, query="")
    type_at_start(one, shot, "A")
    other = await Client.joined(editor)
    await other.until(lambda: other.text(shot) == f"A{SEED}")
    assert one.saved == 0


async def test_d7_while_postgres_fails_nothing_is_acknowledged_and_then_all_is(
    cast: Cast, editor: Access, owner: Access, shot: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = await Client.joined(editor), await Client.joined(owner)
    await one.all_saved()
    fails, failed = [True], asyncio.Event()
    real = document_log.DocumentLog.append

    async def append(log: document_log.DocumentLog, edits: Any) -> bool:
        if fails[0]:
            failed.set()
            raise OSError("Postgres is away")
        return await real(log, edits)

    monkeypatch.setattr(document_log.DocumentLog, "append", append)
    saved = one.saved
    type_at_start(one, shot, "A")
    await asyncio.wait_for(failed.wait(), 5)
    type_at_start(one, shot, "B")
    assert one.saved == saved
    assert two.text(shot) == SEED
    fails[0] = False
    await one.all_saved()
    await two.until(lambda: two.text(shot) == f"BA{SEED}")


async def test_d7_when_too_much_waits_for_postgres_everybody_is_asked_to_come_back(
    cast: Cast, editor: Access, owner: Access, shot: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = await Client.joined(editor), await Client.joined(owner)
    await asyncio.gather(one.all_saved(), two.all_saved())
    failed = asyncio.Event()

    async def append(log: document_log.DocumentLog, edits: Any) -> bool:
        failed.set()
        raise OSError("Postgres is away")

    monkeypatch.setattr(document_log.DocumentLog, "append", append)
    monkeypatch.setattr(document_queue, "MAX_QUEUED", 5)
    type_at_start(one, shot, "A")
    await asyncio.wait_for(failed.wait(), 5)
    for letter in "BCDEFGH":
        type_at_start(one, shot, letter)
    assert await one.closed_with() == await two.closed_with() == 4503


async def test_d12_compaction_keeps_everything_also_while_others_write(
    cast: Cast, editor: Access, owner: Access, shot: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document_room, "COMPACT_ROWS", 20)
    one, two = await Client.joined(editor), await Client.joined(owner)
    for number in range(80):
        type_at_start(one if number % 2 else two, shot, str(number % 10))
        await asyncio.sleep(0.001)
    await asyncio.gather(one.all_saved(), two.all_saved())
    await one.until(lambda: len(one.text(shot)) == 80 + len(SEED))
    await asyncio.gather(one.leave(), two.leave())
    assert await in_database(DocumentSnapshot.objects.filter(project=cast.project).count) == 1
    assert len(await rows(cast)) < 60
    late = await Client.joined(editor)
    assert late.text(shot) == one.text(shot)


async def test_d12_a_row_that_waits_survives_compaction(cast: Cast, editor: Access, shot: str) -> None:
    one = await Client.joined(editor)
    one.prompt(shot).insert(0, "lost")
    gapped = type_at_start(one, shot, "kept")
    await one.all_saved()
    log = document_log.DocumentLog(document_log.Connections(), cast.project.pk, 1)
    keeper = keeper_client.get()
    assert await log.compact(lambda snapshot, updates: keeper.compact(uuid4(), snapshot, updates)) == 2
    assert await rows(cast) == [gapped]
    assert await log.compact(lambda snapshot, updates: keeper.compact(uuid4(), snapshot, updates)) == 0
    await log._pool.close()


async def test_d13_a_client_of_another_epoch_is_fenced(cast: Cast, editor: Access, shot: str) -> None:
    stale = Client(editor, query="epoch=7")
    assert await stale.closed_with() == 4409
    one = await Client.joined(editor, query="epoch=1&acks=1")
    await in_database(lambda: Project.objects.filter(pk=cast.project.pk).update(doc_epoch=2))
    before = len(await rows(cast))
    type_at_start(one, shot, "too late")
    assert await one.closed_with() == 4409
    assert len(await rows(cast)) == before


async def test_d13_a_deleted_project_closes_its_documents(cast: Cast, editor: Access) -> None:
    one = await Client.joined(editor)
    await in_database(broadcast._publish, groups.room(cast.project.pk), b'{"v":1,"seq":9,"type":"project.deleted"}')
    assert await one.closed_with() == 4404
