"""Goes on from the end of a clip, window after window, and measures whether the seam shows."""

from collections.abc import Sequence

import numpy as np
import torch

from inference.tiny.captions.grammar import write
from inference.tiny.recipe.diffusion import audio_prefix
from inference.tiny.recipe.parts import Latents, Parts, Prefix, Sampling
from inference.tiny.world.attributes import Scene

KEPT_LATENTS = 2
KEPT_FRAMES = 5
"""Pictures that two latent frames hold: one, then four."""
WINDOWS = 4
DRAFT = Sampling(4)


@torch.no_grad()
def seam_ratio(parts: Parts, scenes: Sequence[Scene]) -> dict[str, float]:
    """Change across the seam over the usual change between frames, for each window; 1 is no seam at all."""
    prompts = [write(scene, "en", np.random.default_rng(scene.seed)) for scene in scenes]
    words, random = parts.words(prompts), torch.Generator().manual_seed(3)
    latents = parts.trajectory(words, parts.noise(len(prompts), random), DRAFT)[-1]
    frames = parts.frames(latents[0])
    found: dict[str, float] = {}
    for window in range(1, WINDOWS + 1):
        prefix = continued(parts, frames, latents)
        latents = parts.trajectory(words, parts.noise(len(prompts), random), DRAFT, prefix=prefix)[-1]
        following = parts.frames(latents[0])
        found[f"window_{window}"] = _ratio(frames, following)
        frames = following
    return found


def continued(parts: Parts, frames: np.ndarray, latents: Latents) -> Prefix:
    """The end of a clip as the beginning of the next: pictures encoded anew, sound tokens as they are."""
    video, audio = (torch.zeros_like(z) for z in latents)
    height, width = parts.config.latent_size
    kept = KEPT_LATENTS * height * width
    heard = audio_prefix(parts.config, KEPT_LATENTS)
    video[:, :kept] = parts.latents(frames[:, -KEPT_FRAMES:])
    audio[:, :heard] = latents[1][:, -heard:]
    masks = [torch.zeros(*z.shape[:2], 1, device=z.device) for z in latents]
    masks[0][:, :kept] = 1
    masks[1][:, :heard] = 1
    return Prefix(masks[0], masks[1], video, audio)


def _ratio(before: np.ndarray, after: np.ndarray) -> float:
    """The first new frame against the last old one, over the median change in the old clip."""
    old, new = before.astype(np.float32), after.astype(np.float32)
    seam = np.abs(new[:, KEPT_FRAMES] - old[:, -1]).mean((1, 2, 3))
    usual = np.median(np.abs(np.diff(old, axis=1)).mean((2, 3, 4)), 1)
    return float(np.median(seam / np.maximum(usual, 0.5)))
