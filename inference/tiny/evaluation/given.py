"""Hears what the model plays to pictures that are given: what it knows of sound, apart from what it draws."""

from collections.abc import Sequence

import numpy as np
import torch

from inference.tiny.recipe.parts import Parts, Prefix, Sampling


@torch.no_grad()
def played_to(parts: Parts, frames: np.ndarray, prompts: Sequence[str], sampling: Sampling) -> np.ndarray:
    """Mels (n, 2, frames, bins) for clips (n, T, H, W, 3) that stay as they are."""
    random = torch.Generator().manual_seed(7)
    video, audio = parts.noise(len(frames), random)
    whole, nothing = torch.ones_like(video[..., :1]), torch.zeros_like(audio[..., :1])
    prefix = Prefix(whole, nothing, parts.latents(frames), torch.zeros_like(audio))
    made = parts.trajectory(parts.words(prompts), (video, audio), sampling, prefix=prefix)[-1]
    mels: np.ndarray = parts.mels(made[1]).cpu().numpy()
    return mels
