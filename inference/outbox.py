"""Where reports leave: one thread that keeps each job's in order, so that the denoise loop never waits.

The loop hands over what it has and goes on. Previews are decoded and compressed here; of one job a few may wait, and
when the loop is faster still the oldest is dropped: its step is reported without a packet. Clips are encoded on a
thread of their own, so that one clip's end does not hold up another's previews.
"""

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from inference import media, previews
from inference.pipelines.base import Clip
from inference.wire import Cancelled, Failed, Finished, Job, PreviewPacket, Report, Stepped

log = logging.getLogger(__name__)

Sink = Callable[[Report], None]
MAX_WAITING = 4
"""Previews of one job that may wait: a burst of quick steps keeps them all, and a clip's end waits for four at most."""


@dataclass
class Track:
    """One job on its way out."""

    job: Job
    sink: Sink
    waiting: "deque[Step]" = field(default_factory=lambda: deque(maxlen=MAX_WAITING))
    """Steps whose preview is not made yet; beyond its size the oldest falls out."""
    is_over: bool = False
    """The engine has given the job up: what still waits is not sent."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, step: "Step") -> None:
        """Let a step wait for its preview."""
        with self.lock:
            self.waiting.append(step)

    def take(self, step: "Step") -> bool:
        """Whether ``step``, the oldest not yet sent, still waits; if so it no longer does."""
        with self.lock:
            still_waits = bool(self.waiting) and self.waiting[0] is step
            if still_waits:
                self.waiting.popleft()
            return still_waits


@dataclass(frozen=True)
class Step:
    """A denoise step that is done. ``latents`` (C, T, H, W) are the clean clip as predicted."""

    report: Stepped
    latents: Any


@dataclass(frozen=True)
class Ending:
    """A clip to encode, and what its report says besides."""

    clip: Clip
    model: str
    model_prompt: str
    rate_hz: int
    sample_rate_hz: int
    render_ms: Callable[[], int]


class Outbox:
    """Starts its threads at once; ``close`` ends them after what has been handed over."""

    def __init__(self, make_preview: previews.Previews, rate_hz: int) -> None:
        self._make_preview, self._rate_hz = make_preview, rate_hz
        self._queue: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._media = ThreadPoolExecutor(1, thread_name_prefix="rushes-media")
        self._thread = threading.Thread(target=self._run, name="rushes-outbox", daemon=True)
        self._thread.start()

    def report(self, track: Track, report: Report) -> None:
        """Send a report after those before it."""
        self._queue.put(lambda: self._send_if_on(track, report))

    def step(self, track: Track, step: Step) -> None:
        """Send a step, with its preview unless newer steps overtake it."""
        track.add(step)
        self._queue.put(lambda: self._send_step(track, step))

    def give_up(self, track: Track, report: Failed | Cancelled) -> None:
        """Send a job's last report, and none of those that still wait."""
        track.is_over = True
        self._queue.put(lambda: _send(track, report))

    def finish(self, track: Track, ending: Ending) -> None:
        """Encode a clip and send it, after the job's other reports."""
        self._queue.put(lambda: self._hand_to_media(track, ending))

    def close(self) -> None:
        """Send all that was handed over, then end."""
        self._queue.put(None)
        self._thread.join()
        self._media.shutdown(wait=True)

    def _run(self) -> None:
        while (task := self._queue.get()) is not None:
            try:
                task()
            except Exception:
                log.exception("a report could not be made")

    def _send_if_on(self, track: Track, report: Report) -> None:
        if not track.is_over:
            _send(track, report)

    def _send_step(self, track: Track, step: Step) -> None:
        if track.is_over:
            return
        _send(track, self._with_packet(track, step) if track.take(step) else step.report)

    def _with_packet(self, track: Track, step: Step) -> Stepped:
        job, report = track.job, step.report
        try:
            preview = self._make_preview(step.latents, job.frames)
        except Exception:
            log.exception("take %s: no preview of step %d", job.take_id, report.step)
            return report
        packet = PreviewPacket(
            take_id=job.take_id,
            attempt=job.attempt,
            step=report.step,
            steps=report.steps,
            clip_frames=job.frames,
            rate_hz=self._rate_hz,
            width=preview.frames.shape[2],
            height=preview.frames.shape[1],
            left_ms=report.left_ms,
            frames=previews.jpegs(preview),
        )
        return Stepped(report.step, report.steps, report.left_ms, packet.encode())

    def _hand_to_media(self, track: Track, ending: Ending) -> None:
        self._media.submit(_encode_and_send, track, ending)


def _encode_and_send(track: Track, ending: Ending) -> None:
    try:
        made = media.encode(ending.clip, ending.rate_hz, ending.sample_rate_hz)
    except Exception as error:
        log.exception("take %s: the clip could not be encoded", track.job.take_id)
        _send(track, Failed("render.not_encoded", f"The clip could not be encoded: {error}", retryable=True))
        return
    frames = ending.clip.frames
    _send(
        track,
        Finished(
            clip=made.clip,
            poster=made.poster,
            width=frames.shape[2],
            height=frames.shape[1],
            frames=frames.shape[0],
            rate_hz=ending.rate_hz,
            sample_rate_hz=made.sample_rate_hz,
            model=ending.model,
            model_prompt=ending.model_prompt,
            render_ms=ending.render_ms(),
            waveform=made.waveform,
        ),
    )


def _send(track: Track, report: Report) -> None:
    try:
        track.sink(report)
    except Exception:
        log.exception("take %s: the reader of reports failed", track.job.take_id)
