"""Makes a clip again in another style, from its own latents: does the style change, and does the rest stay?"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from inference.tiny.captions.grammar import write
from inference.tiny.evaluation import probes
from inference.tiny.evaluation.eye import Eye
from inference.tiny.recipe.parts import Parts, Sampling, schedule
from inference.tiny.world.attributes import STYLES, Scene

STRENGTH = 0.7
"""Share of the steps that is run, as everywhere in diffusers."""
STEPS = 8


@torch.no_grad()
def measure(parts: Parts, eye: Eye, scenes: Sequence[Scene]) -> dict[str, float]:
    """Shares of clips with the new style, and still with the old subject and motion; and whether things stay in place:
    the correlation of edges with the clip that was remixed, and with another one."""
    changed = [replace(scene, style=STYLES[(STYLES.index(scene.style) + 1) % len(STYLES)]) for scene in scenes]
    video, audio = parts.sample([_said(scene) for scene in scenes], Sampling(STEPS), seed=5)
    sigmas, first = schedule(STEPS), STEPS - int(STEPS * STRENGTH)
    noise = parts.noise(len(scenes), torch.Generator().manual_seed(6))
    start = (
        (1 - sigmas[first]) * video + sigmas[first] * noise[0],
        (1 - sigmas[first]) * audio + sigmas[first] * noise[1],
    )
    words = parts.words([_said(scene) for scene in changed])
    made = parts.trajectory(words, start, Sampling(STEPS, first=first))[-1]
    before, after = parts.frames(video), parts.frames(made[0])
    found = probes.score(eye, after, changed, parts.device)
    places = {"place": _alike(before, after), "place of another": _alike(np.roll(before, 1, 0), after)}
    return {name: found[name] for name in ("style", "subject", "motion")} | places


def _alike(some: np.ndarray, others: np.ndarray) -> float:
    """Median correlation of the upright edges of clips (n, T, H, W, 3), pair by pair."""
    pairs = zip(_edges(some), _edges(others), strict=True)
    return float(np.median([np.corrcoef(one, other)[0, 1] for one, other in pairs]))


def _edges(frames: np.ndarray) -> np.ndarray:
    grey = frames.astype(np.float32).mean(-1)
    edges: np.ndarray = np.abs(np.diff(grey, axis=3)).reshape(len(frames), -1)
    return edges


def _said(scene: Scene) -> str:
    return write(scene, "en", np.random.default_rng(scene.seed))
