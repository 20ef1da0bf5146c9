"""The fourth stage: mels to sound. Kept only where it beats Griffin-Lim on attacks and on noise."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from inference.pipelines.griffin import griffin_lim
from inference.tiny.recipe.config import HOP, Config
from inference.tiny.recipe.data import Clips
from inference.tiny.recipe.mel import scale, spectrum
from inference.tiny.recipe.models import vocoder

SIZES = (128, 256, 512, 1024, 2048)
PHASED = (128, 512, 1024)
"""Window sizes whose phase counts too: without it, attacks smear and noise turns into stripes."""
PHASE_WEIGHT = 0.7
LOG_FLOOR = 1e-2
QUIET = 0.1
"""Added to what is divided by: a silent piece must not outweigh all others."""
PIECE = 32
"""Mel frames in a training piece: half a second."""
ATTACK_S = 0.012


@dataclass
class VocoderLearner:
    """Trains the vocoder on real mels and waves."""

    config: Config
    clips: Clips
    held_out: Clips
    device: torch.device
    vocoder: Any = field(init=False)
    modules: nn.ModuleDict = field(init=False)
    optimizer: torch.optim.Optimizer = field(init=False)

    def __post_init__(self) -> None:
        self.vocoder = vocoder(self.config).to(self.device)
        self.modules = nn.ModuleDict({"vocoder": self.vocoder})
        self.optimizer = torch.optim.AdamW(self.vocoder.parameters(), lr=1.5e-3, betas=(0.8, 0.99))

    def loss(self, random: torch.Generator) -> tuple[Tensor, Mapping[str, float]]:
        """Spectral distance at five window sizes, and of phase at three."""
        mels, waves = self._batch(random)
        output = self.vocoder(mels)
        magnitude, phase = spectral_distance(output, waves), phase_distance(output, waves)
        return magnitude + PHASE_WEIGHT * phase, {"spectral": magnitude.item(), "phase": phase.item()}

    def measures(self) -> Mapping[str, float]:
        """Spectral distance and error of attacks on held-out sounds, against Griffin-Lim."""
        return gate(self.vocoder.to("cpu"), self.held_out)

    def _batch(self, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """Mels (B, 2, PIECE, bins) and waves (B, 2, PIECE * HOP)."""
        count = self.config.vocoder_batch
        frames = min(self.config.mel_frames, self.clips.waves.shape[-1] // HOP)
        length = min(PIECE, frames)
        which = torch.randint(len(self.clips.waves), (count,), generator=random).tolist()
        starts = torch.randint(frames - length + 1, (count,), generator=random).tolist()
        pairs = list(zip(which, starts, strict=True))
        mels = np.stack([self.clips.mels[k, :, at : at + length] for k, at in pairs])
        waves = np.stack([self.clips.waves[k, :, at * HOP : (at + length) * HOP] for k, at in pairs])
        to = self.device
        return torch.from_numpy(mels.astype(np.float32)).to(to), torch.from_numpy(waves.astype(np.float32)).to(to)


def spectral_distance(one: Tensor, other: Tensor) -> Tensor:
    """Convergence and log magnitude (Yamamoto et al., 2020), averaged over window sizes; both are (B, 2, N)."""
    total = torch.zeros((), device=one.device)
    for size in SIZES:
        a, b = (spectrum(x.flatten(0, 1), size).abs() for x in (one, other))
        convergence = (a - b).norm() / (b.norm() + QUIET * b.numel() ** 0.5)
        total = total + convergence + (torch.log(a + LOG_FLOOR) - torch.log(b + LOG_FLOOR)).abs().mean()
    return total / len(SIZES)


def phase_distance(one: Tensor, other: Tensor) -> Tensor:
    """Distance of complex spectra compressed to the power 0.3; both are (B, 2, N)."""
    total = torch.zeros((), device=one.device)
    for size in PHASED:
        a, b = (_compressed(spectrum(x.flatten(0, 1), size)) for x in (one, other))
        total = total + (a - b).abs().mean() / (b.abs().mean() + QUIET)
    return total / len(PHASED)


def _compressed(values: Tensor) -> Tensor:
    return values / (values.abs() + 1e-3).pow(0.7)


@torch.no_grad()
def gate(model: nn.Module, held_out: Clips, count: int = 24) -> dict[str, float]:
    """The vocoder and Griffin-Lim on the same held-out mels; lower is better in every figure."""
    count = min(count, len(held_out.waves))
    mels = torch.from_numpy(held_out.mels[:count].astype(np.float32))
    waves = torch.from_numpy(held_out.waves[:count].astype(np.float32))
    found: dict[str, float] = {}
    for name, output in (("vocoder", model(mels)), ("griffin", griffin_lim(mels, scale(mels.shape[-1])))):
        size = min(output.shape[-1], waves.shape[-1])
        found[f"{name}_spectral"] = spectral_distance(output[..., :size], waves[..., :size]).item()
        found[f"{name}_attack_db"] = attack_error(output, waves, held_out.contacts[:count])
    return found


def beaten(found: Mapping[str, float]) -> bool:
    """Whether Griffin-Lim wins in one of the gate's figures."""
    return any(found[f"vocoder_{name}"] >= found[f"griffin_{name}"] for name in ("spectral", "attack_db"))


def attack_error(output: Tensor, waves: Tensor, contacts: list[list[float]]) -> float:
    """Mean absolute difference in level, dB, of the first 12 ms after each contact."""
    gaps = []
    for k, moments in enumerate(contacts):
        for moment_s in moments:
            at, length = int(moment_s * 16_000), int(ATTACK_S * 16_000)
            if at + length > min(output.shape[-1], waves.shape[-1]):
                continue
            levels = [10 * torch.log10(x[k, :, at : at + length].square().mean() + 1e-6) for x in (output, waves)]
            gaps.append((levels[0] - levels[1]).abs().item())
    return float(np.mean(gaps)) if gaps else 0.0
