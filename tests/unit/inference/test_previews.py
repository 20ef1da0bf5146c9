"""Previews: spread over the clip, true with the VAE, close with the linear fit."""

import io
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from inference import tiers
from inference.linear import LinearPreviews, PatchPreviews
from inference.pipelines.ltx2 import Ltx2Model
from inference.previews import Preview, VaePreviews, jpegs, spread
from inference.tiers import choose
from tests.unit.inference.conftest import recipe


@given(st.integers(1, 300), st.integers(1, 64))
def test_r11_frames_are_spread_from_the_first_to_the_last(count: int, most: int) -> None:
    indices = spread(count, most)
    assert len(indices) == min(count, most)
    assert indices == sorted(set(indices))
    assert indices[0] == 0
    assert indices[-1] == count - 1 or most == 1


@pytest.fixture(scope="module")
def predicted(model: Ltx2Model) -> torch.Tensor:
    latents = model.start(recipe(model, "a red boat floats at sunset", steps=4))
    for _ in range(3):
        model.step([latents])
    return model.predicted(latents)


def test_r11_the_vaes_preview_is_what_the_clip_would_be(model: Ltx2Model, predicted: torch.Tensor) -> None:
    preview = VaePreviews(model.decoder)(predicted, 25)
    assert preview.frames.shape == (12, 64, 96, 3)
    assert np.array_equal(preview.frames, model.decoder.decode(predicted)[list(preview.indices)])


def test_r11_the_linear_preview_is_close_to_the_clip(model: Ltx2Model, predicted: torch.Tensor) -> None:
    preview = LinearPreviews(model.decoder)(predicted, 25)
    assert preview.indices == (0, 4, 8, 12, 16, 20, 24)
    true = model.decoder.decode(predicted)[list(preview.indices)]
    small = true.reshape(7, 16, 4, 24, 4, 3).mean(axis=(2, 4))
    error = float(((preview.frames - small) ** 2).mean())
    assert preview.frames.shape == small.shape
    assert 10 * np.log10(255**2 / error) > 15  # dB; a grey picture has 11


def test_r11_a_sketch_has_the_pixels_and_the_moments_of_the_vaes_preview(
    model: Ltx2Model, predicted: torch.Tensor
) -> None:
    sketch, true = PatchPreviews(model.decoder)(predicted, 25), VaePreviews(model.decoder)(predicted, 25)
    assert (sketch.indices, sketch.frames.shape) == (true.indices, true.frames.shape)
    assert decibels(sketch, true) > 19


def test_r11_a_sketch_has_no_seams_between_its_cells(model: Ltx2Model) -> None:
    sketches = PatchPreviews(model.decoder)
    side = model.decoder.spatial_ratio
    for prompt in ("a yellow boat sails at sunset", "a green tree in the snow"):
        latents = model.start(recipe(model, prompt, steps=4))
        model.step([latents])
        frames = sketches(model.predicted(latents), 25).frames.astype(float)
        for axis in (1, 2):
            steps = np.abs(np.diff(frames, axis=axis)).mean(axis=(0, 3 - axis, 3))
            borders = np.arange(side - 1, len(steps), side)
            assert steps[borders].mean() < 1.3 * np.delete(steps, borders).mean()


def decibels(one: Preview, other: Preview) -> float:
    error = float(((one.frames.astype(float) - other.frames) ** 2).mean())
    return float(10 * np.log10(255**2 / error))


def test_r11_the_vae_is_used_where_it_is_cheap(
    model: Ltx2Model, predicted: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiers, "CHEAP_S", 30.0)
    assert isinstance(choose(model.decoder, predicted, 1, offload=False).best, VaePreviews)
    assert isinstance(choose(model.decoder, predicted, 1, offload=True).best, LinearPreviews)
    monkeypatch.setattr(tiers, "CHEAP_S", 0.0)
    monkeypatch.setattr(tiers, "FITTED_S", 60.0)
    assert isinstance(choose(model.decoder, predicted, 1, offload=False).best, PatchPreviews)
    monkeypatch.setattr(tiers, "FITTED_S", 0.0)
    assert isinstance(choose(model.decoder, predicted, 1, offload=False).best, LinearPreviews)


def test_big_pictures_are_made_smaller(model: Ltx2Model) -> None:
    class Big:
        def __getattr__(self, name: str) -> Any:
            return getattr(model.decoder, name)

        def decode(self, latents: torch.Tensor) -> Any:
            return np.full((9, 640, 1280, 3), 200, np.uint8)

    preview = VaePreviews(Big())(torch.zeros(1), 9)
    assert preview.frames.shape == (9, 213, 426, 3)
    assert (preview.frames == 200).all()


def test_frames_are_jpeg(model: Ltx2Model, predicted: torch.Tensor) -> None:
    preview = VaePreviews(model.decoder)(predicted, 25)
    for (index, data), expected, frame in zip(jpegs(preview), preview.indices, preview.frames, strict=True):
        picture = Image.open(io.BytesIO(data))
        assert (index, picture.format, picture.size) == (expected, "JPEG", (96, 64))
        assert np.abs(np.asarray(picture).astype(int) - frame).mean() < 4
