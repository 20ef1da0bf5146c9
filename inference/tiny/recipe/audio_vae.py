"""The third stage: log-mels to latents and back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from inference.tiny.recipe.config import AUDIO_RATIO, Config
from inference.tiny.recipe.data import Clips
from inference.tiny.recipe.models import audio_vae
from inference.tiny.recipe.muon import Muon, for_convolutions

KL_WEIGHT = 3e-4
PIECE = 64 + 1
"""Mel frames in a training piece: about a second, one more than a multiple of the ratio."""
WHOLE_SHARE = 0.2
"""Part of the pieces that start with the clip: the VAE is causal, and its start is a case of its own."""


@dataclass
class AudioLearner:
    """Trains the audio VAE: absolute error and KL are enough."""

    config: Config
    clips: Clips
    held_out: Clips
    device: torch.device
    vae: Any = field(init=False)
    modules: nn.ModuleDict = field(init=False)
    optimizer: Muon = field(init=False)

    def __post_init__(self) -> None:
        self.vae = audio_vae(self.config).to(self.device)
        self.modules = nn.ModuleDict({"vae": self.vae})
        self.optimizer = for_convolutions(self.vae, lr=0.01, adam_lr=2e-3)

    def loss(self, random: torch.Generator) -> tuple[Tensor, Mapping[str, float]]:
        """Absolute error of the mels, and KL."""
        mels = self._batch(random)
        latents = self.vae.encode(mels).latent_dist
        error = (self.vae.decode(latents.sample()).sample - mels).abs().mean()
        kl = 0.5 * (latents.mean.square() + latents.var - 1 - latents.logvar).mean()
        return error + KL_WEIGHT * kl, {"error": error.item(), "kl": kl.item()}

    def measures(self) -> Mapping[str, float]:
        """Absolute error on held-out mels, in units of the scaled log-mel."""
        mels = torch.from_numpy(self.held_out.mels[:32].astype(np.float32)).to(self.device)
        output = self.vae.decode(self.vae.encode(mels).latent_dist.mode()).sample
        return {"held_out_error": (output - mels).abs().mean().item()}

    def _batch(self, random: torch.Generator) -> Tensor:
        """(B, 2, PIECE, bins)."""
        frames = self.config.mel_frames
        length = min(PIECE, (frames - 1) // AUDIO_RATIO * AUDIO_RATIO + 1)
        which = torch.randint(len(self.clips), (self.config.audio_batch,), generator=random).tolist()
        starts = torch.randint(frames - length + 1, (self.config.audio_batch,), generator=random)
        starts[torch.rand(len(starts), generator=random) < WHOLE_SHARE] = 0
        pieces = [self.clips.mels[k, :, at : at + length] for k, at in zip(which, starts.tolist(), strict=True)]
        return torch.from_numpy(np.stack(pieces).astype(np.float32)).to(self.device)
