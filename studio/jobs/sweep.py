"""Finds takes that nobody works on any more and puts them right. Safe to run in several processes at once.

Not a job: a sweep that is a job can stall like any other.
"""

import asyncio
import logging
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import Q

from studio.domain import takes
from studio.jobs import nodes, queue
from studio.jobs.reports import database, tidy
from studio.models import Take, TakeState

logger = logging.getLogger(__name__)

INTERVAL_S = 1.0

_OF_NOTHING = Q(shot__deleted_at__isnull=False) | Q(project__deleted_at__isnull=False)
"""Takes whose shot or project was deleted by a process that ended before it could cancel them."""

LOST = "worker.lost", "The worker that rendered this take was lost, each time it was tried."


async def run() -> None:
    """Sweep for ever; a sweep that fails is logged, and the next one comes."""
    while True:
        try:
            await once()
        except DatabaseError as error:
            logger.warning("no sweep without Postgres: %s", error)
        except Exception:
            logger.exception("the sweep failed")
        await asyncio.sleep(INTERVAL_S)


async def once() -> None:
    """One sweep, and the files that ended takes left."""
    await database(sweep)()
    for take in await database(takes.untidy)():
        await tidy(take)


def sweep() -> None:
    """Put right what can be found wrong now."""
    while _recover_a_stalled_job():
        pass
    for take_id, job_id in _without_a_job():
        _recover(take_id, job_id)
    takes.cancel_where(Q(state=TakeState.QUEUED, cancel_requested_at__isnull=False) | _OF_NOTHING)
    nodes.forget_the_dead()


def _recover_a_stalled_job() -> bool:
    """Take the job of a worker that is silent for longer than the lease off it, for good.

    The job's row is deleted and the take gets a new one: the silent worker may wake, and would finish the old row.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                """
                DELETE FROM procrastinate_jobs WHERE id = (
                    SELECT job.id FROM procrastinate_jobs job
                    LEFT JOIN procrastinate_workers worker ON worker.id = job.worker_id
                    WHERE job.queue_name = %s AND job.status = 'doing' AND (
                        worker.id IS NULL OR worker.last_heartbeat < now() - make_interval(secs => %s)
                    )
                    LIMIT 1 FOR UPDATE OF job SKIP LOCKED
                ) RETURNING id, args ->> 'take_id'
                """,
                [queue.QUEUE, settings.LEASE_S],
            )
            row = cursor.fetchone()
        if row is None:
            return False
        job_id, take_id = row
        logger.warning("its worker is silent", extra={"take": take_id})
        _recover(UUID(take_id), job_id)
    return True


def _without_a_job() -> list[tuple[UUID, int | None]]:
    """Unfinished takes whose job is gone or over."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT take.id, take.job_id FROM studio_take take
            WHERE take.state = ANY(%s) AND NOT EXISTS (
                SELECT 1 FROM procrastinate_jobs job WHERE job.id = take.job_id AND job.status IN ('todo', 'doing')
            )
            """,
            [[state.value for state in takes.UNFINISHED]],
        )
        return [(take_id, job_id) for take_id, job_id in cursor.fetchall()]


def _recover(take_id: UUID, job_id: int | None) -> None:
    """Have a take that lost its job go on, unless it has another one by now."""
    take = Take.objects.filter(pk=take_id, job_id=job_id).first()
    if take is None:
        return
    if take.state == TakeState.QUEUED:
        takes.requeue(take.pk, job_id, queue.enqueue_again)
    elif take.state == TakeState.RUNNING:
        code, message = LOST
        takes.retry(take.pk, take.attempt, queue.enqueue_again, code=code, message=message)
