"""The document socket on a real Postgres, Valkey and keeper: rules D-1 to D-14 of studio/live/SPEC.md."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from channels.db import database_sync_to_async

from studio.domain.access import Access, enter
from studio.live import broadcast, document, document_log, document_room, groups, hub, keeper_client
from studio.live.document_wire import awareness_frame, update_frame
from studio.live.keeper_client import KeeperClient
from studio.live.limits import BYTE_BURST
from studio.live.prescan import scan
from studio.models import DocumentSnapshot, DocumentUpdate, Project, QuarantinedUpdate, User
from tests.factories import Cast
from tests.helpers import fragile_keeper
from tests.helpers.document import Client
from tests.helpers.yjs import sized, struct_update


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    return Cast()


@pytest.fixture(autouse=True)
async def processes(cast: Cast) -> AsyncIterator[None]:
    """What a web process has one of, for this test's loop."""
    yield
    await document.rooms().close()
    await keeper_client.get().close()
    await hub.get().close()


def access(cast: Cast, person: User) -> Access:
    return enter(person, cast.project.pk)


@pytest.fixture
def editor(cast: Cast) -> Access:
    return access(cast, cast.editor)


@pytest.fixture
def owner(cast: Cast) -> Access:
    return access(cast, cast.owner)


@pytest.fixture
def shot(cast: Cast) -> str:
    return str(cast.shots[0].pk)


async def rows(cast: Cast) -> list[bytes]:
    def read() -> list[bytes]:
        updates = DocumentUpdate.objects.filter(project=cast.project).order_by("pk")
        return [bytes(payload) for payload in updates.values_list("payload", flat=True)]

    result: list[bytes] = await database_sync_to_async(read)()
    return result


async def in_database(function: Any, *args: Any) -> Any:
    return await database_sync_to_async(function)(*args)


async def quarantined() -> list[tuple[bytes, int | None, str]]:
    def read() -> list[tuple[bytes, int | None, str]]:
        return [(bytes(row.payload), row.user_id, row.reason) for row in QuarantinedUpdate.objects.all()]

    result: list[tuple[bytes, int | None, str]] = await in_database(read)
    return result


def type_at_start(client: Client, shot: str, text: str) -> bytes:
    return client.edit(lambda: client.prompt(shot).insert(0, text))


def reads(client: Client, shot: str, text: str) -> bool:
    return client.text(shot) == text


def same_text(one: Client, other: Client, shot: str) -> bool:
    return one.text(shot) == other.text(shot)


SEED = "a red ball bounces at sunset"


async def test_d1_two_editors_converge(editor: Access, owner: Access, shot: str) -> None:
    one, two = await Client.joined(editor), await Client.joined(owner)
    assert one.text(shot) == SEED
    type_at_start(one, shot, "Slowly, ")
    two.edit(lambda: two.prompt(shot).insert(len(two.prompt(shot)), " by the sea"))
    await asyncio.gather(one.all_saved(), two.all_saved())
    expected = f"Slowly, {SEED} by the sea"
    await one.until(lambda: one.text(shot) == expected)
    await two.until(lambda: two.text(shot) == expected)


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


async def test_d10_a_late_joiner_sees_text_with_nobody_else_online(editor: Access, owner: Access, shot: str) -> None:
    one = await Client.joined(editor)
    type_at_start(one, shot, "Dawn. ")
    await one.leave()
    two = await Client.joined(owner)
    assert two.text(shot) == f"Dawn. {SEED}"


