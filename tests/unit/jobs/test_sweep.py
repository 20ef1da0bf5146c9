"""Takes that nobody works on any more."""

from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.db import close_old_connections, connection
from django.utils import timezone

from studio.domain import takes
from studio.jobs import queue
from studio.jobs.sweep import sweep
from studio.models import Project, RoomEvent, Shot, Take
from tests.factories import Cast, make_request


def sql(statement: str, *values: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()[0] if cursor.description else None


def fetch(take: Take, silent_s: float = 0.0) -> int:
    """Have a worker that was last heard ``silent_s`` ago take the take's job, and begin it; the job's number."""
    worker = sql(
        "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - make_interval(secs => %s)) RETURNING id",
        silent_s,
    )
    take.refresh_from_db()
    sql("UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s WHERE id = %s", worker, take.job_id)
    assert take.job_id is not None
    return take.job_id


def begin(take: Take, silent_s: float = 0.0) -> Take:
    begun = takes.begin(take.pk, fetch(take, silent_s))
    assert begun is not None
    return begun


def job_status(take: Take) -> str:
    return str(sql("SELECT status FROM procrastinate_jobs WHERE id = %s", take.job_id))


def types() -> list[str]:
    return list(RoomEvent.objects.order_by("seq").values_list("type", flat=True))


@pytest.fixture
def silent_s() -> float:
    return float(settings.LEASE_S) + 1


def test_a_take_of_a_silent_worker_is_queued_again_and_the_room_told_j9(take: Take, silent_s: float) -> None:
    lost = begin(take, silent_s)
    sweep()
    take.refresh_from_db()
    assert (take.state, take.attempt) == ("queued", 1)
    assert take.job_id != lost.job_id
    assert job_status(take) == "todo"
    assert types()[-1] == "take.retried"
    assert RoomEvent.objects.order_by("seq").last().payload["take"]["place"] == 1  # type: ignore[union-attr]


def test_a_take_of_a_worker_within_its_lease_is_left_alone_j9(take: Take) -> None:
    begun = begin(take, settings.LEASE_S - 1)
    sweep()
    take.refresh_from_db()
    assert (take.state, take.job_id) == ("running", begun.job_id)


def test_the_third_lost_worker_fails_the_take_j8_j9(take: Take, silent_s: float) -> None:
    for _ in range(3):
        begin(take, silent_s)
        sweep()
    take.refresh_from_db()
    assert (take.state, take.attempt, take.error_code) == ("failed", 3, "worker.lost")
    assert types().count("take.started") == 3
    assert sql("SELECT count(*) FROM procrastinate_jobs") == 0


def test_a_job_that_was_fetched_but_never_begun_costs_no_try_j10(take: Take, silent_s: float) -> None:
    fetch(take, silent_s)
    sweep()
    take.refresh_from_db()
    assert (take.state, take.attempt, job_status(take)) == ("queued", 0, "todo")


@pytest.mark.parametrize("begun", [False, True])
def test_a_take_whose_job_vanished_gets_another_j10(take: Take, begun: bool) -> None:
    if begun:
        begin(take)
    sql("DELETE FROM procrastinate_jobs")
    sweep()
    take.refresh_from_db()
    assert (take.state, job_status(take)) == ("queued", "todo")


def test_a_stale_workers_job_is_never_used_again_j7(take: Take, silent_s: float) -> None:
    stale = begin(take, silent_s)
    sweep()
    begun = begin(take)
    assert sql("SELECT count(*) FROM procrastinate_jobs WHERE id = %s", stale.job_id) == 0
    assert not takes.progress(take.pk, stale.attempt, 3, 4)
    assert not takes.fail(take.pk, stale.attempt, "x", "x")
    assert not takes.cancelled(take.pk, stale.attempt)
    assert takes.progress(take.pk, begun.attempt, 3, 4)


def test_a_cancelled_take_of_a_lost_worker_ends_cancelled_j14(take: Take, cast: Cast, silent_s: float) -> None:
    begin(take, silent_s)
    assert takes.cancel(cast.access(), take.pk).state == "running"
    sweep()
    take.refresh_from_db()
    assert take.state == "cancelled"
    assert types()[-2:] == ["take.cancelling", "take.cancelled"]


def test_a_take_that_has_ended_is_left_alone_when_its_job_stalls(take: Take, silent_s: float) -> None:
    begun = begin(take, silent_s)
    takes.fail(take.pk, begun.attempt, "render.nan", "The weights give NaN.")
    sweep()
    take.refresh_from_db()
    assert (take.state, take.error_code) == ("failed", "render.nan")


@pytest.mark.parametrize("of", [Shot, Project])
def test_takes_of_what_was_deleted_do_not_go_on_j14(take: Take, of: type[Shot | Project]) -> None:
    of._default_manager.update(deleted_at=timezone.now())
    sweep()
    take.refresh_from_db()
    assert take.state == "cancelled"


def test_several_sweeps_at_once_queue_each_take_once_j12(cast: Cast, silent_s: float) -> None:
    lost = [queue.submit(cast.access(), make_request(cast.shots[0])) for _ in range(6)]
    for take in lost:
        begin(take, silent_s)

    def swept(_: int) -> None:
        try:
            sweep()
        finally:
            close_old_connections()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(swept, range(8)))
    assert types().count("take.retried") == len(lost)
    assert sql("SELECT count(*) FROM procrastinate_jobs") == len(lost)


def test_takes_from_before_that_may_have_left_files_are_tidied_j16(cast: Cast) -> None:
    ended, begun, waiting = (queue.submit(cast.access(), make_request(cast.shots[0])) for _ in range(3))
    Take.objects.filter(pk=ended.pk).update(state="failed", checkpoint_key="takes/1/1/step-2.safetensors")
    Take.objects.filter(pk=begun.pk).update(attempt=1)
    assert takes.untidy() == []
    import_module("studio.migrations.0002_take_is_untidy").note_what_may_have_left_files(apps, None)
    assert takes.untidy() == [ended]
    for take in (begun, waiting):
        takes.cancel(cast.access(), take.pk)
    assert takes.untidy() == [ended, begun]
