"""The loop: who is stepped when, and how jobs end. On a fake model, turn by turn."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

from inference.engine import CHECKPOINT_S, MAX_WAITING
from inference.pipelines.base import Decoding
from inference.wire import Cancelled, Checkpointed, Failed, Finished, Report, Started, Stepped
from tests.unit.inference.fakes import FakeModel, Stage, make_job, own

MakeStage = Callable[..., Stage]


@pytest.fixture
def make_stage() -> Iterator[MakeStage]:
    stages: list[Stage] = []

    def make(*, max_jobs: int = 8, **model: Any) -> Stage:
        stages.append(Stage(FakeModel(**model), max_jobs))
        return stages[-1]

    yield make
    for stage in stages:
        if stage.outbox._thread.is_alive():
            stage.close()


def kinds(reports: list[Report]) -> list[str]:
    return [type(report).__name__ for report in reports]


def steps(reports: list[Report]) -> list[int]:
    return [report.step for report in reports if isinstance(report, Stepped)]


def test_r1_reports_come_in_order_and_end_once(make_stage: MakeStage) -> None:
    stage = make_stage()
    stage.submit(make_job("a"))
    for _ in range(8):
        stage.turn()
        stage.wait(CHECKPOINT_S)
    stage.close()
    expected = ["Started", *["Stepped"] * 4, "Checkpointed", "Stepped", "Stepped", "Finished"]
    assert kinds(stage.of("a")) == expected
    assert steps(stage.of("a")) == [1, 2, 3, 4, 5, 6]
    assert stage.of("a")[0] == Started("a", 0, 6)


def test_r7_quick_steps_are_saved_by_the_second(make_stage: MakeStage) -> None:
    stage = make_stage()
    stage.submit(make_job("a", quality="final"))
    for _ in range(12):
        stage.wait(CHECKPOINT_S / 4)
        stage.turn()
    stage.close()
    assert [report.step for report in stage.of("a") if isinstance(report, Checkpointed)] == [5, 9]


def test_r4_a_job_joins_at_the_next_step_and_shares_it(make_stage: MakeStage) -> None:
    stage = make_stage()
    stage.submit(make_job("a"))
    stage.turn(2)
    stage.submit(make_job("b"))
    stage.turn(2)
    assert stage.model.batches == [["a"], ["a"], ["b", "a"], ["a", "b"]]


def test_r4_jobs_of_other_shapes_take_turns(make_stage: MakeStage) -> None:
    stage = make_stage()
    for prompt, frames in (("a", 25), ("b", 25), ("c", 17)):
        stage.submit(make_job(prompt, frames=frames))
    stage.turn(4)
    assert stage.model.batches == [["a", "b"], ["c"], ["a", "b"], ["c"]]


def test_r4_a_draft_does_not_wait_for_a_final_take(make_stage: MakeStage) -> None:
    stage = make_stage()
    stage.submit(make_job("final", quality="final"))
    stage.turn(1)
    stage.submit(make_job("draft"))
    stage.turn(6)
    stage.close()
    assert kinds(stage.of("draft"))[-1] == "Finished"
    assert steps(stage.of("final")) == [1, 2, 3, 4, 5, 6, 7]


def test_r4_beyond_its_jobs_the_engine_lets_them_wait(make_stage: MakeStage) -> None:
    stage = make_stage(max_jobs=1)
    stage.submit(make_job("a"))
    stage.submit(make_job("b"))
    stage.turn(7)
    assert stage.model.batches == [*[["a"]] * 6, ["b"]]


def test_r5_cancel_stops_at_the_next_step_for_that_job_only(make_stage: MakeStage) -> None:
    stage = make_stage()
    job = stage.submit(make_job("a"))
    stage.submit(make_job("b"))
    stage.turn(2)
    stage.sent()
    stage.engine.cancel(job.take_id)
    stage.turn(4)
    stage.close()
    assert kinds(stage.of("a"))[-1] == "Cancelled"
    assert steps(stage.of("a")) == [1, 2]
    assert kinds(stage.of("b"))[-1] == "Finished"
    assert stage.model.batches[2:] == [["b"]] * 4


def test_r5_cancel_before_it_joins(make_stage: MakeStage) -> None:
    stage = make_stage()
    job = stage.submit(make_job("a"))
    stage.engine.cancel(job.take_id)
    stage.turn()
    stage.close()
    assert stage.of("a") == [Cancelled()]


def test_r5_a_newer_attempt_replaces_the_older(make_stage: MakeStage) -> None:
    stage = make_stage()
    job = stage.submit(make_job("a"))
    stage.turn(2)
    stage.submit(make_job("a", take_id=job.take_id, attempt=2))
    stage.turn(6)
    stage.close()
    assert stage.of("a")[-1] == Cancelled()
    assert isinstance(stage.of("a", attempt=2)[-1], Finished)


def test_r5_a_cancel_of_an_older_attempt_leaves_the_newer_alone(make_stage: MakeStage) -> None:
    stage = make_stage()
    job = stage.submit(make_job("a"))
    stage.engine.cancel(job.take_id)
    stage.submit(make_job("a", take_id=job.take_id, attempt=2))
    stage.turn(6)
    stage.close()
    assert stage.of("a") == [Cancelled()]
    assert isinstance(stage.of("a", attempt=2)[-1], Finished)


def test_r6_a_job_past_its_deadline_fails_and_says_so(make_stage: MakeStage) -> None:
    stage = make_stage(max_jobs=1)
    stage.submit(make_job("a", deadline_s=10))
    stage.submit(make_job("b", deadline_s=10))
    stage.turn(2)
    stage.now_s = 10.5
    stage.turn()
    stage.close()
    late = Failed("render.deadline", "Not done within 10 s.")
    assert stage.of("a")[-1] == late
    assert stage.of("b") == [late]


def test_the_time_left_follows_the_steps(make_stage: MakeStage) -> None:
    stage = make_stage()
    stage.model.before_step = lambda prompts: stage.wait(2.0)
    stage.submit(make_job("a"))
    stage.turn(6)
    stage.close()
    left_s = [report.left_ms / 1000 for report in stage.of("a") if isinstance(report, Stepped)]
    assert left_s[-2:] == [pytest.approx(0.5 + 2.0, rel=0.1), 0.5]


def test_r7_close_saves_each_job_and_another_worker_goes_on(make_stage: MakeStage) -> None:
    stage = make_stage()
    job = stage.submit(make_job("a"))
    stage.turn(3)
    stage.close()
    *_, saved, last = stage.of("a")
    assert last == Failed("worker.stopped", "The worker was stopped.", retryable=True)
    assert isinstance(saved, Checkpointed)
    assert saved.step == 3

    other = make_stage()
    other.submit(job, saved.state)
    other.turn(3)
    other.close()
    assert other.of("a")[0] == Started("a", 3, 6)
    assert steps(other.of("a")) == [4, 5, 6]
    assert kinds(other.of("a"))[-1] == "Finished"


def test_r7_a_checkpoint_that_does_not_fit_starts_anew(make_stage: MakeStage) -> None:
    stage = make_stage()
    stage.submit(make_job("a"), b"damaged")
    stage.turn()
    stage.close()
    assert stage.of("a")[0] == Started("a", 0, 6)


def test_r18_a_full_engine_refuses_and_lets_retry(make_stage: MakeStage) -> None:
    stage = make_stage()
    for _ in range(MAX_WAITING):
        stage.submit(make_job("a"))
    stage.submit(make_job("one too many"))
    stage.close()
    refused = stage.of("one too many")[0]
    assert isinstance(refused, Failed)
    assert (refused.code, refused.retryable) == ("worker.full", True)


def test_r18_after_close_a_job_is_refused(make_stage: MakeStage) -> None:
    stage = make_stage()
    stage.engine.close()
    stage.submit(make_job("a"))
    stage.close()
    assert kinds(stage.of("a")) == ["Failed"]


def test_r14_a_job_that_is_not_on_offer_fails_alone(make_stage: MakeStage) -> None:
    stage = make_stage()
    stage.submit(make_job("wrong", frames=999))
    stage.submit(make_job("a"))
    stage.turn(6)
    stage.close()
    assert stage.of("wrong") == [Failed("take.bad_frames", "frames: expected one of 25, 17, got 999")]
    assert kinds(stage.of("a"))[-1] == "Finished"


def refuse(bad: str) -> Callable[[list[str]], None]:
    def before_step(prompts: list[str]) -> None:
        if bad in prompts:
            raise RuntimeError("boom")

    return before_step


def test_r8_a_job_that_raises_is_found_and_the_others_finish(make_stage: MakeStage) -> None:
    stage = make_stage(before_step=refuse("bad"))
    for prompt in ("a", "bad", "b"):
        stage.submit(make_job(prompt))
    stage.turn(6)
    stage.close()
    assert stage.of("bad")[-1] == Failed("render.failed", "Rendering failed: RuntimeError: boom", retryable=True)
    for prompt in ("a", "b"):
        assert steps(stage.of(prompt)) == [1, 2, 3, 4, 5, 6]
        assert kinds(stage.of(prompt))[-1] == "Finished"


def test_r8_a_reader_that_raises_touches_no_other_job(make_stage: MakeStage) -> None:
    stage = make_stage()

    def broken(report: Report) -> None:
        raise RuntimeError("the reader is gone")

    stage.engine.submit(make_job("broken"), broken)
    stage.submit(make_job("a"))
    stage.turn(6)
    stage.close()
    assert kinds(stage.of("a"))[-1] == "Finished"


def test_r9_a_batch_too_big_for_memory_is_split_and_stays_smaller(make_stage: MakeStage) -> None:
    stage = make_stage(most=2)
    for prompt in "abcd":
        stage.submit(make_job(prompt))
    stage.turn(2)
    assert stage.model.batches == [["a", "b"], ["c", "d"], ["a", "b"]]
    stage.turn(20)
    stage.close()
    assert all(kinds(stage.of(prompt))[-1] == "Finished" for prompt in "abcd")


def test_r9_a_job_too_big_alone_fails_and_the_next_runs(make_stage: MakeStage) -> None:
    stage = make_stage(most=0)
    stage.submit(make_job("a"))
    stage.turn(1)
    stage.model.most = 1
    stage.submit(make_job("b"))
    stage.turn(6)
    stage.close()
    message = "CPU, 1 of 2 cores, float32 has too little memory for 96x64 with 25 frames."
    assert stage.of("a")[-1] == Failed("render.out_of_memory", message)
    assert kinds(stage.of("b"))[-1] == "Finished"


@pytest.mark.parametrize(("fails", "end"), [(1, "Finished"), (2, "Failed")])
def test_r9_a_decode_out_of_memory_is_tried_again_in_tiles(make_stage: MakeStage, fails: int, end: str) -> None:
    stage = make_stage(finish_fails=fails)
    stage.submit(make_job("a"))
    stage.turn(6)
    stage.close()
    assert stage.model.finishes == [Decoding.ALONE, Decoding.FRUGAL]
    assert kinds(stage.of("a"))[-1] == end


def test_r19_a_clip_is_decoded_on_one_thread_while_others_are_stepped(make_stage: MakeStage) -> None:
    stage = make_stage()
    stage.submit(make_job("a"))
    stage.submit(make_job("longer", quality="final"))
    stage.turn(6)
    stage.decoded()
    stage.turn(6)
    stage.close()
    assert stage.model.finishes == [Decoding.BESIDE, Decoding.ALONE]


def test_r10_a_job_that_turns_to_nan_fails_alone(make_stage: MakeStage) -> None:
    stage = make_stage()
    stage.submit(make_job("bad"))
    stage.submit(make_job("a"))
    stage.turn(1)
    own(stage.engine._running[0].latents).value = torch.tensor([math.nan])
    stage.turn(5)
    stage.close()
    failed = stage.of("bad")[-1]
    assert isinstance(failed, Failed)
    assert failed.code == "render.not_finite"
    assert kinds(stage.of("a"))[-1] == "Finished"
