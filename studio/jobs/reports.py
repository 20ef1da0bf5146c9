"""What a renderer reports of one attempt, carried into rows, storage and Redis. Every write is fenced."""

import asyncio
import hashlib
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any, ParamSpec, Protocol, TypeVar
from uuid import UUID

from channels.db import database_sync_to_async
from redis.asyncio import Redis
from redis.exceptions import RedisError

from inference.wire import Cancelled, Checkpointed, Failed, Finished, Job, Report, Started, Stepped
from studio.domain import takes
from studio.jobs import queue, store
from studio.jobs.gate import Gate
from studio.live import groups
from studio.models import Take

logger = logging.getLogger(__name__)

PROGRESS_INTERVAL_S = 1.0
STORE_PAUSES_S = (1.0, 2.0, 4.0, 8.0, *9 * (10.0,))
"""A storage that is away for a minute costs the take that minute and some seconds, not another rendering."""

P = ParamSpec("P")
R = TypeVar("R")


class Renderer(Protocol):
    """What the worker process needs of ``inference.worker.Renderer``."""

    manifest: dict[str, Any]
    device: str

    def submit(self, job: Job, sink: Callable[[Report], None], state: bytes | None = None) -> None: ...

    def cancel(self, take_id: UUID) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Stop:
    """The worker process stops: the attempt is to be given back."""


