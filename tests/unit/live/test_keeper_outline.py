"""Where an update's content may be: rule D-5 of studio/live/SPEC.md."""

from typing import Any

import pytest
from pycrdt import Doc, Map

from studio.live.keeper_outline import Outline
from studio.live.prescan import UpdateError, scan, scan_vector
from tests.helpers.yjs import SHOT, Writers, outline_ids, sized, struct_update

IDS = outline_ids()
"""Ids in a seeded document: of its shot, its prompt, its settings, a letter of the prompt, a value of the settings."""
ORIGIN, RIGHT, KEY = 0x80, 0x40, 0x20
TEXT, TYPE, VALUE, DELETED = 4, 7, 8, 1
LETTER, ONE_VALUE = sized(b"x"), b"\x01\x7e"


def outline() -> Outline:
    made = Outline()
    assert made.take(scan(IDS.seed))
    return made


MISPLACED = {
    "text in the root": struct_update(TEXT, LETTER),
    "text at a key of the root": struct_update(TEXT | KEY, LETTER, key="other"),
    "a text as a shot": struct_update(TYPE | KEY, b"\x02", key="other"),
    "a value as a shot": struct_update(VALUE | KEY, ONE_VALUE, key="other"),
    "a map as a prompt": struct_update(TYPE | KEY, b"\x01", IDS.shot, key="prompt"),
    "a text as settings": struct_update(TYPE | KEY, b"\x02", IDS.shot, key="settings"),
    "a third part of a shot": struct_update(TYPE | KEY, b"\x02", IDS.shot, key="title"),
    "a value in a shot": struct_update(VALUE | KEY, ONE_VALUE, IDS.shot, key="prompt"),
    "a map in settings": struct_update(TYPE | KEY, b"\x01", IDS.settings, key="style"),
    "text in settings": struct_update(TEXT, LETTER, IDS.settings),
    "a value in a prompt": struct_update(VALUE | ORIGIN, ONE_VALUE, origin=IDS.letter),
    "a map in a prompt": struct_update(TYPE | ORIGIN, b"\x01", origin=IDS.letter),
    "a key in a prompt": struct_update(DELETED | KEY, b"\x01", IDS.prompt, key="style"),
    "text after a value": struct_update(TEXT | ORIGIN, LETTER, origin=IDS.value),
    "text before a shot": struct_update(TEXT | RIGHT, LETTER, right=IDS.shot),
    "text between two places": struct_update(TEXT | ORIGIN | RIGHT, LETTER, origin=IDS.letter, right=IDS.value),
    "something in a letter": struct_update(TEXT, LETTER, IDS.letter),
    "something in a value": struct_update(VALUE | KEY, ONE_VALUE, IDS.value, key="style"),
}


@pytest.mark.parametrize("update", MISPLACED.values(), ids=MISPLACED)
def test_d5_what_is_in_the_wrong_place_is_refused_and_leaves_nothing(update: bytes) -> None:
    places = outline()
    before = dict(places.ends)
    with pytest.raises(UpdateError, match="expected"):
        places.take(scan(update))
    assert places.ends == before
    assert places.take(scan(struct_update(TEXT | ORIGIN, LETTER, origin=IDS.letter)))


PLACED = {
    "text in a prompt": struct_update(TEXT, LETTER, IDS.prompt),
    "text after text": struct_update(TEXT | ORIGIN, LETTER, origin=IDS.letter),
    "a value of settings": struct_update(VALUE | KEY, ONE_VALUE, IDS.settings, key="new"),
    "a value after a value": struct_update(VALUE | ORIGIN, ONE_VALUE, origin=IDS.value),
    "a shot": struct_update(TYPE | KEY, b"\x01", key="another"),
    "a deleted letter": struct_update(DELETED | ORIGIN, b"\x01", origin=IDS.letter),
}


@pytest.mark.parametrize("update", PLACED.values(), ids=PLACED)
def test_d5_what_is_in_its_place_is_taken(update: bytes) -> None:
    assert outline().take(scan(update))


def test_d6_what_refers_to_the_unknown_waits_and_leaves_nothing() -> None:
    places = outline()
    before = dict(places.ends)
    for reference in ((999, 0), (IDS.letter[0], 5000)):
        assert not places.take(scan(struct_update(TEXT | ORIGIN, LETTER, origin=reference)))
    assert not places.take(scan(struct_update(TEXT | ORIGIN, LETTER, origin=IDS.letter, clock=4)))
    assert not places.take(scan(b"\x00\x01" + struct_update(TEXT, LETTER)[2:3] + b"\x01\x00\x01"))
    assert places.ends == before


def test_d5_an_outline_of_the_state_is_as_good_as_one_of_the_log() -> None:
    writers = Writers(count=4, seed=3)
    from_log = Outline()
    for update in [*writers.log, *writers.write(400)]:
        assert from_log.take(scan(update))
    from_state = Outline()
    assert from_state.take(scan(writers.docs[0].get_update()))
    assert from_state.ends == from_log.ends == scan_vector(writers.docs[0].get_state())
    for update in writers.write(50):
        assert from_state.take(scan(update))
        assert from_log.take(scan(update))


def test_d5_editing_goes_on_in_a_document_that_lost_a_shot() -> None:
    writers = Writers(shots=(SHOT, "another"), seed=4)
    late: Doc[Any] = Doc()
    late.get("shots", type=Map)
    late.apply_update(writers.log[0])
    del writers.docs[0]["shots"]["another"]
    places = Outline()
    assert places.take(scan(writers.docs[0].get_update()))
    before = late.get_state()
    late["shots"]["another"]["prompt"].insert(0, "too late")
    late["shots"]["another"]["settings"]["style"] = "neon"
    assert places.take(scan(late.get_update(before)))


def test_sections_that_depend_on_each_other_many_times_are_placed_in_time() -> None:
    one, two = Writers(count=2, seed=8).docs
    for turn in range(600):
        writer, reader = (one, two) if turn % 2 else (two, one)
        before = writer.get_state()
        prompt = writer["shots"][SHOT]["prompt"]
        prompt.insert(len(prompt), "x")
        reader.apply_update(writer.get_update(before))
    assert Outline().take(scan(one.get_update()))
