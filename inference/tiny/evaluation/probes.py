"""Reads attributes off clips. What reads them learned from real clips only (``training``); how often it is right on
real held-out clips is the ceiling beside every figure."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from inference.tiny.evaluation.eye import Eye
from inference.tiny.recipe.data import Clips
from inference.tiny.world.attributes import (
    ACTIONS,
    CAMERAS,
    COLOURS,
    LIGHTS,
    PACES,
    SECONDS,
    STYLES,
    SUBJECTS,
    WEATHERS,
    Scene,
)

ANSWERS: Mapping[str, tuple[str, ...]] = {
    "style": STYLES,
    "subject": SUBJECTS,
    "colour": COLOURS,
    "motion": tuple(sorted({f"{a.motion} {s}".strip() for acts in ACTIONS.values() for a in acts for s in a.sides})),
    "pace": PACES,
    "weather": WEATHERS,
    "camera": CAMERAS,
    "light": LIGHTS,
    "second": ("", *SECONDS),
}
"""What can be said of a clip, by aspect."""
ASPECTS = tuple(ANSWERS)
HEIGHT = 32
"""Rows that the probe looks at."""
BATCH = 32


def answer(scene: Scene, aspect: str) -> str:
    """The right answer for a clip of this scene; motion includes the side."""
    if aspect == "motion":
        return f"{scene.motion} {scene.side}".strip()
    return str(getattr(scene, aspect))


def small(frames: np.ndarray) -> Tensor:
    """(B, T, H, W, 3) uint8 to (B, 3, T, HEIGHT, w) in -1..1."""
    pictures = torch.from_numpy(np.array(frames)).permute(0, 1, 4, 2, 3).float() / 127.5 - 1
    batch, length, _, height, width = pictures.shape
    size = (HEIGHT, round(HEIGHT * width / height))
    shrunk = F.interpolate(pictures.flatten(0, 1), size, mode="area")
    return shrunk.view(batch, length, 3, *size).transpose(1, 2)


@torch.no_grad()
def score(eye: Eye, frames: np.ndarray, scenes: Sequence[Scene], device: torch.device) -> dict[str, float]:
    """Share of right answers for each aspect. Pace and second count only where there is one."""
    logits: dict[str, list[Tensor]] = {aspect: [] for aspect in ANSWERS}
    for k in range(0, len(frames), BATCH):
        for aspect, values in eye(small(frames[k : k + BATCH]).to(device)).items():
            logits[aspect].append(values.cpu())
    found = {aspect: torch.cat(values).argmax(1).tolist() for aspect, values in logits.items()}
    return {aspect: _share(aspect, found[aspect], scenes) for aspect in ANSWERS}


def chance(clips: Clips, scenes: Sequence[Scene]) -> dict[str, float]:
    """Share of right answers for each aspect of who always gives the commonest answer of the training clips."""
    found: dict[str, float] = {}
    for aspect in ASPECTS:
        known = Counter(answer(scene, aspect) for scene in clips.scenes if _asked(scene, aspect))
        asked = [scene for scene in scenes if _asked(scene, aspect)]
        if known and asked:
            found[aspect] = float(np.mean([answer(scene, aspect) == known.most_common(1)[0][0] for scene in asked]))
    return found


def _share(aspect: str, found: list[int], scenes: Sequence[Scene]) -> float:
    names = ANSWERS[aspect]
    asked = [k for k, scene in enumerate(scenes) if _asked(scene, aspect)]
    right = [names[found[k]] == answer(scenes[k], aspect) for k in asked]
    return float(np.mean(right)) if right else float("nan")


def _asked(scene: Scene, aspect: str) -> bool:
    if aspect == "pace":
        return scene.action.paced
    return aspect != "second" or bool(scene.second)
