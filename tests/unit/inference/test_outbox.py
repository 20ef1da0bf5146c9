"""Reports leave in order, and a slow encoder costs previews, never steps."""

import threading
from dataclasses import replace
from itertools import count

import numpy as np
import torch
from torch import Tensor

from inference.outbox import MAX_WAITING, Ending, Outbox, Sink, Step, Track
from inference.pipelines.base import Clip
from inference.previews import Preview
from inference.tiers import Tiers
from inference.wire import Cancelled, Checkpointed, Failed, Finished, PreviewPacket, Report, Stepped
from tests.unit.inference.fakes import DEADLINE_S, NO_PREVIEWS, make_job, no_preview

LATENTS = torch.zeros(1, 7, 2, 3)


class Gate:
    """Previews that wait for the gate to open."""

    def __init__(self) -> None:
        self.is_open, self.entered = threading.Event(), threading.Event()

    def __call__(self, latents: Tensor, clip_frames: int) -> Preview:
        self.entered.set()
        assert self.is_open.wait(DEADLINE_S)
        return no_preview(latents, clip_frames)


def step(number: int, of: int = 12) -> Step:
    return Step(Stepped(number, of, 100), LATENTS)


def sent(outbox: Outbox) -> None:
    """Wait until what has been handed over so far is sent."""
    passed = threading.Event()
    outbox._queue.put(passed.set)
    assert passed.wait(DEADLINE_S)


def ending(sound: float = 0.1) -> Ending:
    clip = Clip(np.zeros((25, 64, 96, 3), np.uint8), np.full((50000, 2), sound, np.float32))
    return Ending(lambda: clip, lambda error: Failed("broken", str(error)), "Fake 1", "a ball", 8, 16000, lambda: 5)


def test_r11_behind_the_loop_the_oldest_previews_are_dropped_and_no_step() -> None:
    gate, reports = Gate(), list[Report]()
    outbox = Outbox(Tiers(gate, gate), 8, clock=map(float, count()).__next__)
    track = Track(make_job(), reports.append)
    outbox.step(track, step(1))
    assert gate.entered.wait(DEADLINE_S)
    for number in range(2, 13):
        outbox.step(track, step(number))
    outbox.finish(track, ending())
    gate.is_open.set()
    outbox.close()
    stepped = [report for report in reports if isinstance(report, Stepped)]
    assert [report.step for report in stepped] == list(range(1, 13))
    assert [report.step for report in stepped if report.packet] == [1, *range(13 - MAX_WAITING, 13)]
    assert isinstance(reports[-1], Finished)


def test_r11_quick_steps_between_are_reported_with_the_next_that_is_shown() -> None:
    now_s, reports = [0.0], list[Report]()
    outbox = Outbox(NO_PREVIEWS, 8, clock=lambda: now_s[0])
    track = Track(make_job(), reports.append)
    for number in range(1, 13):
        outbox.step(track, step(number))
        sent(outbox)
        now_s[0] += 0.125
    outbox.finish(track, ending())
    outbox.close()
    stepped = [report for report in reports if isinstance(report, Stepped)]
    assert [report.step for report in stepped] == list(range(1, 13))
    assert [report.step for report in stepped if report.packet] == [1, 2, 3, 5, 7, 9, 11, 12]
    assert isinstance(reports[-1], Finished)


def test_r1_a_report_sends_the_steps_before_it_and_an_end_none_of_them() -> None:
    heard: dict[str, list[Report]] = {"saved": [], "given up": []}
    outbox = Outbox(NO_PREVIEWS, 8, clock=lambda: 0.0)
    saved, gone = (Track(make_job(), sink.append) for sink in heard.values())
    for number in range(1, 5):
        outbox.step(saved, step(number))
        outbox.step(gone, step(number))
    outbox.report(saved, Checkpointed(4, b""))
    outbox.give_up(gone, Cancelled())
    outbox.close()
    assert [type(report) for report in heard["saved"]] == [Stepped] * 4 + [Checkpointed]
    assert heard["given up"][-1] == Cancelled()
    assert len(heard["given up"]) <= 3


def test_r5_what_waits_is_not_sent_after_a_job_was_given_up() -> None:
    gate, reports = Gate(), list[Report]()
    outbox = Outbox(Tiers(gate, gate), 8)
    track = Track(make_job(), reports.append)
    for number in (1, 2, 3):
        outbox.step(track, step(number))
    assert gate.entered.wait(DEADLINE_S)
    outbox.give_up(track, Cancelled())
    gate.is_open.set()
    outbox.close()
    assert [type(report) for report in reports] == [Stepped, Cancelled]


