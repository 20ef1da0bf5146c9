"""Sound as the audio VAE sees it: log-mel spectrograms, (..., 2, frames, bins), about -1.3 to 1.7."""

from functools import cache

import torch
from torch import Tensor

from inference.pipelines.griffin import MelScale
from inference.tiny.recipe.config import HOP, SAMPLE_RATE_HZ, WINDOW

FLOOR = 3e-4
"""Amplitude below which nothing is heard: -70 dB."""
CENTRE, SPREAD = 5.0, 2.5
LOWEST_HZ = 40.0


def mel(sound: Tensor, bins: int, frames: int | None = None) -> Tensor:
    """Log-mel of a sound (..., N) -> (..., frames, bins), scaled to the range that the VAE likes."""
    flat = sound.reshape(-1, sound.shape[-1]).float()
    pad = 0 if frames is None else max(0, frames * HOP - flat.shape[-1])
    amplitude = spectrum(torch.nn.functional.pad(flat, (0, pad)), WINDOW).abs() * (2 / _window(WINDOW).sum())
    logs = torch.log((scale(bins).basis @ amplitude).clamp(min=FLOOR)).transpose(-1, -2)  # (B, frames, bins)
    logs = logs[:, :frames]
    return ((logs + CENTRE) / SPREAD).reshape(*sound.shape[:-1], *logs.shape[1:])


@cache
def scale(bins: int) -> MelScale:
    """How these mels are made, for what turns them back into sound."""
    return MelScale(bins, WINDOW, HOP, SAMPLE_RATE_HZ, LOWEST_HZ, CENTRE, SPREAD)


def spectrum(sound: Tensor, size: int) -> Tensor:
    """Complex STFT of (B, N) with a Hann window -> (B, size / 2 + 1, frames)."""
    hop = HOP if size == WINDOW else size // 4
    window = _window(size).to(sound.device)
    return torch.stft(sound, size, hop, window=window, return_complex=True)


@cache
def _window(size: int) -> Tensor:
    return torch.hann_window(size)
