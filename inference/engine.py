"""The engine: one thread that owns the denoise loop, and jobs that join and leave it between steps.

At each turn the job that has waited longest for a step gets one, together with all the jobs of its bucket: rooms
share the device step by step, and nobody waits for another's whole clip. Cancelling, a deadline, a checkpoint and
an end are decided between steps. A job that fails takes nobody with it.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import partial
from itertools import count
from uuid import UUID

import torch

from inference.errors import JobError
from inference.manifest import check, compose
from inference.outbox import Ending, Outbox, Sink, Step, Track
from inference.pipelines import checkpoint
from inference.pipelines.base import Clip, Decoding, Latents, Model, Recipe, is_out_of_memory
from inference.wire import Cancelled, Checkpointed, Failed, Job, Started, Stepped

log = logging.getLogger(__name__)

CHECKPOINT_STEPS, CHECKPOINT_S = 4, 1.0
"""A killed worker loses so many steps at most, or a second of quicker ones."""
MAX_WAITING = 64
"""Jobs that may wait to join; beyond, a job is refused and may be tried again."""
_SMOOTHING = 0.4  # weight of the newest step's time in the estimate of the next


@dataclass(frozen=True)
class Pace:
    """Seconds that a step and the end of a clip take, as measured when the model was loaded."""

    step_s: float
    finish_s: float


@dataclass
class Order:
    """A job that waits to join."""

    track: Track
    state: bytes | None
    due_s: float


@dataclass
class Running:
    """A job in the batch. ``turn`` is that of its last step: the lowest goes first."""

    track: Track
    recipe: Recipe
    latents: Latents
    due_s: float
    started_s: float
    stepped_s: float
    interval_s: float
    saved_step: int
    saved_s: float
    turn: int = -1


class Engine:
    """Runs ``turn`` again and again on a thread of its own, once started."""

    def __init__(
        self,
        model: Model,
        outbox: Outbox,
        pace: Pace,
        *,
        max_jobs: int = 8,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._model, self._outbox, self._pace = model, outbox, pace
        self._max_jobs, self._clock = max_jobs, clock
        self._turns = count()
        self._limits: dict[Hashable, int] = {}
        self._running: list[Running] = []
        self._waiting: deque[Order] = deque()
        self._cancels: set[UUID] = set()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._is_closing = False
        self._thread = threading.Thread(target=self._run, name="rushes-engine", daemon=True)

    def start(self) -> None:
        """Begin to take turns."""
        self._thread.start()

    def submit(self, job: Job, sink: Sink, state: bytes | None = None) -> None:
        """Let a job join at the next step, from a checkpoint if there is one. An older attempt at it is cancelled."""
        track = Track(job, sink)
        with self._lock:
            refusal = self._refusal()
            older = [order for order in self._waiting if order.track.job.take_id == job.take_id]
            for order in older:
                self._waiting.remove(order)
            self._cancels.discard(job.take_id)  # meant for the attempts before this one, which end now anyway
            if refusal is None:
                self._waiting.append(Order(track, state, self._clock() + job.deadline_s))
        for order in older:
            self._outbox.give_up(order.track, Cancelled())
        if refusal is not None:
            self._outbox.give_up(track, refusal)
        self._wake.set()

    def cancel(self, take_id: UUID) -> None:
        """Stop a job at its next step, or before it joins. A job that is not here is left alone."""
        with self._lock:
            self._cancels.add(take_id)
        self._wake.set()

    def close(self) -> None:
        """Stop after the step in hand. Each job's state is reported, so that another worker can go on with it."""
        with self._lock:
            self._is_closing = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        with self._lock:
            waiting, self._waiting = self._waiting, deque()
        for order in waiting:
            self._outbox.give_up(order.track, _STOPPED)
        for one in self._running:
            self._save(one)
            self._outbox.report(one.track, _STOPPED)
        self._running = []

    def turn(self) -> bool:
        """One turn: sweep, let jobs join, step one batch. False when there was nothing to do."""
        self._sweep()
        self._admit()
        batch = self._next_batch()
        self._step(batch)
        return bool(batch)

    def _refusal(self) -> Failed | None:
        if self._is_closing:
            return _STOPPED
        if len(self._waiting) >= MAX_WAITING:
            return Failed("worker.full", f"{MAX_WAITING} takes already wait on this worker.", retryable=True)
        return None

    def _run(self) -> None:
        while not self._is_closing:
            self._wake.wait()
            self._wake.clear()
            while not self._is_closing and self.turn():
                pass

    def _sweep(self) -> None:
        """Take out what was cancelled, is overdue, or is replaced by a newer attempt."""
        now_s = self._clock()
        with self._lock:
            cancels, self._cancels = self._cancels, set()
            waiting = list(self._waiting)
            gone = [order for order in waiting if order.track.job.take_id in cancels or now_s > order.due_s]
            for order in gone:
                self._waiting.remove(order)
        newer = {order.track.job.take_id for order in waiting if order not in gone}
        for order in gone:
            self._outbox.give_up(order.track, _why_gone(order.track.job, cancels))
        for one in list(self._running):
            take_id = one.track.job.take_id
            if take_id in cancels or take_id in newer or now_s > one.due_s:
                self._fail(one, _why_gone(one.track.job, cancels | newer))

    def _admit(self) -> None:
        while len(self._running) < self._max_jobs:
            with self._lock:
                order = self._waiting.popleft() if self._waiting else None
            if order is None:
                return
            try:
                self._running.append(self._begin(order))
            except Exception as error:
                self._outbox.give_up(order.track, self._explain(order.track.job, error))

    def _begin(self, order: Order) -> Running:
        job, manifest = order.track.job, self._model.manifest
        check(manifest, job)
        recipe = Recipe(
            compose(manifest, job), job.width, job.height, job.frames, job.seed, manifest.calls[job.quality]
        )
        latents = self._thaw(job, recipe, order.state) or self._model.start(recipe)
        now_s = self._clock()
        log.info("joins at step %d of %d", latents.step, latents.steps, extra={"take": job.take_id})
        self._outbox.report(order.track, Started(recipe.prompt, latents.step, latents.steps))
        return Running(order.track, recipe, latents, order.due_s, now_s, now_s, self._pace.step_s, latents.step, now_s)

    def _thaw(self, job: Job, recipe: Recipe, state: bytes | None) -> Latents | None:
        """A checkpoint is a help, not a need: one that does not fit is left, and the job starts anew."""
        if state is None:
            return None
        try:
            return checkpoint.thaw(self._model, recipe, state)
        except ValueError as error:
            log.warning("starts anew: %s", error, extra={"take": job.take_id})
            return None

    def _next_batch(self) -> list[Running]:
        if not self._running:
            return []
        first = min(self._running, key=lambda one: one.turn)
        bucket = first.latents.bucket
        mates = [one for one in self._running if one.latents.bucket == bucket]
        return sorted(mates, key=lambda one: one.turn)[: self._limits.get(bucket, self._max_jobs)]

    def _step(self, batch: list[Running]) -> None:
        """Step a batch; where it fails, its jobs in smaller batches, down to the one that is at fault."""
        if not batch:
            return
        try:
            self._model.step([one.latents for one in batch])
        except Exception as error:
            self._split(batch, error)
            return
        turn = next(self._turns)
        for one in batch:
            one.turn = turn
            try:
                self._after_step(one)
            except Exception as failure:
                self._fail(one, self._explain(one.track.job, failure))

    def _split(self, batch: list[Running], error: Exception) -> None:
        if len(batch) == 1:
            self._fail(batch[0], self._explain(batch[0].track.job, error))
            return
        size = 1
        if is_out_of_memory(error):
            size = len(batch) // 2
            self._limits[batch[0].latents.bucket] = size
            _free_memory()
        log.warning("a step of %d jobs failed, again by %d: %s", len(batch), size, error)
        for at in range(0, len(batch), size):
            self._step(batch[at : at + size])

    def _after_step(self, one: Running) -> None:
        latents = one.latents
        if not self._model.is_finite(latents):
            self._fail(one, Failed("render.not_finite", "The model gave no numbers (NaN) for this prompt and seed."))
            return
        now_s = self._clock()
        one.interval_s += _SMOOTHING * (now_s - one.stepped_s - one.interval_s)
        one.stepped_s = now_s
        left_s = (latents.steps - latents.step) * one.interval_s + self._pace.finish_s
        report = Stepped(latents.step, latents.steps, round(left_s * 1000))
        self._outbox.step(one.track, Step(report, self._model.predicted(latents)))
        if latents.step == latents.steps:
            self._finish(one)
        elif latents.step - one.saved_step >= CHECKPOINT_STEPS and now_s - one.saved_s >= CHECKPOINT_S:
            self._save(one)

    def _save(self, one: Running) -> None:
        one.saved_step, one.saved_s = one.latents.step, one.stepped_s
        state = checkpoint.freeze(self._model, one.recipe, one.latents)
        self._outbox.report(one.track, Checkpointed(one.latents.step, state))

    def _finish(self, one: Running) -> None:
        decode = partial(self._decode, one.latents)
        if self._model.plan.offload:
            # Its parts take turns on the GPU, so none of them while a step runs.
            clip = decode()
            decode = partial(lambda: clip)
        manifest = self._model.manifest
        ending = Ending(
            decode=decode,
            explain=partial(self._explain, one.track.job),
            model=manifest.title,
            model_prompt=one.recipe.prompt,
            rate_hz=manifest.rate_hz,
            sample_rate_hz=manifest.sample_rate_hz,
            render_ms=lambda: round((self._clock() - one.started_s) * 1000),
        )
        log.info("all %d steps done", one.latents.steps, extra={"take": one.track.job.take_id})
        self._running.remove(one)
        self._outbox.finish(one.track, ending)

    def _decode(self, latents: Latents) -> Clip:
        try:
            return self._model.finish(latents, Decoding.BESIDE if self._running else Decoding.ALONE)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            _free_memory()
            return self._model.finish(latents, Decoding.FRUGAL)

    def _fail(self, one: Running, report: Failed | Cancelled) -> None:
        self._running.remove(one)
        self._outbox.give_up(one.track, report)

    def _explain(self, job: Job, error: Exception) -> Failed:
        """An exception as the end of one job."""
        if isinstance(error, JobError):
            return Failed(error.code, error.message, error.retryable)
        if is_out_of_memory(error):
            _free_memory()
            what = f"{job.width}x{job.height} with {job.frames} frames"
            return Failed("render.out_of_memory", f"{self._model.plan.words} has too little memory for {what}.")
        log.error("rendering failed", exc_info=error, extra={"take": job.take_id})
        return Failed("render.failed", f"Rendering failed: {type(error).__name__}: {error}"[:500], retryable=True)


_STOPPED = Failed("worker.stopped", "The worker was stopped.", retryable=True)


def _why_gone(job: Job, cancels: set[UUID]) -> Failed | Cancelled:
    if job.take_id in cancels:
        return Cancelled()
    return Failed("render.deadline", f"Not done within {job.deadline_s:g} s.")


def _free_memory() -> None:
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
