"""Goes on from the end of a clip, window after window, and measures whether the seam shows and is heard.

The next window makes the last pictures and the last sound of the one before anew. The two are faded into each other
there, as overlapping windows usually are: what the VAEs change on the way then comes little by little.

A seam is as large as the largest change across it, from one frame to the next, or as what the two windows differ by
where they are faded: that is seen as a ghost, and between windows that have nothing to do with each other it is two to
four times the usual change. Both are held against the largest of as many changes anywhere before the seam, clip by
clip, for pictures change most from one latent to the next, and sound at its attacks. (The mean change of sound at the
one frame behind the seam was 1.77; at frames without a seam it is between .3 and 3, and of four such frames the worst
is above 1.5 half of the time.)
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
HEARD_FADE = 6
"""Mel frames of 16 ms, the last of those that both windows have: nearly one picture."""
WINDOWS = 4
DRAFT = Sampling(4)


@torch.no_grad()
def seam_ratio(parts: Parts, scenes: Sequence[Scene]) -> dict[str, float]:
    """The largest change across a seam over the usual largest one, for each window, in picture and in sound; 1 is no
    seam at all."""
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
        found[f"window_{window}"] = seam(frames, following, KEPT_FRAMES, KEPT_FRAMES, least=0.5)
        found[f"sound_{window}"] = seam(_in_time(mels), _in_time(heard), kept, HEARD_FADE, least=1e-3)
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


def faded(before: np.ndarray, after: np.ndarray, kept: int, fade: int) -> np.ndarray:
    """Two windows (n, T, ...) as one clip in float.

    ``after`` begins with the last ``kept`` frames of ``before``; over the last ``fade`` of these one gives way to the
    other.
    """
    old, new = _ends(before, after, kept, fade)
    share = np.linspace(0, 1, fade + 2, dtype=np.float32)[1:-1].reshape(-1, *[1] * (before.ndim - 2))
    between = (1 - share) * old + share * new
    return np.concatenate([before[:, : before.shape[1] - fade], between, after[:, kept:]], 1)


def seam(before: np.ndarray, after: np.ndarray, kept: int, fade: int, *, least: float) -> float:
    """How large the seam of two windows (n, T, ...) is, as the module says: the median of all clips.

    Changes below ``least`` count as that much.
    """
    joined = _changes(faded(before, after, kept, fade))
    last, count = before.shape[1] - fade - 1, fade + 1
    across = joined[:, last : last + count].max(1)
    old, new = _ends(before, after, kept, fade)
    apart = np.abs(old - new).reshape(len(old), fade, -1).mean(2).max(1)
    usual = np.lib.stride_tricks.sliding_window_view(_changes(before.astype(np.float32)), count, axis=1).max(2)
    return float(np.median(np.maximum(across, apart) / np.maximum(np.median(usual, 1), least)))


def _ends(before: np.ndarray, after: np.ndarray, kept: int, fade: int) -> tuple[np.ndarray, np.ndarray]:
    """The frames that are faded, as each of the windows has them."""
    end = before.shape[1]
    return before[:, end - fade :].astype(np.float32), after[:, kept - fade : kept].astype(np.float32)


def _changes(frames: np.ndarray) -> np.ndarray:
    """Mean change from each frame to the next: (n, T, ...) to (n, T - 1)."""
    changes: np.ndarray = np.abs(np.diff(frames, axis=1)).reshape(len(frames), frames.shape[1] - 1, -1).mean(2)
    return changes


def _in_time(mels: np.ndarray) -> np.ndarray:
    """Mels (n, 2, frames, bins) to (n, frames, 2, bins)."""
    return mels.swapaxes(1, 2)
