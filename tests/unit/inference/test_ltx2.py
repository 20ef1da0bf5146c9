"""The LTX-2 family against the stock pipeline, and against itself in other company."""

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from inference.pipelines import checkpoint
from inference.pipelines.base import Decoding, Recipe
from inference.pipelines.ltx2 import Ltx2Model, default_manifest
from inference.pipelines.ltx2_job import Ltx2Latents
from tests.unit.inference.conftest import recipe

EVERY_GUIDANCE = {
    "negative_prompt": "rain",
    "guidance_scale": 3.0,
    "audio_guidance_scale": 5.0,
    "stg_scale": 1.0,
    "audio_stg_scale": 0.5,
    "spatio_temporal_guidance_blocks": [2],
    "modality_scale": 2.0,
    "audio_modality_scale": 3.0,
    "guidance_rescale": 0.7,
    "audio_guidance_rescale": 0.3,
}
CALLS = {
    "the shipped call": {},
    "every guidance": EVERY_GUIDANCE,
    "no guidance": {"guidance_scale": 1.0, "audio_guidance_scale": 1.0},
}


def run(model: Ltx2Model, asked: Recipe, steps: int | None = None) -> Ltx2Latents:
    latents = model.start(asked)
    for _ in range(latents.steps if steps is None else steps):
        model.step([latents])
    return latents


def stock(model: Ltx2Model, asked: Recipe) -> Any:
    """What the stock pipeline's own call makes of the same recipe."""
    pipe = model._pipe
    pipe.set_progress_bar_config(disable=True)
    call = {name: value for name, value in asked.call.items() if name != "steps"}
    return pipe(
        asked.prompt,
        height=asked.height,
        width=asked.width,
        num_frames=asked.frames,
        frame_rate=float(model.manifest.rate_hz),
        num_inference_steps=asked.call["steps"],
        generator=torch.Generator().manual_seed(asked.seed),
        output_type="np",
        **call,
    )


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_r2_a_clip_equals_the_stock_pipelines(model: Ltx2Model, call: dict[str, Any]) -> None:
    asked = recipe(model, steps=4, **call)
    voiced = Ltx2Model(model._pipe, replace(model.manifest, griffin_lim=None), model.plan)
    clip = voiced.finish(run(voiced, asked), Decoding.ALONE)
    expected = stock(model, asked)
    assert np.abs(clip.frames - expected.frames[0] * 255).max() <= 0.51  # half a level is the rounding to bytes
    assert np.abs(clip.sound - expected.audio[0].T.clamp(-1, 1).numpy()).max() <= 1e-5


def test_r15_a_model_may_do_without_its_vocoder(model: Ltx2Model) -> None:
    mels = {"window": 512, "hop": 256, "lowest_hz": 40.0, "centre": 5.0, "spread": 2.5}
    silent = copy.copy(model._pipe)
    silent.vocoder = lambda _mel: pytest.fail("the vocoder was asked")
    bare = Ltx2Model(silent, replace(model.manifest, griffin_lim=mels), model.plan)
    asked = recipe(model, steps=2)
    clips = [bare.finish(run(bare, asked), Decoding.ALONE) for _ in range(2)]
    assert np.isfinite(clips[0].sound).all()
    assert np.abs(clips[0].sound).max() > 0.01
    assert np.array_equal(clips[0].sound, clips[1].sound)


def difference(one: Ltx2Latents, other: Ltx2Latents) -> float:
    return max(float((one.video - other.video).abs().max()), float((one.audio - other.audio).abs().max()))


def step_together(model: Ltx2Model, jobs: Sequence[Ltx2Latents]) -> None:
    while left := [job for job in jobs if job.step < job.steps]:
        model.step(left)