async def test_d10_a_document_larger_than_what_may_wait_is_given_whole(
    editor: Access, owner: Access, shot: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await Client.joined(editor)
    type_at_start(one, shot, "A" * 10_000)
    await one.all_saved()
    monkeypatch.setattr(document.DocumentSession, "outbox_bytes", 5_000)
    two = await Client.joined(owner)
    assert two.text(shot) == one.text(shot)


async def test_d10_who_joins_while_others_write_misses_nothing(editor: Access, owner: Access, shot: str) -> None:
    one = await Client.joined(editor)
    joiners = []
    for number in range(60):
        type_at_start(one, shot, str(number % 10))
        if number % 10 == 0:
            joiners.append(asyncio.create_task(Client.joined(owner)))
        await asyncio.sleep(0.002)
    await one.all_saved()
    for joiner in await asyncio.gather(*joiners):
        await joiner.until(partial(same_text, joiner, one, shot))


async def test_d1_edits_made_offline_merge_once(cast: Cast, editor: Access, owner: Access, shot: str) -> None:
    one, two = await Client.joined(editor), await Client.joined(owner)
    await one.leave()
    for letter in "enola":
        one.prompt(shot).insert(0, letter)
    type_at_start(two, shot, "together ")
    await two.all_saved()
    for _ in range(3):
        back = await Client.joined(editor, doc=one.doc)
        await back.all_saved()
        await back.leave()
    await two.until(lambda: "alone" in two.text(shot))
    assert sorted(two.text(shot)) == sorted(f"alonetogether {SEED}")


async def test_d6_an_update_with_a_gap_is_kept_and_delivered_when_it_closes(
    cast: Cast, editor: Access, owner: Access, shot: str
) -> None:
    three = await Client.joined(owner)
    one = await Client.joined(editor)
    before = one.doc.get_state()
    one.prompt(shot).insert(0, "lost ")
    lost = one.doc.get_update(before)
    gapped = type_at_start(one, shot, "kept ")
    await one.all_saved()
    assert (await rows(cast))[-1] == gapped
    await one.leave()
    two = await Client.joined(owner)
    two.send_update(lost)
    four = await Client.joined(editor)
    for other in (two, three, four):
        await other.until(partial(reads, other, shot, f"kept lost {SEED}"))
        assert gapped not in other.updates


async def test_d6_what_turns_out_to_be_bad_when_its_gap_closes_was_shown_to_nobody(
    cast: Cast, editor: Access, owner: Access, shot: str
) -> None:
    one, honest = await Client.joined(editor), await Client.joined(owner)
    style = one.edit(lambda: one.shots[shot]["settings"].update({"style": "neon"}))
    [section] = scan(style).sections
    gap = struct_update(0x84, sized(b"a"), origin=_last_letter(one, shot), client=77)
    poison = struct_update(0x84, sized(b"x"), origin=(section.client, section.clock), client=77, clock=1)
    for update in (poison, gap):
        one.send_update(update)
        await one.all_saved()
    await honest.until(lambda: honest.text(shot) == f"{SEED}za")
    assert honest.shots[shot]["settings"]["style"] == "neon"
    assert [payload for payload, _user, _reason in await quarantined()] == [poison]
    back = await Client.joined(owner, doc=honest.doc)
    await back.all_saved()
    assert back.close_code is None


def _last_letter(client: Client, shot: str) -> tuple[int, int]:
    """The id of the last letter of a prompt, which this client then has written itself."""
    update = client.edit(lambda: client.prompt(shot).insert(len(client.prompt(shot)), "z"))
    [section] = scan(update).sections
    return section.client, section.clock


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


@pytest.mark.parametrize(
    "frame",
    [b"", b"\x02", b"\x00\x07\x00", b"\x00\x02\x05ab", b"\x00\x00\x02\xff\xff", b"\x07hi", update_frame(bytes(70_000))],
    ids=["nothing", "auth", "no step", "cut short", "no vector", "unknown", "too long"],
)  # fmt: skip
async def test_d2_garbage_closes_with_4400(editor: Access, frame: bytes) -> None:
    one = await Client.joined(editor)
    one.send(frame)
    assert await one.closed_with() == 4400


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
    monkeypatch.setattr(document_room, "MAX_QUEUED", 5)
    type_at_start(one, shot, "A")
    await asyncio.wait_for(failed.wait(), 5)
    for letter in "BCDEFGH":
        type_at_start(one, shot, letter)
    assert await one.closed_with() == await two.closed_with() == 4503


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


async def test_d9_a_viewers_update_is_refused(cast: Cast, owner: Access, shot: str) -> None:
    viewer = await Client.joined(await in_database(access, cast, cast.viewer))
    await viewer.all_saved()
    assert viewer.text(shot) == SEED
    before = await rows(cast)
    viewer.edit(lambda: viewer.prompt(shot).insert(0, "mine "))
    assert await viewer.closed_with() == 4403
    back = Client(await in_database(access, cast, cast.viewer), doc=viewer.doc)
    assert await back.closed_with() == 4403
    assert await rows(cast) == before
    reader = await Client.joined(owner)
    assert reader.text(shot) == SEED


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


async def test_d2_a_small_awareness_frame_counts_as_a_larger_one(editor: Access) -> None:
    one = await Client.joined(editor)
    # Three bytes each: counted as they are, so many would be within the burst.
    for _ in range(BYTE_BURST // 4):
        one.send(awareness_frame([]))
    assert await one.closed_with() == 4429


async def test_d11_people_see_each_other_and_late_joiners_too(cast: Cast, editor: Access, owner: Access) -> None:
    one, two = await Client.joined(editor), await Client.joined(owner)
    one.say(7, 1, json.dumps({"user": {"name": "Somebody else"}, "cursor": {"anchor": 2}}))
    await two.until(lambda: 7 in two.states)
    user = json.loads(two.states[7].text)["user"]
    assert user == {"id": cast.editor.pk, "name": "Ed Editor", "colour": cast.editor.colour, "role": "editor"}
    three = await Client.joined(owner)
    await three.until(lambda: 7 in three.states)
    await one.leave()
    await two.until(lambda: two.states[7].text == "null")


@pytest.fixture
async def elsewhere() -> AsyncIterator[Callable[[Access], Awaitable[Client]]]:
    """Joins as another web process would have it: with rooms and a keeper of its own."""
    rooms_here, keeper_here = document.rooms(), keeper_client.get()
    rooms_there, keeper_there = document.Rooms(), KeeperClient()

    async def join(person: Access) -> Client:
        document.use(rooms_there)
        keeper_client.use(keeper_there)
        client = await Client.joined(person)
        document.use(rooms_here)
        keeper_client.use(keeper_here)
        return client

    yield join
    await rooms_there.close()
    await keeper_there.close()


async def test_d14_another_processs_updates_and_presence_arrive(
    editor: Access, owner: Access, shot: str, elsewhere: Callable[[Access], Awaitable[Client]]
) -> None:
    here = await Client.joined(editor)
    here.say(8, 1, "{}")
    there = await elsewhere(owner)
    await there.until(lambda: 8 in there.states)
    there.say(9, 1, "{}")
    type_at_start(there, shot, "far ")
    await here.until(lambda: here.text(shot) == f"far {SEED}" and 9 in here.states)
    type_at_start(here, shot, "near ")
    await there.until(lambda: there.text(shot) == f"near far {SEED}")


async def test_d14_what_was_lost_on_the_way_comes_with_a_resync(cast: Cast, editor: Access, shot: str) -> None:
    one = await Client.joined(editor)
    await one.all_saved()
    other = Client(editor)
    await other.until(lambda: other.asked)
    update = struct_update(0x27, b"\x01", key="unheard")
    await in_database(lambda: DocumentUpdate.objects.create(project=cast.project, epoch=1, payload=update))
    one.session._room.on_resync()
    await one.until(lambda: "unheard" in one.shots)


async def test_d14_a_new_shots_seed_reaches_who_is_here(cast: Cast, editor: Access) -> None:
    one = await Client.joined(editor)
    await in_database(broadcast.publish_document, cast.project.pk, struct_update(0x27, b"\x01", key="new"))
    await one.until(lambda: "new" in one.shots)


async def test_a_room_ends_with_its_last_connection(editor: Access, shot: str) -> None:
    one = await Client.joined(editor)
    type_at_start(one, shot, "A")
    await one.leave()
    assert document.rooms()._rooms == {}
    assert document.rooms()._tasks == {}


async def test_frames_are_counted_as_the_client_counts_them(editor: Access, shot: str) -> None:
    one = await Client.joined(editor)
    type_at_start(one, shot, "A")
    await one.all_saved()
    assert one.saved == one.sent == 2
