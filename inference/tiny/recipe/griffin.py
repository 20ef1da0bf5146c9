"""Griffin-Lim: sound from mels without training. It is the vocoder's gate, and its replacement where it wins."""

import torch
from torch import Tensor

from inference.tiny.recipe.config import HOP, WINDOW
from inference.tiny.recipe.mel import amplitude_of, basis

ROUNDS = 24
MOMENTUM = 0.9
"""Fast Griffin-Lim (Perraudin et al., 2013)."""


def griffin_lim(mels: Tensor, rounds: int = ROUNDS, seed: int = 0) -> Tensor:
    """Mels (B, 2, frames, bins) to sound (B, 2, N), N = HOP x (frames - 1)."""
    amplitude = spectrum_from(mels).flatten(0, 1)  # (2B, F, frames)
    window = torch.hann_window(WINDOW)
    length = HOP * (amplitude.shape[-1] - 1)
    random = torch.Generator().manual_seed(seed)
    phase = torch.polar(torch.ones_like(amplitude), 6.2832 * torch.rand(amplitude.shape, generator=random))
    before = torch.zeros_like(phase)
    for _ in range(rounds):
        sound = torch.istft(amplitude * phase, WINDOW, HOP, window=window, length=length)
        now = torch.stft(sound, WINDOW, HOP, window=window, return_complex=True)
        ahead = now - MOMENTUM / (1 + MOMENTUM) * before
        before, phase = now, ahead / (ahead.abs() + 1e-8)
    sound = torch.istft(amplitude * phase, WINDOW, HOP, window=window, length=length)
    return sound.view(*mels.shape[:2], -1)


def spectrum_from(mels: Tensor, rounds: int = 40) -> Tensor:
    """Linear amplitudes (B, 2, F, frames) whose mels these are, by multiplicative updates (Lee and Seung, 2001)."""
    wanted = amplitude_of(mels).transpose(-1, -2) * (torch.hann_window(WINDOW).sum() / 2)  # (B, 2, bins, frames)
    triangles = basis(mels.shape[-1])
    total = triangles.sum(0)[:, None] + 1e-6
    linear = triangles.T @ wanted / total
    for _ in range(rounds):
        linear = linear * (triangles.T @ (wanted / (triangles @ linear + 1e-6)) / total)
    return linear
