"""What somebody who comes in is told first: rule R-07 of studio/live/SPEC-ROOM.md."""

import json

import pytest
from django.db import transaction

from studio.domain import events
from studio.live import arrival
from tests.factories import Cast


@pytest.fixture
def cast(db: None) -> Cast:
    return Cast()


def rename(cast: Cast, times: int, size: int, letter: str = "x") -> None:
    with transaction.atomic():
        for number in range(times):
            events.record(cast.project.pk, "project.renamed", {"title": f"{number}".ljust(size, letter)})


def test_r07_a_few_missed_events_are_replayed(cast: Cast) -> None:
    before = events.newest(cast.project.pk)
    rename(cast, 3, 10)
    came = arrival.read(cast.access("viewer"), before)
    welcome, *others = [json.loads(text) for text in came.texts]
    assert welcome["room"] is None
    assert [other.get("seq") for other in others] == [before + 1, before + 2, before + 3, None, None]
    assert came.seq == before + 3


@pytest.mark.parametrize(("letter", "letter_bytes"), [("x", 1), ("あ", 3)])
def test_r07_a_replay_that_is_larger_than_it_should_be_is_the_whole_room(
    cast: Cast, letter: str, letter_bytes: int
) -> None:
    before = events.newest(cast.project.pk)
    rename(cast, 10, arrival.MAX_REPLAY_BYTES // letter_bytes // 10 + 1, letter)
    came = arrival.read(cast.access("viewer"), before)
    (welcome,) = (json.loads(text) for text in came.texts)
    assert welcome["room"]["seq"] == came.seq == before + 10