def test_r3_jobs_at_other_steps_and_of_other_lengths_of_schedule_change_nothing(model: Ltx2Model) -> None:
    asked = [
        recipe(model, "a red ball at night", steps=8),
        recipe(model, "a blue car in daylight", seed=2, steps=5),
        recipe(model, "a green boat on fast sea waves", seed=3, steps=6, **EVERY_GUIDANCE),
        recipe(model, "a bell", seed=4, steps=3, guidance_scale=1.0, audio_guidance_scale=1.0),
    ]
    alone = [run(model, each) for each in asked]
    jobs = [model.start(each) for each in asked]
    same_bucket = [job for job in jobs if job.bucket == jobs[0].bucket]
    assert len(same_bucket) == 3  # the one with guidance by skipped blocks has a batch of its own
    model.step(jobs[:1])
    model.step(jobs[:1])
    step_together(model, same_bucket)
    step_together(model, [jobs[2]])
    # The order of sums in float32, which a batch and a CPU decide: 1.6e-4 without AVX-512. Another job's latents: 3.
    assert max(map(difference, jobs, alone)) <= 5e-4


def test_r7_a_checkpoint_resumes_exactly(model: Ltx2Model) -> None:
    asked = recipe(model, steps=6)
    whole = run(model, asked)
    state = checkpoint.freeze(model, asked, run(model, asked, steps=3))
    assert len(state) < 100_000
    resumed = checkpoint.thaw(model, asked, state)
    assert resumed.step == 3
    while resumed.step < resumed.steps:
        model.step([resumed])
    assert isinstance(resumed, Ltx2Latents)
    assert difference(resumed, whole) == 0.0


@pytest.mark.parametrize("change", [{"seed": 2}, {"prompt": "a blue ball"}, {"steps": 7}])
def test_r7_a_checkpoint_of_another_job_is_refused(model: Ltx2Model, change: dict[str, Any]) -> None:
    asked = recipe(model, steps=6)
    state = checkpoint.freeze(model, asked, run(model, asked, steps=1))
    with pytest.raises(ValueError, match="of another job or model"):
        checkpoint.thaw(model, recipe(model, **{"steps": 6, **change}), state)


@pytest.mark.parametrize("damage", [b"", b"not a checkpoint"])
def test_r7_a_damaged_checkpoint_is_refused(model: Ltx2Model, damage: bytes) -> None:
    with pytest.raises(ValueError, match="expected a checkpoint"):
        checkpoint.thaw(model, recipe(model), damage)


def test_r17_a_seed_gives_the_same_clip_and_another_seed_another(model: Ltx2Model) -> None:
    one, again, other = (run(model, recipe(model, seed=seed, steps=2)) for seed in (1, 1, 2))
    assert difference(one, again) == 0.0
    assert difference(one, other) > 0.1


def test_a_prompt_longer_than_the_model_reads_is_cut(model: Ltx2Model) -> None:
    latents = run(model, recipe(model, "a red ball bouncing " * 190, steps=1))
    assert latents.prompt.video.shape[1] == 48
    assert model.is_finite(latents)


def test_tiles_give_a_clip_of_the_same_size(model: Ltx2Model) -> None:
    latents = run(model, recipe(model, steps=1))
    assert model.finish(latents, Decoding.FRUGAL).frames.shape == (25, 64, 96, 3)
    assert not model._pipe.vae.use_tiling


def test_r19_a_clip_decoded_beside_steps_is_the_same_and_takes_one_thread(
    model: Ltx2Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    latents = run(model, recipe(model, steps=1))
    alone = model.finish(latents, Decoding.ALONE)
    monkeypatch.setattr(model, "_sounds", None)
    with pytest.raises(AttributeError, match="submit"):
        model.finish(latents, Decoding.ALONE)
    beside = model.finish(latents, Decoding.BESIDE)
    assert np.array_equal(alone.frames, beside.frames)
    assert np.array_equal(alone.sound, beside.sound)


def test_r10_nan_latents_are_told_and_never_become_frames(model: Ltx2Model) -> None:
    latents = run(model, recipe(model, steps=1))
    latents.video = latents.video * float("nan")
    assert not model.is_finite(latents)
    with pytest.raises(ArithmeticError, match="gave NaN"):
        model.finish(latents, Decoding.ALONE)


def test_r15_weights_without_a_manifest_get_the_stock_offer(model: Ltx2Model) -> None:
    offer = default_manifest("Lightricks/LTX-2", model._pipe)
    assert offer.name == "LTX-2"
    assert all(size.width % 32 == 0 and size.height % 32 == 0 for size in offer.sizes)
    assert all(length % model._pipe.vae_temporal_compression_ratio == 1 for length in offer.lengths)
    assert offer.calls["final"] == {"steps": 30}
