"""From request to job."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import close_old_connections
from procrastinate.contrib.django.models import ProcrastinateJob

from studio.domain import takes
from studio.domain.errors import DomainError, Kind
from studio.jobs import queue
from studio.models import RoomEvent, Take
from tests.factories import Cast, make_request


def test_a_take_its_job_and_its_event_are_one_transaction_j1(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("studio.domain.events.record", broken)
    with pytest.raises(ZeroDivisionError):
        queue.submit(cast.access(), make_request(cast.shots[0]))
    assert (Take.objects.count(), ProcrastinateJob.objects.count(), RoomEvent.objects.count()) == (0, 0, 0)
    monkeypatch.undo()
    take = queue.submit(cast.access(), make_request(cast.shots[0]))
    assert ProcrastinateJob.objects.get().pk == take.job_id
    assert ProcrastinateJob.objects.get().args == {"take_id": str(take.pk)}
    assert RoomEvent.objects.get().payload["take"]["place"] == 1


def test_fifty_requests_with_one_key_at_once_are_one_take_j2(cast: Cast) -> None:
    access, request = cast.access(), make_request(cast.shots[0], key="the same key")

    def submit(_: int) -> str:
        try:
            return str(queue.submit(access, request).pk)
        finally:
            close_old_connections()

    with ThreadPoolExecutor(25) as pool:
        answers = set(pool.map(submit, range(50)))
    assert answers == {str(Take.objects.get().pk)}
    assert ProcrastinateJob.objects.count() == 1
    assert RoomEvent.objects.count() == 1


def test_two_people_who_ask_at_once_get_a_take_each_j2(cast: Cast) -> None:
    shot, accesses = cast.shots[0], [cast.access("owner"), cast.access("editor")] * 5

    def submit(access: Any) -> int:
        try:
            return queue.submit(access, make_request(shot)).number
        finally:
            close_old_connections()

    with ThreadPoolExecutor(10) as pool:
        assert sorted(pool.map(submit, accesses)) == list(range(1, 11))


def test_the_twenty_first_waiting_take_of_a_person_is_refused_j3(cast: Cast) -> None:
    for _ in range(takes.WAITING_LIMIT):
        queue.submit(cast.access(), make_request(cast.shots[0]))
    with pytest.raises(DomainError) as refused:
        queue.submit(cast.access(), make_request(cast.shots[0]))
    assert (refused.value.kind, refused.value.code) == (Kind.LIMITED, "take.too_many")
    assert "20" in refused.value.message
    assert Take.objects.count() == takes.WAITING_LIMIT
    assert queue.submit(cast.access("owner"), make_request(cast.shots[0])).number == takes.WAITING_LIMIT + 1


def test_a_room_with_much_waiting_does_not_hold_up_another_j4(cast: Cast) -> None:
    busy = [queue.submit(cast.access(), make_request(cast.shots[0])) for _ in range(3)]
    other = Cast()
    fresh = queue.submit(other.access(), make_request(other.shots[0]))
    assert takes.places(cast.project.pk) == {str(busy[0].pk): 1, str(busy[1].pk): 3, str(busy[2].pk): 4}
    assert takes.places(other.project.pk) == {str(fresh.pk): 2}


def test_a_take_that_was_begun_before_comes_first_j4(cast: Cast) -> None:
    first, second = (queue.submit(cast.access(), make_request(cast.shots[0])) for _ in range(2))
    assert takes.begin(second.pk, second.job_id or 0) is not None
    assert takes.places(cast.project.pk) == {str(first.pk): 1}
    takes.release(second.pk, 1, queue.enqueue_again)
    assert takes.places(cast.project.pk) == {str(second.pk): 1, str(first.pk): 2}


def test_only_a_last_try_is_told_to_be_alone_j20(cast: Cast) -> None:
    """A worker that knows no such option takes every other job."""
    take = queue.submit(cast.access(), make_request(cast.shots[0]))
    told = []
    for attempt in range(1, takes.MAX_ATTEMPTS):
        take.refresh_from_db()
        assert takes.begin(take.pk, take.job_id or 0) is not None
        takes.retry(take.pk, attempt, queue.enqueue_again, code="worker.error", message="")
        told.append(ProcrastinateJob.objects.latest("id").args)
    assert told == [{"take_id": str(take.pk)}, {"take_id": str(take.pk), "alone": True}]


def test_cancelling_goes_through_without_redis_j13(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    take = queue.submit(cast.access(), make_request(cast.shots[0]))
    queue._client.cache_clear()
    monkeypatch.setattr("django.conf.settings.REDIS_URL", "unix:///nowhere")
    assert queue.cancel(cast.access("owner"), take.pk).state == "cancelled"
    queue._client.cache_clear()


@pytest.mark.parametrize("part", ["viewer", "reviewer", "guest", "stranger"])
def test_who_may_not_generate_leaves_no_row(cast: Cast, part: str) -> None:
    with pytest.raises(DomainError) as refused:
        queue.submit(cast.access(part), make_request(cast.shots[0]))
    assert refused.value.kind is (Kind.NOT_FOUND if part == "stranger" else Kind.FORBIDDEN)
    assert Take.objects.count() == 0


@pytest.mark.parametrize("part", ["viewer", "reviewer", "guest", "stranger"])
def test_who_may_not_generate_may_not_cancel(cast: Cast, part: str) -> None:
    take = queue.submit(cast.access(), make_request(cast.shots[0]))
    with pytest.raises(DomainError):
        queue.cancel(cast.access(part), take.pk)
    assert Take.objects.get().state == "queued"


def test_a_take_of_another_room_is_not_there_to_be_cancelled(cast: Cast) -> None:
    other = Cast()
    take = queue.submit(other.access(), make_request(other.shots[0]))
    with pytest.raises(DomainError) as refused:
        queue.cancel(cast.access(), take.pk)
    assert refused.value.kind is Kind.NOT_FOUND
