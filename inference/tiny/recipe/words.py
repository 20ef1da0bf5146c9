"""The fifth stage: text encoder and connectors learn to read, before any picture.

The grammar knows what every caption says, so reading can be taught directly, at a hundredth of the cost of a step with
latents. Left to the transformer's loss, a thousand steps taught the subjects and hardly any style: dozens of phrases in
two languages, each seen too seldom. The heads that answer are thrown away; the transformer meets words that already
mean something, in either language.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from inference.tiny.captions.grammar import LANGUAGES, write
from inference.tiny.recipe.data import Clips
from inference.tiny.recipe.parts import Parts
from inference.tiny.recipe.text import captions_of
from inference.tiny.world.attributes import Scene

QUESTIONS = (
    "subject", "colour", "motion", "side", "pace", "style", "weather", "camera", "light", "sound", "second",
    "second_colour",
)  # fmt: skip
BATCH = 64


@dataclass
class WordsLearner:
    """Trains what reads, with one throw-away head for each attribute."""

    parts: Parts
    clips: Clips
    held_out: Clips
    modules: nn.ModuleDict = field(init=False)
    optimizer: torch.optim.Optimizer = field(init=False)
    answers: dict[str, list[str]] = field(init=False)

    def __post_init__(self) -> None:
        parts = self.parts
        self.answers = {name: sorted({str(getattr(s, name)) for s in self.clips.scenes}) for name in QUESTIONS}
        width = 2 * parts.config.text_width
        self.heads = nn.ModuleDict({name: nn.Linear(width, len(known)) for name, known in self.answers.items()})
        self.heads.to(parts.device)
        self.modules = nn.ModuleDict(
            {"text": parts.text_encoder.model.language_model, "connectors": parts.connectors, "heads": self.heads}
        )
        self.optimizer = torch.optim.AdamW(self.modules.parameters(), 2e-3, betas=(0.9, 0.98), weight_decay=0.0)

    def loss(self, random: torch.Generator) -> tuple[Tensor, Mapping[str, float]]:
        """Cross entropy, the mean over all attributes."""
        chosen = torch.randint(len(self.clips), (BATCH,), generator=random).tolist()
        scenes = [self.clips.scenes[k] for k in chosen]
        logits = self._read(captions_of(scenes, random, 0.0))
        losses = [F.cross_entropy(values, self._right(scenes, name)) for name, values in logits.items()]
        loss = torch.stack(losses).mean()
        return loss, {"entropy": loss.item()}

    def measures(self) -> Mapping[str, float]:
        """Share of attributes read right in held-out scenes, in each language."""
        return {language: self._share(language) for language in LANGUAGES}

    def _share(self, language: str) -> float:
        scenes = [scene for scene in self.held_out.scenes[:128] if scene.second_colour in self.answers["second_colour"]]
        prompts = [write(scene, language, np.random.default_rng(scene.seed)) for scene in scenes]
        logits = self._read(prompts)
        right = [values.argmax(1) == self._right(scenes, name) for name, values in logits.items()]
        return torch.stack(right).float().mean().item()

    def _read(self, prompts: Sequence[str]) -> dict[str, Tensor]:
        video, audio, _ = self.parts.words(prompts)
        seen = torch.cat([video.mean(1), audio.mean(1)], 1)  # (B, 2 * text_width)
        return {name: head(seen) for name, head in self.heads.items()}

    def _right(self, scenes: Sequence[Scene], name: str) -> Tensor:
        known = self.answers[name]
        return torch.tensor([known.index(str(getattr(scene, name))) for scene in scenes], device=self.parts.device)
