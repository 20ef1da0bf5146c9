"""The seventh stage: a student that makes in four steps without guidance what the teacher made in eight with it.

It regresses saved trajectories (progressive distillation, Salimans and Ho, 2022, with guidance folded in as by Meng
et al., 2023): mostly two teacher steps at once, sometimes one, so that it also runs at eight.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from inference.tiny.recipe.data import Clips
from inference.tiny.recipe.diffusion import draw_prefix
from inference.tiny.recipe.latents import Encoded
from inference.tiny.recipe.parts import Latents, Parts, Prefix, Sampling, Words, schedule
from inference.tiny.recipe.progress import say
from inference.tiny.recipe.text import captions_of

TEACHER_STEPS = 8
TEACHER = Sampling(TEACHER_STEPS, guidance=3.0)
PREFIX_SHARE = 0.2
LONG_SHARE = 0.75
"""Part of the targets that span two teacher steps."""


@dataclass(frozen=True)
class Trajectories:
    """What the teacher did. ``states[k]`` are latents of all clips at the k-th sigma."""

    states: list[Latents]
    words: Words
    prefix: Prefix


@dataclass
class StudentLearner:
    """Trains a copy of the transformer; ``modules`` holds the copy."""

    parts: Parts
    trajectories: Trajectories
    modules: nn.ModuleDict = field(init=False)
    optimizer: torch.optim.Optimizer = field(init=False)

    def __post_init__(self) -> None:
        self.student = copy.copy(self.parts)
        self.student.transformer = copy.deepcopy(self.parts.transformer)
        self.modules = nn.ModuleDict({"transformer": self.student.transformer})
        self.optimizer = torch.optim.AdamW(self.modules.parameters(), lr=4e-4, betas=(0.9, 0.95), weight_decay=0.0)

    def loss(self, random: torch.Generator) -> tuple[Tensor, Mapping[str, float]]:
        """Squared error of the mean velocity between two states."""
        sigmas, (start, end) = schedule(TEACHER_STEPS), self._span(random)
        batch = self.parts.config.batch
        chosen = torch.randint(len(self.trajectories.words[0]), (batch,), generator=random).to(self.parts.device)
        before, after = (tuple(z[chosen] for z in self.trajectories.states[k]) for k in (start, end))
        at = torch.full((batch,), sigmas[start], device=self.parts.device)
        prefix = self.trajectories.prefix.rows(chosen)
        words: Words = tuple(w[chosen] for w in self.trajectories.words)  # type: ignore[assignment]
        output = self.student.velocity((before[0], before[1]), words, (at, at), prefix)
        masks = (prefix.video_mask, prefix.audio_mask)
        errors = [
            ((out - (b - a) / (sigmas[end] - sigmas[start])) * (1 - mask)).square().mean()
            for out, a, b, mask in zip(output, before, after, masks, strict=True)
        ]
        return errors[0] + errors[1], {"video": errors[0].item(), "audio": errors[1].item()}

    def measures(self) -> Mapping[str, float]:
        """The evaluation compares student and teacher."""
        return {}

    @staticmethod
    def _span(random: torch.Generator) -> tuple[int, int]:
        if float(torch.rand(1, generator=random)) < LONG_SHARE:
            start = 2 * int(torch.randint(TEACHER_STEPS // 2, (1,), generator=random))
            return start, start + 2
        start = int(torch.randint(TEACHER_STEPS, (1,), generator=random))
        return start, start + 1


@torch.no_grad()
def trajectories(parts: Parts, clips: Clips, encoded: Encoded, seed: int) -> Trajectories:
    """Let the teacher make ``teacher_clips`` clips of scenes from training, some from a given beginning."""
    random, batch = torch.Generator().manual_seed(seed), parts.config.batch
    runs: list[list[Latents]] = []
    words: list[Words] = []
    prefixes: list[Prefix] = []
    for k in range(0, parts.config.teacher_clips, batch):
        chosen = torch.randint(len(clips), (batch,), generator=random)
        clean = encoded.video[chosen].to(parts.device), encoded.audio[chosen].to(parts.device)
        prefixes.append(draw_prefix(parts.config, clean, random, PREFIX_SHARE))
        words.append(parts.words(captions_of([clips.scenes[i] for i in chosen.tolist()], random, 0.0)))
        plain = parts.words([""] * batch)
        start = parts.noise(batch, random)
        runs.append(parts.trajectory(words[-1], start, TEACHER, plain=plain, prefix=prefixes[-1]))
        say("teacher", clips=k + batch, of=parts.config.teacher_clips)
    states = [
        (torch.cat([r[k][0] for r in runs]), torch.cat([r[k][1] for r in runs])) for k in range(TEACHER_STEPS + 1)
    ]
    held = Prefix(
        *(torch.cat([getattr(p, name) for p in prefixes]) for name in ("video_mask", "audio_mask", "video", "audio"))
    )
    return Trajectories(states, tuple(torch.cat([w[i] for w in words]) for i in range(3)), held)  # type: ignore[arg-type]
