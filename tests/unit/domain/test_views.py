"""What clients are shown of a room."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from studio.domain import projects, views
from studio.jobs import queue
from studio.live.protocol import RoomView
from tests.factories import Cast, make_request, make_worker_node

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    make_worker_node()
    return Cast()


def test_a_room_is_what_the_protocol_says(cast: Cast) -> None:
    queue.submit(cast.access(), make_request(cast.shots[0]))
    room = RoomView.model_validate(views.room_view(cast.project.pk))
    assert [shot.title for shot in room.shots] == ["Morning", "Evening"]
    assert [(take.state, take.place, take.steps) for take in room.takes] == [("queued", 1, 4)]
    assert room.seq == 1
    assert room.workers.alive == 1


def test_a_room_is_read_in_a_constant_number_of_queries(cast: Cast) -> None:
    def count() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            views.room_view(access.project.pk)
        return len(queries)

    access = cast.access()
    queue.submit(access, make_request(cast.shots[0]))  # without any take there is nobody to ask for
    before = count()
    for number in range(5):
        shot = projects.add_shot(access, f"Shot {number}")
        queue.submit(access, make_request(shot))
        queue.submit(access, make_request(shot))
    assert count() == before


def test_labels_and_suggestions_are_in_the_readers_language(cast: Cast) -> None:
    with translation.override("fr"):
        offer = views.offer_view()
    assert offer["styles"] == [{"id": "neon", "label": "Néon"}]
    assert offer["suggestions"] == ["une balle rouge"]
    assert views.offer_view()["lights"] == [{"id": "dusk", "label": "Dusk"}]
