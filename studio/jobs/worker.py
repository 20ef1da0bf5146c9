"""The worker process: renders takes until it is told to stop, then gives back what it has not finished."""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError
from procrastinate import App, PsycopgConnector
from procrastinate.contrib.django.utils import connector_params
from procrastinate.exceptions import ConnectorException
from redis.asyncio import Redis
from redis.exceptions import RedisError

from studio.domain import takes
from studio.jobs import nodes, queue, sweep
from studio.jobs.reports import Renderer, Rig, database
from studio.jobs.tasks import blueprint
from studio.live import groups

logger = logging.getLogger(__name__)

POLL_S = 1.0
"""How late a lost wake, of a job or of a cancel, can be noticed."""

POOL_TIMEOUT_S = 5.0
"""How long a query waits for Postgres to come back before it fails."""

STRUCK_OFF_S = 3600.0

STOP_TIMEOUT_S = 6.0
"""Attempts are given back in milliseconds; this bounds one that is storing its clip."""

CLOSE_TIMEOUT_S = 1.5
"""The step in hand is worth nothing any more; on a large model it may take a minute."""

END_S = 8.5
"""A worker that is told to stop and takes longer than the two above waits for a Postgres that hangs, perhaps for ever.
Its takes are queued again once its lease is over."""


async def run(renderer: Renderer, node_id: UUID, ready: Callable[[], None] = lambda: None) -> None:
    """Work until SIGTERM or SIGINT; ``ready`` is called once takes are taken.

    The renderer may still be at a step then, whose result nobody waits for.
    """
    asyncio.get_running_loop().set_exception_handler(_on_loose_error)
    rig = Rig(renderer, Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2))
    try:
        async with _worker_app() as app:
            await database(nodes.announce)(node_id, renderer.device, renderer.manifest)
            ready()
            await _work(app, rig, node_id)
    finally:
        closing = threading.Thread(target=renderer.close, name="closing", daemon=True)
        closing.start()
        await asyncio.to_thread(closing.join, CLOSE_TIMEOUT_S)
        await rig.redis.aclose()


async def _work(app: App, rig: Rig, node_id: UUID) -> None:
    worker = asyncio.create_task(_take_jobs(app, rig), name="jobs")
    _on_signals(rig, worker)
    loops = [
        asyncio.create_task(_beat(rig, node_id), name="heartbeat"),
        asyncio.create_task(_poll_cancels(rig), name="cancels"),
        asyncio.create_task(_hear_cancels(rig), name="wakes"),
        asyncio.create_task(sweep.run(), name="sweep"),
    ]
    await asyncio.wait([worker])
    for loop in loops:
        loop.cancel()
    await asyncio.gather(*loops, return_exceptions=True)
    try:
        await database(nodes.leave)(node_id)
    except DatabaseError as error:
        logger.warning("the worker could not say that it stops: %s", error)


async def _take_jobs(app: App, rig: Rig) -> None:
    """Run jobs until cancelled. Procrastinate gives up when it loses Postgres; the loaded model is kept meanwhile."""
    while not rig.stopping:
        try:
            await app.run_worker_async(**_options(rig))
        except Exception as error:
            logger.error("no jobs can be taken, trying again: %s", error.__cause__ or error)
            await asyncio.sleep(POLL_S)


def _on_loose_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Procrastinate cannot end a job that the sweep took from us while we stalled: one line, not a page."""
    error = context.get("exception")
    if isinstance(error, ConnectorException):
        logger.warning("a job's end was not written, it is not ours any more: %s", error.__cause__)
    else:
        loop.default_exception_handler(context)


def _on_signals(rig: Rig, worker: "asyncio.Task[None]") -> None:
    def stop() -> None:
        rig.stop()
        # To Procrastinate, being cancelled is being asked to stop: it takes no new job and waits for the running.
        worker.cancel()
        asyncio.get_running_loop().call_later(END_S, _give_up)

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)


def _give_up() -> None:
    logger.error("told to stop, and still not done after %.1f s: ending as it is", END_S)
    logging.shutdown()
    os._exit(1)


@asynccontextmanager
async def _worker_app() -> AsyncIterator[App]:
    """An app of this process's own, on a connection pool; the rules go on queueing through Django's."""
    connector = PsycopgConnector(kwargs=connector_params(), min_size=1, max_size=4, timeout=POOL_TIMEOUT_S)
    app = App(connector=connector)
    app.add_tasks_from(blueprint, namespace="")
    async with app.open_async():
        yield app


def _options(rig: Rig) -> dict[str, object]:
    return {
        "queues": [queue.QUEUE],
        "concurrency": settings.WORKER_JOBS,
        "fetch_job_polling_interval": POLL_S,
        "shutdown_graceful_timeout": STOP_TIMEOUT_S,
        "delete_jobs": "always",
        "additional_context": {"rig": rig},
        "install_signal_handlers": False,
        # Three beats may be late before the lease is over.
        "update_heartbeat_interval": settings.LEASE_S / 4,
        # When rows of dead workers are deleted, no more: the sweep goes by their last beat. A worker that wakes after
        # a long stall needs its row, or Procrastinate fails at its next job.
        "stalled_worker_timeout": STRUCK_OFF_S,
    }


async def _beat(rig: Rig, node_id: UUID) -> None:
    interval_s = min(1.0, settings.LEASE_S / 4)
    while True:
        await asyncio.sleep(interval_s)
        try:
            await database(nodes.announce)(node_id, rig.renderer.device, rig.renderer.manifest)
        except Exception as error:
            logger.warning("the worker could not say that it is alive: %s", error)


async def _poll_cancels(rig: Rig) -> None:
    while True:
        await asyncio.sleep(POLL_S)
        try:
            await drop_unwanted(rig)
        except Exception as error:
            logger.warning("the worker could not ask what was cancelled: %s", error)


async def drop_unwanted(rig: Rig) -> None:
    """Stop the takes of this worker that the rows say nobody wants any more."""
    if running := list(rig.running):
        for take_id in await database(takes.cancel_wanted)(running):
            rig.drop(take_id)
    if waiting := rig.gate.waiting:
        for take_id in await database(takes.wait_no_more)(waiting):
            rig.drop(take_id)


async def _hear_cancels(rig: Rig) -> None:
    # Its own client: a subscription is quiet for as long as nobody cancels, which is no timeout.
    async with Redis.from_url(settings.REDIS_URL, socket_timeout=None, socket_connect_timeout=2) as redis:
        while True:
            try:
                await _listen(redis, rig)
            except RedisError as error:
                logger.warning("no wakes from Redis, polling alone: %s", error)
                await asyncio.sleep(POLL_S)


async def _listen(redis: Redis, rig: Rig) -> None:
    async with redis.pubsub(ignore_subscribe_messages=True) as subscription:
        await subscription.subscribe(groups.WORKERS)
        async for message in subscription.listen():
            verb, _, take_id = message["data"].decode(errors="replace").partition(":")
            if verb == "cancel" and (unwanted := _ours(rig, take_id)) is not None:
                rig.drop(unwanted)


def _ours(rig: Rig, take_id: str) -> UUID | None:
    return next((ours for ours in (*rig.running, *rig.gate.waiting) if str(ours) == take_id), None)
