"""Goes on from the end of a clip, window after window, and measures whether the seam shows and is heard.

The next window draws the last pictures of the one before anew. The two are faded into each other there, as overlapping
windows usually are: what the VAE changes on the way then comes little by little.
"""

from collections.abc import Sequence

import numpy as np
import torch

from inference.tiny.captions.grammar import write
from inference.tiny.recipe.config import AUDIO_RATIO
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
    """The largest change across a seam over the usual change between frames, for each window, in picture and in sound;
    1 is no seam at all."""
    prompts = [write(scene, "en", np.random.default_rng(scene.seed)) for scene in scenes]
    words, random = parts.words(prompts), torch.Generator().manual_seed(3)
    latents = parts.trajectory(words, parts.noise(len(prompts), random), DRAFT)[-1]
    frames, mels = parts.frames(latents[0]), parts.mels(latents[1]).cpu().numpy()
    kept = AUDIO_RATIO * audio_prefix(parts.config, KEPT_LATENTS) - (AUDIO_RATIO - 1)
    found: dict[str, float] = {}
    for window in range(1, WINDOWS + 1):
        prefix = continued(parts, frames, latents)
        latents = parts.trajectory(words, parts.noise(len(prompts), random), DRAFT, prefix=prefix)[-1]
        following, heard = parts.frames(latents[0]), parts.mels(latents[1]).cpu().numpy()
        found[f"window_{window}"] = seen(frames, following)
        found[f"sound_{window}"] = heard_over(mels, heard, kept)
        frames, mels = following, heard
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


def faded(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Two windows (n, T, H, W, 3) as one clip in float: ``after`` begins with the last pictures of ``before``."""
    old, new = before.astype(np.float32), after.astype(np.float32)
    share = np.linspace(0, 1, KEPT_FRAMES + 2, dtype=np.float32)[1:-1].reshape(-1, 1, 1, 1)
    between = (1 - share) * old[:, -KEPT_FRAMES:] + share * new[:, :KEPT_FRAMES]
    return np.concatenate([old[:, :-KEPT_FRAMES], between, new[:, KEPT_FRAMES:]], 1)


def seen(before: np.ndarray, after: np.ndarray) -> float:
    """From the last picture that is the old window's alone to the first that is the new one's.

    Pictures change most from one latent to the next, seam or no seam; so the largest change is held against the largest
    of as many changes anywhere in the old window.
    """
    changes, old = (
        np.abs(np.diff(f, axis=1)).mean((2, 3, 4)) for f in (faded(before, after), before.astype(np.float32))
    )
    last, count = before.shape[1] - KEPT_FRAMES - 1, KEPT_FRAMES + 1
    largest = np.lib.stride_tricks.sliding_window_view(old, count, axis=1).max(2)
    seam = changes[:, last : last + count].max(1)
    return float(np.median(seam / np.maximum(np.median(largest, 1), 0.5)))


def heard_over(before: np.ndarray, after: np.ndarray, kept: int) -> float:
    """Mels (n, 2, frames, bins): the first new frame against the last old one, over the mean change."""
    seam = np.abs(after[:, :, kept] - before[:, :, -1]).mean()
    usual = np.abs(np.diff(before, axis=2)).mean()
    return float(seam / max(usual, 1e-3))
