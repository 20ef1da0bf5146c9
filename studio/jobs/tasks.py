"""The task that renders a take. Runs in the worker process only."""

import asyncio
import contextlib
import logging
from typing import Any
from uuid import UUID

from django.conf import settings
from procrastinate import Blueprint, JobContext

from inference.wire import Job
from studio import trace
from studio.domain import takes
from studio.jobs import queue, store
from studio.jobs.reports import LostError, Mailbox, Renderer, Reporter, Rig, Stop, database
from studio.models import Take

logger = logging.getLogger(__name__)

blueprint = Blueprint()


def load_renderer() -> Renderer:
    """Load the model that the settings name, and start its engine.

    Raises:
        ModelError: it is missing, broken, or of a class that is not known.
    """
    # Here, not above: this import is torch's, seconds long, and the process has something to say first.
    from inference.worker import Renderer as LoadedRenderer

    return LoadedRenderer(settings.RUSHES_MODEL, settings.RUSHES_DEVICE, max_jobs=settings.WORKER_JOBS)


@blueprint.task(name=queue.RENDER_TAKE, queue=queue.QUEUE, pass_context=True)  # type: ignore[untyped-decorator]
async def render_take(context: JobContext, take_id: str, alone: bool = False) -> None:
    """Make one attempt at a take, ``alone`` on this worker or beside others.

    However it ends, this job is over: a further attempt is a job of its own.
    """
    rig: Rig = context.additional_context["rig"]
    assert context.job.id is not None
    async with rig.gate.entered(UUID(take_id), alone=alone) as is_inside:
        take = await database(takes.begin)(UUID(take_id), context.job.id) if is_inside else None
        if take is None:
            return
        with trace.about(room=take.project_id, take=take.pk):
            await _render(rig, take)


async def _render(rig: Rig, take: Take) -> None:
    await _leave_to_us(rig, take)
    mailbox = rig.running[take.pk] = Mailbox()
    if rig.stopping:
        mailbox.put(Stop())
    reporter = Reporter(take, rig.redis)
    try:
        await _attempt(rig, reporter, mailbox)
    finally:
        # Harmless when the renderer is done with it.
        rig.renderer.cancel(take.pk)
        del rig.running[take.pk]
        mailbox.closed.set()
    await reporter.tidy()


async def _attempt(rig: Rig, reporter: Reporter, mailbox: Mailbox) -> None:
    take = reporter.take
    logger.info("attempt %d begins", take.attempt)
    try:
        rig.renderer.submit(_job(take), mailbox.put, await _state(take))
        await reporter.follow(mailbox)
    except LostError:
        logger.warning("attempt %d is not ours any more", take.attempt)
    except asyncio.CancelledError:
        with contextlib.suppress(LostError):
            await asyncio.shield(reporter.release())
        raise
    except Exception:
        logger.exception("attempt %d broke", take.attempt)
        await reporter.retry("worker.error", "The worker met an error that it did not expect.")


async def _leave_to_us(rig: Rig, take: Take) -> None:
    """Wait until an attempt at the same take that we have lost meanwhile has noticed it."""
    while (earlier := rig.running.get(take.pk)) is not None:
        rig.renderer.cancel(take.pk)
        await earlier.closed.wait()


async def _state(take: Take) -> bytes | None:
    if not take.checkpoint_key:
        return None
    try:
        return await asyncio.to_thread(store.get, take.checkpoint_key)
    except Exception as error:
        logger.warning("starts over, the checkpoint cannot be read: %s", error)
        return None


def _job(take: Take) -> Job:
    fields: dict[str, Any] = {name: getattr(take, name) for name in _COPIED}
    # Browsers know the attempt by its number among those that count.
    return Job(take_id=take.pk, attempt=take.tries, deadline_s=float(settings.TAKE_DEADLINE_S), **fields)


_COPIED = ("prompt", "quality", "width", "height", "frames", "seed", "style", "light", "pace")
