"""Where reports leave: one thread that keeps each job's in order, so that the denoise loop never waits.

The loop hands over what it has and goes on. Previews are made and compressed here, the best ones for a share of the
time at most: they take cores, or the GPU, that the next step could use. Steps between them are sketched, as many a
second as one can tell apart. The others are reported with the next that is shown: to wake threads for each made a step
of 60 ms a tenth longer. Of one job a few may wait; when the loop is faster still the oldest is dropped, and its step
reported without a packet. Clips are decoded on a second thread and encoded on a third: the end of one holds up neither
the steps nor the previews of others.
"""

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from inference import media
from inference.pipelines.base import Clip
from inference.previews import Previews, jpegs
from inference.tiers import Tiers
from inference.wire import Cancelled, Failed, Finished, Job, PreviewPacket, Report, Stepped

log = logging.getLogger(__name__)

Sink = Callable[[Report], None]
MAX_WAITING = 4
"""Previews of one job that may wait: a burst of quick steps keeps them all, and a clip's end waits for four at most."""
BURST, SHOWN_HZ = 2, 4.0
"""A job's first two steps are shown, as is its last; of quick steps between, so many a second: a preview is a loop of
its own, and one that is replaced sooner is not seen."""
PREVIEW_SHARE = 0.03
"""Of the time, for the best previews of all jobs together. A take that is done before its turn comes has sketches only:
they are within 24 dB of the best."""


@dataclass(eq=False)
class Track:
    """One job on its way out."""

    job: Job
    sink: Sink
    waiting: "deque[Step]" = field(default_factory=lambda: deque(maxlen=MAX_WAITING))
    """Steps whose preview is not made yet; beyond its size the oldest falls out."""
    is_over: bool = False
    """The engine has given the job up: what still waits is not sent."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    previewed_s: float | None = None
    """When its last preview of the best kind was begun, or else its first preview."""
    allowed: float = BURST
    allowed_s: float | None = None
    """Previews that it may show, and when that was counted. The loop's alone, as is the next."""
    unshown: "list[Stepped]" = field(default_factory=list)
    """Steps that are not shown and not reported yet."""

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
    """A clip to decode and to encode, and what its report says besides; ``explain`` makes an end of what decoding
    raised."""

    decode: Callable[[], Clip]
    explain: Callable[[Exception], Failed]
    model: str
    model_prompt: str
    rate_hz: int
    sample_rate_hz: int
    render_ms: Callable[[], int]


