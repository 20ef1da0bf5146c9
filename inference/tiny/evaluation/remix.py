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
STEPS = 8


@torch.no_grad()
def measure(parts: Parts, eye: Eye, scenes: Sequence[Scene]) -> dict[str, float]:
    """Shares of clips with the new style, and still with the old subject and motion."""
    changed = [replace(scene, style=STYLES[(STYLES.index(scene.style) + 1) % len(STYLES)]) for scene in scenes]
    video, audio = parts.sample([_said(scene) for scene in scenes], Sampling(STEPS), seed=5)
    sigmas = schedule(STEPS)
    first = next(k for k, sigma in enumerate(sigmas) if sigma <= STRENGTH)
    noise = parts.noise(len(scenes), torch.Generator().manual_seed(6))
    start = (
        (1 - sigmas[first]) * video + sigmas[first] * noise[0],
        (1 - sigmas[first]) * audio + sigmas[first] * noise[1],
    )
    words = parts.words([_said(scene) for scene in changed])
    made = parts.trajectory(words, start, Sampling(STEPS, first=first))[-1]
    found = probes.score(eye, parts.frames(made[0]), changed, parts.device)
    return {name: found[name] for name in ("style", "subject", "motion")}


def _said(scene: Scene) -> str:
    return write(scene, "en", np.random.default_rng(scene.seed))
