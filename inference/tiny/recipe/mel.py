"""Sound as the audio VAE sees it: log-mel spectrograms, (..., 2, frames, bins), about -1.3 to 1.7."""

from functools import cache

import numpy as np
import torch
from torch import Tensor

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
    logs = torch.log((basis(bins) @ amplitude).clamp(min=FLOOR)).transpose(-1, -2)  # (B, frames, bins)
    logs = logs[:, :frames]
    return ((logs + CENTRE) / SPREAD).reshape(*sound.shape[:-1], *logs.shape[1:])


def amplitude_of(mels: Tensor) -> Tensor:
    """Mel amplitudes, the inverse of the scaling."""
    return torch.exp(mels * SPREAD - CENTRE)


def spectrum(sound: Tensor, size: int) -> Tensor:
    """Complex STFT of (B, N) with a Hann window -> (B, size / 2 + 1, frames)."""
    hop = HOP if size == WINDOW else size // 4
    window = _window(size).to(sound.device)
    return torch.stft(sound, size, hop, window=window, return_complex=True)


@cache
def _window(size: int) -> Tensor:
    return torch.hann_window(size)


@cache
def basis(bins: int) -> Tensor:
    """Triangles on the mel scale (HTK's formula), each summing to 1: (bins, WINDOW / 2 + 1)."""
    edges_mel = np.linspace(_to_mel(LOWEST_HZ), _to_mel(SAMPLE_RATE_HZ / 2), bins + 2)
    edges = 700 * (10 ** (edges_mel / 2595) - 1)
    scale = np.linspace(0, SAMPLE_RATE_HZ / 2, WINDOW // 2 + 1)
    rise = (scale - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    fall = (edges[2:, None] - scale) / (edges[2:] - edges[1:-1])[:, None]
    triangles = np.maximum(0, np.minimum(rise, fall))
    nearest = np.abs(scale - edges[1:-1, None]).argmin(1)
    triangles[np.arange(bins), nearest] += 1e-2  # a narrow low band may fall between two frequencies
    return torch.tensor(triangles / triangles.sum(1, keepdims=True), dtype=torch.float32)


def _to_mel(hz: float) -> float:
    return float(2595 * np.log10(1 + hz / 700))