class Outbox:
    """Starts its threads at once; ``close`` ends them after what has been handed over."""

    def __init__(self, tiers: Tiers, rate_hz: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._tiers, self._rate_hz, self._clock = tiers, rate_hz, clock
        self._queue: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._stepping: set[Track] = set()
        self._preview_s = 0.0
        self._decoding = ThreadPoolExecutor(1, thread_name_prefix="rushes-decoding")
        self._media = ThreadPoolExecutor(1, thread_name_prefix="rushes-media")
        self._thread = threading.Thread(target=self._run, name="rushes-outbox", daemon=True)
        self._thread.start()

    def report(self, track: Track, report: Report) -> None:
        """Send a report after those before it."""
        earlier, track.unshown = track.unshown, []
        self._queue.put(lambda: self._send_all(track, [*earlier, report]))

    def step(self, track: Track, step: Step) -> None:
        """Send a step, with its preview unless newer steps overtake it; or keep it until one that is shown."""
        self._stepping.add(track)
        if not self._may_show(track) and step.report.step < step.report.steps:
            track.unshown.append(step.report)
            return
        earlier, track.unshown = track.unshown, []
        track.add(step)
        self._queue.put(lambda: self._send_step(track, earlier, step))

    def give_up(self, track: Track, report: Failed | Cancelled) -> None:
        """Send a job's last report, and none of those that still wait."""
        self._stepping.discard(track)
        track.is_over = True
        self._queue.put(lambda: _send(track, report))

    def finish(self, track: Track, ending: Ending) -> None:
        """Decode a clip, encode it and send it, after the job's other reports."""
        self._stepping.discard(track)
        self._decoding.submit(self._decode, track, ending)

    def close(self) -> None:
        """Send all that was handed over, then end."""
        self._decoding.shutdown(wait=True)
        self._media.shutdown(wait=True)
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (task := self._queue.get()) is not None:
            try:
                task()
            except Exception:
                log.exception("a report could not be made")

    def _send_all(self, track: Track, reports: Sequence[Report]) -> None:
        for report in reports:
            if not track.is_over:
                _send(track, report)

    def _send_step(self, track: Track, earlier: Sequence[Report], step: Step) -> None:
        self._send_all(track, earlier)
        if track.is_over:
            return
        if not track.take(step):
            _send(track, step.report)
        elif self._is_due(track) and step.report.step < step.report.steps:  # else the clip itself is decoded now
            _send(track, self._timed(track, step))
        else:
            _send(track, self._with_packet(track, step, self._tiers.sketch))

    def _may_show(self, track: Track) -> bool:
        """Whether this step is shown, by a bucket that fills at SHOWN_HZ."""
        now_s = self._clock()
        if track.allowed_s is not None:
            track.allowed = min(BURST, track.allowed + SHOWN_HZ * (now_s - track.allowed_s))
        track.allowed_s = now_s
        if track.allowed < 1:
            return False
        track.allowed -= 1
        return True

    def _is_due(self, track: Track) -> bool:
        """Whether it is this job's turn for the best kind: each has the same part of PREVIEW_SHARE.

        The first that is ever made tells what they cost.
        """
        now_s = self._clock()
        if track.previewed_s is None:
            track.previewed_s = now_s
        return now_s - track.previewed_s >= len(self._stepping) * self._preview_s / PREVIEW_SHARE

    def _timed(self, track: Track, step: Step) -> Stepped:
        track.previewed_s = self._clock()
        report = self._with_packet(track, step, self._tiers.best)
        self._preview_s = self._clock() - track.previewed_s
        return report

    def _with_packet(self, track: Track, step: Step, make: Previews) -> Stepped:
        job, report = track.job, step.report
        try:
            preview = make(step.latents, job.frames)
        except Exception:
            log.exception("no preview of step %d", report.step, extra={"take": job.take_id})
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
            frames=jpegs(preview),
        )
        return Stepped(report.step, report.steps, report.left_ms, packet.encode())

    def _decode(self, track: Track, ending: Ending) -> None:
        try:
            clip = ending.decode()
        except Exception as error:
            failed = ending.explain(error)
            self._queue.put(lambda: _send(track, failed))
        else:
            self._media.submit(self._encode, track, ending, clip)

    def _encode(self, track: Track, ending: Ending, clip: Clip) -> None:
        report = _encoded(track, ending, clip)
        self._queue.put(lambda: _send(track, report))


def _encoded(track: Track, ending: Ending, clip: Clip) -> Finished | Failed:
    try:
        made = media.encode(clip, ending.rate_hz, ending.sample_rate_hz)
    except Exception as error:
        log.exception("the clip could not be encoded", extra={"take": track.job.take_id})
        return Failed("render.not_encoded", f"The clip could not be encoded: {error}", retryable=True)
    return Finished(
        clip=made.clip,
        poster=made.poster,
        width=clip.frames.shape[2],
        height=clip.frames.shape[1],
        frames=clip.frames.shape[0],
        rate_hz=ending.rate_hz,
        sample_rate_hz=made.sample_rate_hz,
        model=ending.model,
        model_prompt=ending.model_prompt,
        render_ms=ending.render_ms(),
        waveform=made.waveform,
    )


def _send(track: Track, report: Report) -> None:
    try:
        track.sink(report)
    except Exception:
        log.exception("the reader of reports failed", extra={"take": track.job.take_id})
