"""How workers announce themselves."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from studio.domain import offers
from studio.jobs import nodes, queue
from studio.models import Take, WorkerNode
from tests.factories import MANIFEST, Cast, make_request, make_worker_node

pytestmark = pytest.mark.django_db(transaction=True)
BROKEN = "model.broken", "transformer: the file ends early"


def test_a_worker_is_alive_from_its_first_beat_to_its_leave_j18() -> None:
    node_id = uuid.uuid4()
    for _ in range(2):
        nodes.announce(node_id, "cpu", MANIFEST)
    assert (offers.workers_alive(), WorkerNode.objects.count()) == (1, 1)
    assert offers.current().model == "Rushes Test"
    nodes.leave(node_id)
    assert offers.workers_alive() == 0


def test_a_silent_worker_counts_as_dead_and_its_offer_still_stands_j18() -> None:
    make_worker_node(seen_at=timezone.now() - timedelta(days=2))
    nodes.forget_the_dead()
    assert offers.workers_alive() == 0
    assert offers.current().model == "Rushes Test"


def test_workers_that_were_killed_are_forgotten_in_the_end() -> None:
    for hours in (2, 3):
        make_worker_node(seen_at=timezone.now() - timedelta(hours=hours))
    living = make_worker_node()
    nodes.forget_the_dead()
    assert list(WorkerNode.objects.all()) == [living]


def test_takes_wait_while_a_model_may_still_come_up_j19(cast: Cast) -> None:
    WorkerNode.objects.update(seen_at=timezone.now() - timedelta(hours=1))
    queue.submit(cast.access(), make_request(cast.shots[0]))
    assert [nodes.failed_start(*BROKEN) for _ in range(2)] == [1, 2]
    assert Take.objects.get().state == "queued"
    assert offers.workers().error == "transformer: the file ends early"
    assert offers.workers_alive() == 0


def test_the_third_failed_start_tells_waiting_takes_why_j19(cast: Cast) -> None:
    WorkerNode.objects.update(seen_at=timezone.now() - timedelta(hours=1))
    queue.submit(cast.access(), make_request(cast.shots[0]))
    for _ in range(3):
        nodes.failed_start(*BROKEN)
    take = Take.objects.get()
    assert (take.state, take.error_code, take.error_message) == ("failed", *BROKEN)


def test_takes_go_on_waiting_for_another_worker_that_is_alive_j19(cast: Cast) -> None:
    queue.submit(cast.access(), make_request(cast.shots[0]))
    for _ in range(4):
        nodes.failed_start(*BROKEN)
    assert Take.objects.get().state == "queued"
    assert offers.workers().error == ""


def test_a_start_that_succeeds_clears_the_count_j19() -> None:
    nodes.failed_start(*BROKEN)
    nodes.announce(uuid.uuid4(), "cpu", MANIFEST)
    assert nodes.failed_start(*BROKEN) == 1
