"""Between the stages: every clip through both VAEs, once."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inference.tiny.recipe import files
from inference.tiny.recipe.data import Clips
from inference.tiny.recipe.progress import say
from inference.tiny.recipe.video_vae import to_tensor

WEIGHED_ON = 4
"""Clips on which the channels are weighed."""


@dataclass(frozen=True)
class Encoded:
    """Normalised, packed latents of all clips: video (n, tokens, C), audio (n, L, C')."""

    video: Tensor
    audio: Tensor


@torch.no_grad()
def encode(
    clips: Clips, vae: Any, audio_vae: Any, folder: Path, device: torch.device, *, settled: bool = False
) -> Encoded:
    """Encode and normalise; the mean and the deviation go into the VAEs, where the pipeline looks for them.

    ``settled``: they are there already, and a transformer has learned with them.
    """
    path = folder / "latents.pt"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        files.save(_raw(clips, vae, audio_vae, device, 8 if device.type == "cpu" else 64), path)
    video, audio = (values.float() for values in torch.load(path, weights_only=True))
    packed = audio.transpose(1, 2).flatten(2, 3)  # (n, L, channels * bins / 4)
    if not settled:
        vae.latents_mean.copy_(video.mean((0, 2, 3, 4)))
        vae.latents_std.copy_(video.std((0, 2, 3, 4)) / weights(vae, video, device).sqrt())
        audio_vae.latents_mean.copy_(packed.mean((0, 1)))
        audio_vae.latents_std.copy_(packed.std((0, 1)))
    shape = (1, -1, 1, 1, 1)
    normal = (video - vae.latents_mean.cpu().view(shape)) / vae.latents_std.cpu().view(shape)
    tokens = normal.permute(0, 2, 3, 4, 1).flatten(1, 3).contiguous()  # (n, F * h * w, C)
    return Encoded(tokens, (packed - audio_vae.latents_mean.cpu()) / audio_vae.latents_std.cpu())


@torch.no_grad()
def weights(vae: Any, video: Tensor, device: torch.device) -> Tensor:
    """How much each channel (C) changes the picture, the mean being 1.

    Latents are scaled by the root of it. What matters to the picture then stands out of the noise first, and the
    transformer is not asked to be right about what nobody sees.
    """
    some = video[:: max(1, len(video) // WEIGHED_ON)].to(device)
    plain, spread = vae.decode(some).sample, some.std((0, 2, 3, 4))
    shape = some[:, 0].shape
    random, changes = torch.Generator(device).manual_seed(0), []
    for channel in range(some.shape[1]):
        moved = some.clone()
        moved[:, channel] += 0.5 * spread[channel] * torch.randn(shape, generator=random, device=device)
        changes.append((vae.decode(moved).sample - plain).square().mean().sqrt())
    found = torch.stack(changes).cpu()
    return found / found.mean()


def _raw(clips: Clips, vae: Any, audio_vae: Any, device: torch.device, batch: int) -> tuple[Tensor, Tensor]:
    video, audio = [], []
    for k in range(0, len(clips), batch):
        video.append(vae.encode(to_tensor(clips.frames[k : k + batch], device)).latent_dist.mode().half().cpu())
        mels = torch.from_numpy(clips.mels[k : k + batch].astype(np.float32)).to(device)
        audio.append(audio_vae.encode(mels).latent_dist.mode().half().cpu())
        if k % (64 * batch) == 0:
            say("latents", clips=k, of=len(clips))
    return torch.cat(video), torch.cat(audio)