def test_r11_a_preview_that_fails_leaves_its_step() -> None:
    def broken(latents: Tensor, clip_frames: int) -> Preview:
        raise RuntimeError("no preview")

    reports: list[Report] = []
    outbox = Outbox(Tiers(broken, broken), 8)
    outbox.step(Track(make_job(), reports.append), step(1))
    outbox.close()
    assert reports == [Stepped(1, 12, 100)]


def test_a_packet_says_what_it_shows() -> None:
    reports: list[Report] = []
    outbox = Outbox(NO_PREVIEWS, 8)
    job = make_job(attempt=2)
    outbox.step(Track(job, reports.append), step(3))
    outbox.close()
    assert isinstance(reports[0], Stepped)
    packet = PreviewPacket.decode(reports[0].packet)
    assert (packet.take_id, packet.attempt, packet.step, packet.steps) == (job.take_id, 2, 3, 12)
    assert (packet.clip_frames, packet.rate_hz, packet.width, packet.height) == (25, 8, 8, 8)


def test_r8_a_clip_that_cannot_be_encoded_fails_alone() -> None:
    reports, others = list[Report](), list[Report]()
    outbox = Outbox(NO_PREVIEWS, 8)
    outbox.finish(Track(make_job(), reports.append), ending(sound=float("nan")))
    outbox.finish(Track(make_job(), others.append), ending())
    outbox.close()
    failed = reports[0]
    assert isinstance(failed, Failed)
    assert (failed.code, failed.retryable) == ("render.not_encoded", True)
    assert isinstance(others[0], Finished)


class Shutter:
    """Previews that take a second each by ``clock``, which goes on by nothing else."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def clock(self) -> float:
        return self.now_s

    def __call__(self, latents: Tensor, clip_frames: int) -> Preview:
        self.now_s += 1.0
        return no_preview(latents, clip_frames)


def sketch(latents: Tensor, clip_frames: int) -> Preview:
    return Preview((0,), np.zeros((1, 8, 8, 3), np.uint8))


def test_r11_the_best_previews_take_their_share_of_the_time_evenly_and_other_steps_are_sketched() -> None:
    shutter, passed = Shutter(), threading.Semaphore(0)
    outbox = Outbox(Tiers(shutter, sketch), 8, clock=shutter.clock)
    packets: dict[str, list[int]] = {"a": [], "b": []}

    def sink(name: str) -> Sink:
        def take(report: Report) -> None:
            if isinstance(report, Stepped) and len(PreviewPacket.decode(report.packet).frames) > 1:
                packets[name].append(report.step)
            passed.release()

        return take

    tracks = [Track(make_job(name), sink(name)) for name in packets]
    for number in range(1, 401):
        for track in tracks:
            outbox.step(track, step(number, of=401))
        for _ in tracks:
            assert passed.acquire(timeout=DEADLINE_S)
        shutter.now_s += 0.5
    outbox.close()
    assert packets["a"][0] == 1, "the first that is ever made tells what they cost"
    assert packets["b"][0] > 40, "a job's first turn comes when it has stepped long enough"
    assert abs(len(packets["a"]) - len(packets["b"])) <= 1
    share = sum(map(len, packets.values())) / shutter.now_s
    assert 0.015 < share <= 0.035


def test_r8_a_clip_that_cannot_be_decoded_ends_as_is_explained() -> None:
    def broken() -> Clip:
        raise ArithmeticError("NaN")

    reports: list[Report] = []
    outbox = Outbox(NO_PREVIEWS, 8)
    outbox.finish(Track(make_job(), reports.append), replace(ending(), decode=broken))
    outbox.close()
    assert reports == [Failed("broken", "NaN")]


def test_the_end_of_one_clip_holds_up_nobodys_previews() -> None:
    decoded, previewed = threading.Event(), threading.Event()

    def decode() -> Clip:
        assert decoded.wait(DEADLINE_S)
        return ending().decode()

    reports: list[Report] = []
    outbox = Outbox(NO_PREVIEWS, 8)
    outbox.finish(Track(make_job(), reports.append), replace(ending(), decode=decode))
    outbox.step(Track(make_job(), lambda report: previewed.set()), step(1))
    assert previewed.wait(DEADLINE_S)
    assert reports == []
    decoded.set()
    outbox.close()
    assert isinstance(reports[0], Finished)
