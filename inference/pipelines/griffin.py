"""Sound from mels without a vocoder: fast Griffin-Lim (Perraudin et al., 2013).

A vocoder that was trained for minutes smears attacks; this one needs no training. A model asks for it in its manifest,
with the scale of its mels; ``LTX2Pipeline`` goes on with the vocoder in the folder, which its class demands.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

ROUNDS, UNMIX_ROUNDS = 16, 20
"""Of phases and of amplitudes. The mels of what comes out are off by .064 (of a deviation of .64); with 24 and 40 it is
.061, in one and a half times the time."""
MOMENTUM = 0.9


@dataclass(frozen=True)
class MelScale:
    """How a model's mels were made: log amplitudes of ``bins`` triangles, ``(log a + centre) / spread``."""

    bins: int
    window: int
    """Samples of the Hann window."""
    hop: int
    sample_rate_hz: int
    lowest_hz: float
    centre: float
    spread: float

    @classmethod
    def of(cls, values: Mapping[str, Any], bins: int, sample_rate_hz: int) -> "MelScale":
        """From the ``griffin_lim`` of a manifest."""
        names = ("window", "hop", "lowest_hz", "centre", "spread")
        return cls(bins=bins, sample_rate_hz=sample_rate_hz, **{name: values[name] for name in names})

    @cached_property
    def basis(self) -> Tensor:
        """Triangles on the mel scale (HTK's formula), each summing to 1: (bins, window / 2 + 1)."""
        edges_mel = np.linspace(_to_mel(self.lowest_hz), _to_mel(self.sample_rate_hz / 2), self.bins + 2)
        edges = 700 * (10 ** (edges_mel / 2595) - 1)
        scale = np.linspace(0, self.sample_rate_hz / 2, self.window // 2 + 1)
        rise = (scale - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
        fall = (edges[2:, None] - scale) / (edges[2:] - edges[1:-1])[:, None]
        triangles = np.maximum(0, np.minimum(rise, fall))
        nearest = np.abs(scale - edges[1:-1, None]).argmin(1)
        triangles[np.arange(self.bins), nearest] += 1e-2  # a narrow low band may fall between two frequencies
        return torch.tensor(triangles / triangles.sum(1, keepdims=True), dtype=torch.float32)

    def amplitude_of(self, mels: Tensor) -> Tensor:
        """Mel amplitudes, the inverse of the logarithm."""
        return torch.exp(mels * self.spread - self.centre)


def griffin_lim(mels: Tensor, scale: MelScale, rounds: int = ROUNDS, seed: int = 0) -> Tensor:
    """Mels (B, channels, frames, bins) to sound (B, channels, hop * frames); the same for the same seed."""
    amplitude = spectrum_from(mels, scale).flatten(0, 1)  # (B * channels, window / 2 + 1, frames)
    amplitude = torch.cat([amplitude, amplitude[..., -1:]], -1)
    window, length = torch.hann_window(scale.window), scale.hop * (amplitude.shape[-1] - 1)
    random = torch.Generator().manual_seed(seed)
    phase = torch.polar(torch.ones_like(amplitude), 2 * torch.pi * torch.rand(amplitude.shape, generator=random))
    before = torch.zeros_like(phase)
    for _ in range(rounds):
        sound = torch.istft(amplitude * phase, scale.window, scale.hop, window=window, length=length)
        now = torch.stft(sound, scale.window, scale.hop, window=window, return_complex=True)
        ahead = now - MOMENTUM / (1 + MOMENTUM) * before
        before, phase = now, ahead / (ahead.abs() + 1e-8)
    sound = torch.istft(amplitude * phase, scale.window, scale.hop, window=window, length=length)
    return sound.view(*mels.shape[:2], -1)


def spectrum_from(mels: Tensor, scale: MelScale) -> Tensor:
    """Linear amplitudes (B, channels, window / 2 + 1, frames) whose mels these are (Lee and Seung, 2001)."""
    loudness = torch.hann_window(scale.window).sum() / 2
    wanted = scale.amplitude_of(mels).transpose(-1, -2) * loudness  # (B, channels, bins, frames)
    triangles = scale.basis
    total = triangles.sum(0)[:, None] + 1e-6
    linear = triangles.T @ wanted / total
    for _ in range(UNMIX_ROUNDS):
        linear = linear * (triangles.T @ (wanted / (triangles @ linear + 1e-6)) / total)
    return linear


def _to_mel(hz: float) -> float:
    return float(2595 * np.log10(1 + hz / 700))
