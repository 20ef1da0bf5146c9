"""After the latents: the decoder learns further, and what the transformer learns from stays as it is.

Half of what it is given is not quite right, as what the transformer makes is not: it learns to draw whole things from
latents that do not fit together, where the first decoder drew the blocks that it was told to.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from inference.tiny.recipe.config import Config
from inference.tiny.recipe.data import Clips
from inference.tiny.recipe.latents import Encoded
from inference.tiny.recipe.muon import Muon, for_convolutions
from inference.tiny.recipe.video_vae import ADAM_RATE, RATE, against_pca, apart, to_tensor, weights

WRONG_SHARE, MOST_WRONG = 0.5, 0.3
"""Share of the clips whose latents are noisy, and the most noise, in deviations of the latents as the transformer sees
them."""


@dataclass
class DecoderLearner:
    """Trains the decoder of the video VAE on whole clips, from latents that are known already."""

    config: Config
    clips: Clips
    held_out: Clips
    encoded: Encoded
    device: torch.device
    vae: Any
    modules: nn.ModuleDict = field(init=False)
    optimizer: Muon = field(init=False)

    def __post_init__(self) -> None:
        self.vae.to(self.device)
        self.modules = nn.ModuleDict({"vae": self.vae.decoder})
        self.optimizer = for_convolutions(self.vae.decoder, lr=RATE, adam_lr=ADAM_RATE)

    def loss(self, random: torch.Generator) -> tuple[Tensor, Mapping[str, float]]:
        """The VAE's own loss, without what concerns the encoder."""
        chosen = torch.randint(len(self.clips), (self.config.decoder_batch,), generator=random).sort().values
        pictures = to_tensor(self.clips.frames[chosen.numpy()], self.device)
        centres = torch.from_numpy(self.clips.centres[chosen.numpy()]).to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.half):
            output = self.vae.decode(self._latents(chosen, random)).sample
        loss, squared = apart(output.float(), pictures, weights(pictures, centres))
        return loss, {"squared": squared.item()}

    def measures(self) -> Mapping[str, float]:
        """PSNR on held-out clips, of the VAE and of a linear PCA of the same rate."""
        return against_pca(self.vae, self.held_out.frames[:32], self.clips.frames, self.device)

    def _latents(self, chosen: Tensor, random: torch.Generator) -> Tensor:
        """Latents (B, C, F, h, w) as the decoder takes them, some of them wrong."""
        packed = self.encoded.video[chosen]  # (B, F * h * w, C)
        level = MOST_WRONG * torch.rand(len(chosen), generator=random)
        level *= torch.rand(len(chosen), generator=random) < WRONG_SHARE
        packed = packed + level.view(-1, 1, 1) * torch.randn(packed.shape, generator=random)
        grid = packed.view(len(chosen), self.config.latent_frames, *self.config.latent_size, -1).permute(0, 4, 1, 2, 3)
        shape = (1, -1, 1, 1, 1)
        found: Tensor = grid.to(self.device) * self.vae.latents_std.view(shape) + self.vae.latents_mean.view(shape)
        return found
