"""Coming into a document and leaving it: rules D-1, D-10 and D-11 of studio/live/SPEC.md."""

import asyncio
import json
from functools import partial

import pytest

from studio.domain.access import Access
from studio.live import document
from tests.factories import Cast
from tests.helpers.document import Client
from tests.unit.live.document.writing import SEED, type_at_start


async def test_d1_two_editors_converge(editor: Access, owner: Access, shot: str) -> None:
    one, two = await Client.joined(editor), await Client.joined(owner)
    assert one.text(shot) == SEED
    type_at_start(one, shot, "Slowly, ")
    two.edit(lambda: two.prompt(shot).insert(len(two.prompt(shot)), " by the sea"))
    await asyncio.gather(one.all_saved(), two.all_saved())
    expected = f"Slowly, {SEED} by the sea"
    await one.until(lambda: one.text(shot) == expected)
    await two.until(lambda: two.text(shot) == expected)


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


def same_text(one: Client, other: Client, shot: str) -> bool:
    return one.text(shot) == other.text(shot)


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


async def test_frames_are_counted_as_the_client_counts_them(editor: Access, shot: str) -> None:
    one = await Client.joined(editor)
    type_at_start(one, shot, "A")
    await one.all_saved()
    assert one.saved == one.sent == 2


async def test_a_room_ends_with_its_last_connection(editor: Access, shot: str) -> None:
    one = await Client.joined(editor)
    type_at_start(one, shot, "A")
    await one.leave()
    assert document.rooms()._rooms == {}
    assert document.rooms()._tasks == {}