class Mailbox:
    """Reports on their way from the renderer's threads to the event loop.

    Holds one report of each kind: an unread step or checkpoint gives way to the newer one, which takes over a preview
    if it has none.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Report | Stop] = deque()
        self._arrived = asyncio.Event()
        self.closed = asyncio.Event()
        """Set when nobody reads any more: another attempt of the same take may begin in this process."""

    def put(self, report: Report | Stop) -> None:
        """Leave a report, from any thread; never waits."""
        self._loop.call_soon_threadsafe(self._put, report)

    def _put(self, report: Report | Stop) -> None:
        if isinstance(report, Stepped):
            unread = [other.packet for other in self._waiting if isinstance(other, Stepped)]
            report = replace(report, packet=report.packet or b"".join(unread))
        if isinstance(report, Stepped | Checkpointed):
            self._waiting = deque(other for other in self._waiting if type(other) is not type(report))
        self._waiting.append(report)
        self._arrived.set()

    async def get(self) -> Report | Stop:
        """The oldest report; waits for one."""
        while not self._waiting:
            self._arrived.clear()
            await self._arrived.wait()
        return self._waiting.popleft()


@dataclass
class Rig:
    """What the tasks of one worker process share."""

    renderer: Renderer
    redis: Redis
    running: dict[UUID, Mailbox] = field(default_factory=dict)
    gate: Gate = field(default_factory=Gate)
    stopping: bool = False

    def stop(self) -> None:
        """Have every running attempt given back, and those that begin meanwhile."""
        self.stopping = True
        for mailbox in self.running.values():
            mailbox.put(Stop())

    def drop(self, take_id: UUID) -> None:
        """Stop a take that nobody wants any more, whether it runs here or waits to be let in."""
        self.gate.send_away(take_id)
        if take_id in self.running:
            self.renderer.cancel(take_id)


class LostError(Exception):
    """The attempt is not ours any more: a fenced write changed no row."""


class UnwantedError(Exception):
    """Somebody has asked to cancel the take."""


class Reporter:
    """Follows one attempt of one take to its end."""

    def __init__(self, take: Take, redis: Redis) -> None:
        self.take, self._redis = take, redis
        self._noted_at_s = 0.0
        self._is_stalled = False
        self._checkpoint_key = take.checkpoint_key
        self._handlers: dict[type, Callable[[Any], Awaitable[bool]]] = {
            Started: self._started,
            Stepped: self._stepped,
            Checkpointed: self._checkpointed,
            Finished: self._finished,
            Failed: self._failed,
            Cancelled: self._cancelled,
            Stop: self._stop,
        }

    async def follow(self, mailbox: Mailbox) -> None:
        """Carry out reports until the last one.

        Raises:
            LostError: somebody else has the take by now; nothing of it was changed.
        """
        is_over = False
        while not is_over:
            report = await mailbox.get()
            is_over = await self._handlers[type(report)](report)

    async def tidy(self) -> None:
        """Delete what the ended attempt left behind; another attempt's files stay."""
        take = await database(takes.ended)(self.take.pk)
        if take is None:
            return
        try:
            await self._redis.delete(groups.preview(take.pk))
        except RedisError as error:
            logger.warning("the last preview stays for a while: %s", error)
        await tidy(take)

    async def retry(self, code: str, message: str) -> bool:
        """Have the take tried again; False when it is not ours."""
        take = self.take
        return await database(takes.retry)(take.pk, take.attempt, queue.enqueue_again, code=code, message=message)

    async def _started(self, report: Started) -> bool:
        take = self.take
        held = await database(takes.started)(
            take.pk, take.attempt, model_prompt=report.model_prompt, step=report.step, steps=report.steps
        )
        self._hold(held)
        return False

    async def _stepped(self, report: Stepped) -> bool:
        if report.packet:
            await self._publish(report.packet)
        if time.monotonic() - self._noted_at_s >= PROGRESS_INTERVAL_S:
            self._noted_at_s = time.monotonic()
            take = self.take
            self._hold(await database(takes.progress)(take.pk, take.attempt, report.step, report.steps))
        return False

    async def _publish(self, packet: bytes) -> None:
        """To the room now, and for who comes late. A lost one is no matter: the next step brings another."""
        try:
            pipeline = self._redis.pipeline(transaction=False)
            pipeline.publish(groups.room(self.take.project_id), packet)
            pipeline.set(groups.preview(self.take.pk), packet, ex=groups.PREVIEW_TTL_S)
            await pipeline.execute()
        except RedisError as error:
            logger.warning("a preview was not sent: %s", error)

    async def _checkpointed(self, report: Checkpointed) -> bool:
        take = self.take
        key = store.key(take.pk, take.attempt, f"step-{report.step}.safetensors")
        try:
            await asyncio.to_thread(store.put, key, report.state)
        except Exception as error:
            # Without it a broken attempt starts over: slower, nothing lost.
            logger.warning("the checkpoint of step %d was not stored: %s", report.step, error)
            return False
        if not await database(takes.checkpointed)(take.pk, take.attempt, key):
            await asyncio.to_thread(store.remove, key)
            raise LostError
        earlier, self._checkpoint_key = self._checkpoint_key, key
        await asyncio.to_thread(store.remove, earlier)
        return False

    async def _finished(self, report: Finished) -> bool:
        take = self.take
        clip = _clip(take, report)
        try:
            await self._store(clip.clip_key, report.clip)
            await self._store(clip.poster_key, report.poster)
        except UnwantedError:
            return await self._cancelled(Cancelled())  # what of it is stored goes with the take's other leftovers
        except LostError:
            raise
        except Exception as error:
            await asyncio.to_thread(store.remove, clip.clip_key)
            return await self._not_stored(error)
        logger.info("rendered in %d ms, %d bytes stored", clip.render_ms, clip.clip_size_bytes)
        if not await database(takes.finish)(take.pk, take.attempt, clip):
            await asyncio.to_thread(store.remove, clip.clip_key, clip.poster_key)
            raise LostError
        return True

    async def _store(self, key: str, data: bytes) -> None:
        for pause_s in STORE_PAUSES_S:
            try:
                return await asyncio.to_thread(store.put, key, data)
            except Exception as error:
                if store.is_full(error):
                    raise
                logger.warning("%s not stored, trying again in %.0f s: %s", key, pause_s, error)
            await self._stalled()
            await asyncio.sleep(pause_s)
        return await asyncio.to_thread(store.put, key, data)

    async def _stalled(self) -> None:
        """Have the room know, once, what its take waits for, and see whether it is still wanted of this attempt.

        Postgres may be away as well: the clip in hand is worth waiting for both.
        """
        try:
            if not self._is_stalled:
                message = "The clip is made and waits to be stored: the storage does not answer."
                self._hold(await database(takes.stalled)(self.take.pk, self.take.attempt, "storage.away", message))
                self._is_stalled = True
            elif await database(takes.cancel_wanted)([self.take.pk]):
                raise UnwantedError
        except (LostError, UnwantedError):
            raise
        except Exception as error:
            logger.warning("the room was not told that the storage is away: %s", error)

    async def _not_stored(self, error: Exception) -> bool:
        if store.is_full(error):
            message = "There is no room left to store the clip. Make some, then request the take again."
            return await self._failed(Failed("storage.full", message))
        logger.error("the clip could not be stored: %s", error)
        message = "The clip could not be stored: the storage did not answer."
        return await self._failed(Failed("storage.unavailable", message, retryable=True))

    async def _failed(self, report: Failed) -> bool:
        take = self.take
        logger.warning("attempt %d failed: %s (%s)", take.attempt, report.message, report.code)
        if report.retryable:
            self._hold(await self.retry(report.code, report.message))
        else:
            self._hold(await database(takes.fail)(take.pk, take.attempt, report.code, report.message))
        return True

    async def _cancelled(self, report: Cancelled) -> bool:
        self._hold(await database(takes.cancelled)(self.take.pk, self.take.attempt))
        return True

    async def _stop(self, report: Stop) -> bool:
        await self.release()
        return True

    async def release(self) -> None:
        """Give the attempt back: another worker goes on from its checkpoint, at no cost of a try."""
        self._hold(await database(takes.release)(self.take.pk, self.take.attempt, queue.enqueue_again))

    def _hold(self, held: bool) -> None:
        if not held:
            raise LostError


async def tidy(take: Take) -> None:
    """Delete the files that a take which has ended does not need. What cannot be deleted now, the sweep finds."""
    try:
        await asyncio.to_thread(store.remove, *store.leftovers(take))
        await database(takes.tidied)(take.pk)
    except Exception:
        logger.exception("its leftovers stay", extra={"take": take.pk})


def database(function: Callable[P, R]) -> Callable[P, Awaitable[R]]:
    """Call a blocking function that uses Django's models from the event loop."""
    call: Callable[P, Awaitable[R]] = database_sync_to_async(function)
    return call


def _clip(take: Take, report: Finished) -> takes.Clip:
    return takes.Clip(
        clip_key=store.key(take.pk, take.attempt, store.CLIP),
        poster_key=store.key(take.pk, take.attempt, store.POSTER),
        clip_size_bytes=len(report.clip),
        clip_sha256=hashlib.sha256(report.clip).hexdigest(),
        rate_hz=report.rate_hz,
        sample_rate_hz=report.sample_rate_hz,
        waveform=list(report.waveform),
        model=report.model,
        model_prompt=report.model_prompt,
        render_ms=report.render_ms,
    )
