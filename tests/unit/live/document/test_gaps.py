"""Updates that refer to what has not come: rule D-6 of studio/live/SPEC.md."""

from functools import partial

from studio.domain.access import Access
from studio.live.prescan import scan
from tests.factories import Cast
from tests.helpers.document import Client
from tests.helpers.yjs import sized, struct_update
from tests.unit.live.document.writing import SEED, quarantined, rows, type_at_start


def reads(client: Client, shot: str, text: str) -> bool:
    return client.text(shot) == text


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
