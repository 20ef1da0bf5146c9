"""The video VAE's linear start, and sound without a vocoder."""

import numpy as np
import torch

from inference.pipelines.griffin import MelScale, griffin_lim, spectrum_from
from inference.tiny.recipe import models
from inference.tiny.recipe.config import SMOKE
from inference.tiny.recipe.linear_start import components, fitted, patches, start
from inference.tiny.recipe.mel import mel, scale
from inference.tiny.recipe.video_vae import pca, psnr, reconstruct, to_tensor
from inference.tiny.world.attributes import Cut
from inference.tiny.world.casting import cast
from inference.tiny.world.film import render

DEVICE = torch.device("cpu")


def drawn(first: int, count: int) -> np.ndarray:
    cut = Cut(64, 64, 9, 8)
    return np.stack([render(cast(first + k, SMOKE.casting), cut).frames for k in range(count)])


def test_an_untrained_vae_is_nearly_as_good_as_a_linear_code() -> None:
    torch.manual_seed(0)
    known, other = drawn(0, 60), drawn(10_000, 8)
    vae = models.video_vae(SMOKE)
    before = psnr(other, reconstruct(vae, other, DEVICE))[0]
    start(vae, to_tensor(known, DEVICE))
    after = psnr(other, reconstruct(vae, other, DEVICE))[0]
    linear = psnr(other, pca(known, other, SMOKE.latent_channels))[0]
    assert after > before + 5
    assert after > linear - 3


def test_patches_are_in_the_order_of_the_vae() -> None:
    pictures = torch.arange(3 * 2 * 16 * 24, dtype=torch.float32).view(1, 3, 2, 16, 24)
    found = patches(pictures, 8, 1, flat=False)
    assert found.shape == (1, 2, 2, 3, 192)
    expected = pictures[0, :, 1, 8:16, 16:24].permute(0, 2, 1).flatten()  # channel, x, y
    assert torch.equal(found[0, 1, 1, 2], expected)


def test_components_are_sorted_and_orthonormal() -> None:
    rows = torch.randn(500, 6, generator=torch.Generator().manual_seed(0)) * torch.tensor([5.0, 1, 3, 2, 0.1, 4])
    mean, basis, spread = components(rows, 3)
    assert torch.allclose(basis.T @ basis, torch.eye(3), atol=1e-5)
    assert torch.allclose(spread, torch.tensor([5.0, 4, 3]), rtol=0.15)
    assert mean.shape == (6,)


def test_least_squares_finds_the_line() -> None:
    known = torch.randn(200, 4, generator=torch.Generator().manual_seed(1))
    weight, bias = fitted(known, known @ torch.ones(4, 2) * 3 + 7)
    assert torch.allclose(weight, torch.full((2, 4), 3.0), atol=1e-3)
    assert torch.allclose(bias, torch.full((2,), 7.0), atol=1e-3)


def test_mels_are_turned_back_into_amplitudes() -> None:
    own = scale(32)
    tone = 0.3 * torch.sin(2 * torch.pi * 1000 * torch.arange(16_000) / 16_000).expand(1, 2, -1)
    amplitude = spectrum_from(mel(tone, 32), own)
    peak = amplitude.mean((0, 1, 3)).argmax() * 16_000 / own.window
    assert abs(float(peak) - 1000) < 120


def test_sound_has_the_length_of_its_mels_and_repeats() -> None:
    own = MelScale(32, 512, 256, 16_000, 40.0, 5.0, 2.5)
    mels = torch.rand(1, 2, 20, 32, generator=torch.Generator().manual_seed(0))
    one, again = (griffin_lim(mels, own, rounds=4) for _ in range(2))
    assert one.shape == (1, 2, 20 * 256)
    assert torch.equal(one, again)
    assert torch.isfinite(one).all()
