"""Pictures for the eye: rows of frames, and below each its sound, with what is seen and heard marked."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from inference.tiny.captions.grammar import write
from inference.tiny.evaluation.sync import heard_s, seen_s, track
from inference.tiny.recipe.parts import Parts, Sampling
from inference.tiny.world.attributes import Scene

COLUMNS = 9
BAND = 16
SEEN, HEARD = (40, 90, 230), (220, 40, 40)


def contact_sheet(clips: Sequence[np.ndarray], path: Path, scale: int = 1) -> None:
    """One row of frames for each clip (T, H, W, 3)."""
    rows = [np.concatenate([clip[k] for k in _columns(len(clip))], 1) for clip in clips]
    _save(np.concatenate(rows), path, scale)


def sound_sheet(clips: Sequence[np.ndarray], mels: Sequence[np.ndarray], scenes: Sequence[Scene], rate_hz: int,
                lag_s: float, path: Path) -> None:  # fmt: skip
    """All frames of each clip, under them its mels (2, frames, bins), contacts in blue above and onsets in red."""
    rows = []
    for clip, mel, scene in zip(clips, mels, scenes, strict=True):
        strip = np.concatenate(list(clip), 1)
        rows += [strip, _band(mel, strip.shape[1])]
        marks = rows[-1]
        for moments, colour, top in (
            (seen_s(track(clip, scene), scene, rate_hz), SEEN, 0),
            (heard_s(mel) - lag_s, HEARD, 8),
        ):
            for moment in moments:
                x = int((moment * rate_hz + 0.5) * clip.shape[2])
                marks[top : top + 8, max(0, x - 2) : x + 3] = colour
    _save(np.concatenate(rows), path, 1)


def generated(
    parts: Parts, scenes: Sequence[Scene], language: str, sampling: Sampling, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Frames and mels that the model makes of the scenes' captions."""
    prompts = [write(scene, language, np.random.default_rng(scene.seed)) for scene in scenes]
    video, audio = parts.sample(prompts, sampling, seed)
    return parts.frames(video), parts.mels(audio).cpu().numpy()


def _columns(length: int) -> list[int]:
    return [int(k) for k in np.linspace(0, length - 1, COLUMNS)]


def _band(mel: np.ndarray, width: int) -> np.ndarray:
    grey = ((mel.mean(0).T[::-1] + 1.3) / 3 * 255).clip(0, 255).astype(np.uint8)
    image = Image.fromarray(grey).resize((width, 2 * BAND)).convert("RGB")
    return np.array(image)


def _save(pixels: np.ndarray, path: Path, scale: int) -> None:
    image = Image.fromarray(pixels)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST).save(path, quality=88)
