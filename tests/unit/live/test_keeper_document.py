"""What the keeper does with a document: rules D-4 to D-6 and D-12 of studio/live/SPEC.md."""

from typing import Any

import pytest
from pycrdt import Doc, Map, Text

from studio.live.keeper_document import MAX_PROMPT, MAX_WAITING, KeptDocument, contained
from studio.live.keeper_wire import Effect
from studio.live.prescan import EMPTY, UpdateError, scan
from tests.helpers.yjs import SHOT, Writers, outline_ids, seeded, sized, struct_update, varuint


def kept(writers: Writers) -> KeptDocument:
    document, left_out = KeptDocument.replay(EMPTY, writers.log)
    assert not left_out
    return document


def opened(document: KeptDocument) -> Any:
    doc: Doc[Any] = Doc()
    shots = doc.get("shots", type=Map)
    doc.apply_update(document.diff(b"\x00"))
    return shots


def change(doc: "Doc[Any]", act: Any) -> bytes:
    before = doc.get_state()
    with doc.transaction():
        act()
    return doc.get_update(before)


def test_honest_edits_are_taken_in_and_read_back() -> None:
    writers = Writers(seed=2)
    document = kept(writers)
    for update in writers.write(60):
        assert document.check([update]).effects == [Effect.CHANGED]
    assert str(opened(document)[SHOT]["prompt"]) == writers.text()


def test_what_is_known_changes_nothing() -> None:
    writers = Writers(seed=2)
    made = writers.write(20)
    document = kept(writers)
    assert document.check(made).effects == [Effect.NOTHING] * 20
    assert document.check([writers.docs[1].get_update()]).effects == [Effect.NOTHING]
    assert not document.probe(writers.docs[2].get_update())
    assert document.probe(writers.write(1)[0])


def test_d9_asking_what_a_viewers_update_changes_leaves_the_document_and_its_outline_as_they_are() -> None:
    writers = Writers(seed=2)
    writers.write(20)
    document = kept(writers)
    before, outline = document.diff(b"\x00"), document._outline
    shots, prompt = writers.docs[0]["shots"], writers.docs[0]["shots"][SHOT]["prompt"]
    [_lost, gapped] = Writers(count=1, seed=5).type("ab")
    news = [change(writers.docs[0], act) for act in (lambda: prompt.insert(0, "x"), lambda: prompt.clear())]
    for update in (*news, change(writers.docs[0], lambda: shots.pop(SHOT)), gapped):
        assert document.probe(update)
    assert document._outline is outline
    assert (document.diff(b"\x00"), outline.is_stale, document.waiting) == (before, False, [])
    assert document.check([news[0]]).effects == [Effect.CHANGED]


def test_d9_a_viewers_deletion_that_has_come_changes_nothing_and_one_that_has_not_does() -> None:
    writers = Writers(seed=2)
    document = kept(writers)
    clear = change(writers.docs[0], lambda: writers.docs[0]["shots"][SHOT]["prompt"].clear())
    assert document.probe(clear)
    document.check([clear])
    assert not document.probe(clear)


def test_d9_a_viewers_deletion_of_half_a_character_is_refused() -> None:
    doc = seeded(prompt="🎬")
    document, _ = KeptDocument.replay(EMPTY, [doc.get_update()])
    [(client, clock)] = document._outline._halves
    with pytest.raises(UpdateError, match="whole characters"):
        document.probe(b"\x00\x01" + varuint(client) + b"\x01" + varuint(clock) + b"\x01")


def test_a_batch_comes_back_as_one_update_that_says_the_same() -> None:
    writers = Writers(seed=3, count=8)
    document, late = kept(writers), Doc[Any]()
    shots = late.get("shots", type=Map)
    late.apply_update(writers.log[0])
    for _ in range(10):
        late.apply_update(document.check(writers.write(30)).merged)
    assert str(shots[SHOT]["prompt"]) == writers.text()


TOO_MUCH = {
    "a prompt that is too long": lambda shot: shot["prompt"].insert(0, "x" * (MAX_PROMPT + 1)),
    "a setting that is a list": lambda shot: shot["settings"].update({"style": ["neon"]}),
    "a setting that is a map": lambda shot: shot["settings"].update({"style": Map({"a": 1})}),
    "a prompt that is a value": lambda shot: shot.update({"prompt": "words"}),
    "a third part": lambda shot: shot.update({"title": Text("words")}),
    "an embedded value": lambda shot: shot["prompt"].insert_embed(0, 1),
    "rich text": lambda shot: shot["prompt"].insert(0, "bold", {"bold": True}),
    "too many settings": lambda shot: shot["settings"].update({f"key{n}": n for n in range(100)}),
}


@pytest.mark.parametrize("act", TOO_MUCH.values(), ids=TOO_MUCH)
def test_d4_what_our_schema_has_not_is_refused_and_the_document_stays(act: Any) -> None:
    writers = Writers(seed=4)
    document = kept(writers)
    before = document.state
    with pytest.raises(UpdateError, match="expected"):
        document.check([change(writers.docs[0], lambda: act(writers.docs[0]["shots"][SHOT]))])
    assert document.state == before
    assert document.check([change(writers.docs[1], lambda: writers.docs[1]["shots"][SHOT]["prompt"].insert(0, "y"))])


