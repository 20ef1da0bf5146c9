"""The queue as the rules see it: a take's row and its job are one transaction. Loads no model."""

import logging
from functools import cache
from uuid import UUID

import redis
from django.conf import settings
from django.db.models import Q
from procrastinate.contrib.django import app

from studio.domain import takes
from studio.domain.access import Access
from studio.domain.takes import TakeRequest
from studio.live import groups
from studio.models import Take

logger = logging.getLogger(__name__)

QUEUE = "takes"
RENDER_TAKE = "render_take"

AGAIN = 1
"""Priority of a take that was begun before: it has waited its turn already. Fresh ones have 0 and less."""


def submit(access: Access, request: TakeRequest) -> Take:
    """Request a take and queue its job, both or neither.

    Raises:
        DomainError: what ``takes.request_take`` refuses.
    """
    take, is_new = takes.request_take(access, request, enqueue=enqueue)
    if is_new:
        logger.info("queued as take %d, %s", take.number, take.quality, extra={"take": take.pk})
    return take


def cancel(access: Access, take_id: UUID) -> Take:
    """Cancel a take and wake the worker that may have it.

    Raises:
        DomainError: what ``takes.cancel`` refuses.
    """
    take = takes.cancel(access, take_id)
    wake(take_id)
    return take


def wake(take_id: UUID) -> None:
    """Tell the workers that a take is not wanted any more. Lost, it costs a second: workers ask the rows too."""
    try:
        _client().publish(groups.WORKERS, f"cancel:{take_id}")
    except redis.RedisError as error:
        logger.warning("no wake sent: %s", error, extra={"take": take_id})


def enqueue(take: Take) -> int:
    """Queue the job of a new take. The more its room and its person have unfinished, the later it comes."""
    theirs = Q(project=take.project_id) | Q(requested_by=take.requested_by_id)
    ahead = Take.objects.filter(theirs, state__in=takes.UNFINISHED).exclude(pk=take.pk).count()
    return _defer(take, -ahead)


def enqueue_again(take: Take) -> int:
    """Queue a further job of a take that was begun before. The last try is made alone on its worker."""
    return _defer(take, AGAIN, alone=take.tries >= takes.MAX_ATTEMPTS - 1)


def _defer(take: Take, priority: int, *, alone: bool = False) -> int:
    job = app.configure_task(RENDER_TAKE, queue=QUEUE, priority=priority)
    # Only where it matters: a worker of the release before, still there while a studio is renewed, does not know it.
    options = {"alone": True} if alone else {}
    job_id: int = job.defer(take_id=str(take.pk), **options)
    return job_id


@cache
def _client() -> "redis.Redis":
    client: redis.Redis = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)
    return client
