"""The training loop that every stage uses: a budget, a schedule, checkpoints, one line a minute."""

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from inference.tiny.recipe import files
from inference.tiny.recipe.progress import say

CLIP_NORM = 2.0
FLAT_SHARE = 0.5
"""Part of a stage at the full rate; after it a cosine to ``LAST_RATE``."""
LAST_RATE = 0.03


class Learner(Protocol):
    """What a stage brings to the loop."""

    @property
    def modules(self) -> nn.ModuleDict:
        """What is trained, by name."""
        ...

    @property
    def optimizer(self) -> torch.optim.Optimizer:
        """Over the parameters of the modules."""
        ...

    def loss(self, random: torch.Generator) -> tuple[Tensor, Mapping[str, float]]:
        """The loss of a fresh batch, and its named parts."""
        ...

    def measures(self) -> Mapping[str, float]:
        """Validation on clips of their own; called at the end of a stage, with the averaged weights."""
        ...


@dataclass
class Loop:
    """One stage's training. ``steps`` fixed makes it repeatable; otherwise the budget in seconds ends it."""

    name: str
    folder: Path
    budget_s: float
    seed: int
    steps: int | None = None
    ema: float = 0.99
    warm_steps: int = 40
    log_s: float = 60.0
    save_s: float = 120.0
    step: int = 0
    spent_s: float = 0.0
    averages: dict[str, float] = field(default_factory=dict)
    firsts: dict[str, float] = field(default_factory=dict)
    """The parts of the first loss, to see that training lowered each."""

    def run(self, learner: Learner, keep: Callable[[], None] = lambda: None) -> dict[str, Any]:
        """Train to the end, from the last checkpoint if there is one; the learner keeps the averaged weights.

        ``keep`` writes them, before the summary says that the stage is finished.
        """
        shadow = _Shadow(learner.modules, self.ema)
        random = torch.Generator().manual_seed(self.seed)
        self._resume(learner, shadow, random)
        learner.modules.train()
        begun = time.monotonic() - self.spent_s
        logged = saved = self.spent_s
        while (part := self._part()) < 1:
            self._train_step(learner, shadow, random, part)
            self.spent_s = time.monotonic() - begun
            if self.spent_s - logged > self.log_s:
                logged = self.spent_s
                say(self.name, step=self.step, part=part, **self.averages)
            if self.spent_s - saved > self.save_s:
                saved = self.spent_s
                self._save(learner, shadow, random)
        self._save(learner, shadow, random)  # killed from here on, it ends again and is not trained again
        shadow.put(learner.modules)
        learner.modules.eval()
        with torch.no_grad():
            measures = dict(learner.measures())
        keep()
        return self._finish(measures)

    def _part(self) -> float:
        if self.steps is not None:
            return self.step / self.steps
        return self.spent_s / self.budget_s

    def _train_step(self, learner: Learner, shadow: "_Shadow", random: torch.Generator, part: float) -> None:
        rate = rate_at(part, self.step, self.warm_steps)
        for group in learner.optimizer.param_groups:
            group["lr"] = group.setdefault("top", group["lr"]) * rate
        loss, parts = learner.loss(random)
        learner.optimizer.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(learner.modules.parameters(), CLIP_NORM)
        learner.optimizer.step()
        self.step += 1
        shadow.follow(learner.modules, self.step)
        for name, value in parts.items():
            self.firsts.setdefault(name, value)
            self.averages[name] = value + 0.97 * (self.averages.get(name, value) - value)

    def _finish(self, measures: dict[str, float]) -> dict[str, Any]:
        firsts = {f"first_{name}": value for name, value in self.firsts.items()}
        summary = {"steps": self.step, "seconds": round(self.spent_s, 1), **firsts, **self.averages, **measures}
        say(self.name, **summary)
        files.write(self.folder / "summary.json", json.dumps(summary, indent=1))
        (self.folder / "checkpoint.pt").unlink(missing_ok=True)
        return summary

    def _save(self, learner: Learner, shadow: "_Shadow", random: torch.Generator) -> None:
        state = {
            "modules": learner.modules.state_dict(), "optimizer": learner.optimizer.state_dict(),
            "shadow": shadow.values, "random": random.get_state(), "torch": torch.get_rng_state(),
            "step": self.step, "spent_s": self.spent_s, "averages": self.averages,
            "firsts": self.firsts,
        }  # fmt: skip
        files.save(state, self.folder / "checkpoint.pt")

    def _resume(self, learner: Learner, shadow: "_Shadow", random: torch.Generator) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "checkpoint.pt"
        if not path.exists():
            return
        state = torch.load(path, weights_only=True)
        learner.modules.load_state_dict(state["modules"])
        learner.optimizer.load_state_dict(state["optimizer"])
        shadow.values = state["shadow"]
        random.set_state(state["random"].cpu())
        torch.set_rng_state(state["torch"].cpu())
        self.step, self.spent_s = state["step"], state["spent_s"]
        self.averages, self.firsts = state["averages"], state["firsts"]
        say(self.name, resumed_at=self.step)


class _Shadow:
    """An exponential average of the parameters, young at first so that it does not remember the initial noise."""

    def __init__(self, modules: nn.Module, decay: float) -> None:
        self.decay = decay
        self.values = [parameter.detach().clone() for parameter in modules.parameters()]

    @torch.no_grad()
    def follow(self, modules: nn.Module, step: int) -> None:
        """Move towards the parameters."""
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self.values, [p.detach() for p in modules.parameters()], 1 - decay)

    @torch.no_grad()
    def put(self, modules: nn.Module) -> None:
        """Make the average the weights."""
        for parameter, value in zip(modules.parameters(), self.values, strict=True):
            parameter.copy_(value)


def rate_at(part: float, step: int, warm_steps: int) -> float:
    """Learning rate relative to the top: a linear warm-up, flat, then a cosine."""
    warm = min(1.0, (step + 1) / warm_steps)
    if part < FLAT_SHARE:
        return warm
    fall = (part - FLAT_SHARE) / (1 - FLAT_SHARE)
    return warm * max(LAST_RATE, 0.5 + 0.5 * math.cos(math.pi * min(1.0, fall)))