def test_d4_half_a_character_is_refused() -> None:
    """pycrdt counts bytes and will not cut there, so a cut is made by hand: after the first half of a pair."""
    doc = seeded(prompt="🎬")
    document, _ = KeptDocument.replay(EMPTY, [doc.get_update()])
    clock = next(clock for clock in range(20) if (doc.client_id, clock) in document._outline._halves)
    client = varuint(doc.client_id)
    with pytest.raises(UpdateError, match="whole characters"):
        document.check([struct_update(0x84, b"\x01x", origin=(doc.client_id, clock - 1))])
    with pytest.raises(UpdateError, match="whole characters"):
        document.check([b"\x00\x01" + client + b"\x01" + bytes([clock]) + b"\x01"])


def test_d6_an_update_with_a_gap_waits_and_is_taken_in_when_it_closes() -> None:
    writers = Writers(count=1, seed=5)
    document = kept(writers)
    first, second, third = writers.type("abc")
    assert document.check([third]).effects == [Effect.WAITING]
    assert document.check([third]).effects == [Effect.NOTHING]
    assert document.check([second]).effects == [Effect.WAITING]
    assert document.waiting == [third, second]
    other = opened(document).doc
    closed = document.check([first])
    assert closed.effects == [Effect.CLOSED]
    assert document.waiting == []
    assert str(opened(document)[SHOT]["prompt"]) == writers.text()
    other.apply_update(closed.merged)
    assert str(other.get("shots", type=Map)[SHOT]["prompt"]) == writers.text()


def test_d6_poison_that_waits_is_put_out_when_its_gap_closes_and_nobody_else_pays() -> None:
    writers = Writers(count=1, seed=6)
    document = kept(writers)
    [edit] = writers.type("a")
    [section] = scan(edit).sections
    poison = struct_update(0x88, b"\x01\x7e", origin=(section.client, section.clock))
    assert document.check([poison]).effects == [Effect.WAITING]
    taken = document.check([edit])
    assert (taken.effects, taken.merged) == ([Effect.CHANGED], b"")
    assert taken.evicted == [poison]
    assert document.waiting == []


def test_d6_more_than_can_wait_is_refused() -> None:
    writers = Writers(count=1, seed=7)
    document = kept(writers)
    _lost, *rest = writers.type("x" * (MAX_WAITING + 2))
    document.check(rest[:MAX_WAITING])
    with pytest.raises(UpdateError, match="wait for others"):
        document.check(rest[MAX_WAITING:])
    assert len(document.waiting) == MAX_WAITING


def test_d6_who_adds_nothing_to_what_waits_is_not_refused_for_it() -> None:
    ids, letter = outline_ids(), sized(b"x")
    waiting = [struct_update(0x84, letter, origin=ids.letter, clock=clock) for clock in range(1, 2 * MAX_WAITING)]
    document, left_out = KeptDocument.replay(ids.seed, waiting[:-1])
    assert (len(document.waiting), left_out) == (len(waiting) - 1, [])
    assert document.check([EMPTY]).effects == [Effect.NOTHING]
    honest = struct_update(0x84, letter, origin=ids.letter, client=78)
    assert document.check([honest]).effects == [Effect.CHANGED]
    with pytest.raises(UpdateError, match="wait for others"):
        document.check(waiting[-1:])


def test_d4_what_a_shot_held_is_forgotten_with_it_as_by_who_reads_the_document_anew() -> None:
    ids = outline_ids()
    document, _left_out = KeptDocument.replay(EMPTY, [ids.seed])
    delete_the_shot = b"\x00\x01" + varuint(ids.shot[0]) + b"\x01" + varuint(ids.shot[1]) + b"\x01"
    inside = struct_update(0x08, b"\x01\x7e", parent=ids.prompt)
    document.check([delete_the_shot])
    anew, _left_out = KeptDocument.replay(document.state, [])
    assert anew.check([inside]).effects == [Effect.CHANGED]
    assert document.check([inside]).effects == [Effect.CHANGED]
    again, left_out = KeptDocument.replay(EMPTY, [ids.seed, delete_the_shot, inside])
    assert left_out == []
    assert again.encoded_vector() == document.encoded_vector()


def test_d12_a_state_contains_all_that_honest_people_did() -> None:
    writers = Writers(count=4, seed=8, shots=(SHOT, "another"))
    writers.write(500)
    writers.log.append(change(writers.docs[0], lambda: writers.docs[0]["shots"].pop("another")))
    writers.log += [doc.get_update() for doc in writers.docs]
    document, left_out = KeptDocument.replay(EMPTY, writers.log)
    assert not left_out
    assert all(contained(document.state, writers.log))
    again, _ = KeptDocument.replay(document.state, writers.log)
    assert str(opened(again)[SHOT]["prompt"]) == writers.text()


def test_d12_a_state_does_not_contain_what_waits_or_was_never_in() -> None:
    writers = Writers(count=1, seed=9)
    document = kept(writers)
    lost, waits = writers.type("ab")
    document.check([waits])
    assert contained(document.state, [writers.log[0], lost, waits]) == [True, False, False]
