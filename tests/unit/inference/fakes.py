"""Jobs, and a model small enough to reason about: its latents count down to zero."""

import queue
import threading
import uuid
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inference.config import Machine, Plan, decide
from inference.engine import Engine, Pace
from inference.manifest import Manifest, parse
from inference.outbox import Outbox
from inference.pipelines.base import Clip, Decoder, Decoding, Frames, Latents, Recipe
from inference.previews import Preview
from inference.tiers import Tiers
from inference.wire import Cancelled, Failed, Finished, Job, Report

DEADLINE_S = 30.0
PACE = Pace(step_s=0.1, finish_s=0.5)


def make_job(prompt: str = "a red ball bouncing", **fields: Any) -> Job:
    """A job that the shipped model and the fake one can render."""
    job = Job(uuid.uuid4(), 1, prompt, "draft", 96, 64, 25, 7)
    return replace(job, **fields)


def until_end(reports: "queue.SimpleQueue[Report]") -> list[Report]:
    """All reports of a job, the last included."""
    seen: list[Report] = []
    while not (seen and isinstance(seen[-1], Finished | Failed | Cancelled)):
        seen.append(reports.get(timeout=DEADLINE_S))
    return seen


def manifest_data(**changes: Any) -> dict[str, Any]:
    """A small manifest that is right, with changes."""
    label = {"en": "A", "fr": "B"}
    return {
        "name": "Fake",
        "version": "1",
        "family": "ltx2",
        "licence": "none",
        "rate_hz": 8,
        "sample_rate_hz": 16000,
        "sizes": [{"id": "96x64", "width": 96, "height": 64, "label": "3:2"}],
        "lengths": [25, 17],
        "qualities": {"draft": {"steps": 6}, "final": {"steps": 12}},
        "call": {},
        "controls": {"light": [{"id": "night", "label": label, "phrase": "at night"}]},
        "suggestions": {"en": [], "fr": []},
        **changes,
    }


@dataclass
class FakeLatents:
    recipe: Recipe
    value: Tensor
    step: int = 0

    @property
    def steps(self) -> int:
        count: int = self.recipe.call["steps"]
        return count

    @property
    def bucket(self) -> Hashable:
        return self.recipe.frames


def own(latents: Latents) -> FakeLatents:
    assert isinstance(latents, FakeLatents)
    return latents


class FakeDecoder:
    temporal_ratio, spatial_ratio, channels = 4, 32, 1

    def decode(self, latents: Tensor) -> Frames:
        return np.zeros((25, 64, 96, 3), np.uint8)

    def encode(self, pictures: Tensor) -> Tensor:
        raise NotImplementedError


@dataclass
class FakeModel:
    """``before_step`` sees each batch's prompts and may raise; ``most`` is what fits in memory."""

    before_step: Callable[[list[str]], None] = lambda prompts: None
    most: int = 100
    manifest: Manifest = field(default_factory=lambda: parse(manifest_data()))
    plan: Plan = field(default_factory=lambda: decide("cpu", Machine(2), 1))
    batches: list[list[str]] = field(default_factory=list)
    finishes: list[Decoding] = field(default_factory=list)
    finish_fails: int = 0

    @property
    def decoder(self) -> Decoder:
        return FakeDecoder()

    def start(self, recipe: Recipe) -> FakeLatents:
        return FakeLatents(recipe, torch.tensor([float(recipe.seed)]))

    def step(self, batch: Sequence[Latents]) -> None:
        prompts = [own(latents).recipe.prompt for latents in batch]
        if len(batch) > self.most:
            raise torch.OutOfMemoryError("no memory")
        self.before_step(prompts)
        self.batches.append(prompts)
        for latents in map(own, batch):
            latents.step += 1
            latents.value = latents.value * 0.5

    def predicted(self, latents: Latents) -> Tensor:
        return torch.zeros(1, 7, 2, 3)

    def is_finite(self, latents: Latents) -> bool:
        return bool(torch.isfinite(own(latents).value).all())

    def freeze(self, latents: Latents) -> dict[str, Tensor]:
        return {"value": own(latents).value, "step": torch.tensor(latents.step)}

    def thaw(self, recipe: Recipe, tensors: dict[str, Tensor]) -> FakeLatents:
        return FakeLatents(recipe, tensors["value"], int(tensors["step"]))

    def finish(self, latents: Latents, how: Decoding) -> Clip:
        self.finishes.append(how)
        if len(self.finishes) <= self.finish_fails:
            raise torch.OutOfMemoryError("no memory")
        return Clip(np.zeros((25, 64, 96, 3), np.uint8), np.full((50000, 2), 0.1, np.float32))


def no_preview(latents: Tensor, clip_frames: int) -> Preview:
    """Two black frames."""
    return Preview((0, clip_frames - 1), np.zeros((2, 8, 8, 3), np.uint8))


NO_PREVIEWS = Tiers(no_preview, no_preview)


@dataclass
class Stage:
    """An engine whose turns and clock a test takes itself, and what its jobs report."""

    model: FakeModel
    max_jobs: int = 8
    now_s: float = 0.0

    def __post_init__(self) -> None:
        self.reports: dict[str, list[Report]] = {}
        self.outbox = Outbox(NO_PREVIEWS, 8)
        self.engine = Engine(self.model, self.outbox, PACE, max_jobs=self.max_jobs, clock=lambda: self.now_s)

    def submit(self, job: Job, state: bytes | None = None) -> Job:
        """Hand a job in; its reports are kept under its prompt and attempt."""
        seen = self.reports.setdefault(f"{job.prompt} {job.attempt}", [])
        self.engine.submit(job, seen.append, state)
        return job

    def wait(self, seconds: float) -> None:
        """Move the clock."""
        self.now_s += seconds

    def turn(self, times: int = 1) -> None:
        for _ in range(times):
            self.engine.turn()

    def sent(self) -> None:
        """Wait until what has been handed over so far is reported."""
        passed = threading.Event()
        self.outbox._queue.put(passed.set)
        assert passed.wait(DEADLINE_S)

    def decoded(self) -> None:
        """Wait until the clips that have all their steps are decoded."""
        self.outbox._decoding.submit(int).result(DEADLINE_S)

    def close(self) -> None:
        """End everything: all reports are there after it."""
        self.engine.close()
        self.outbox.close()

    def of(self, prompt: str, attempt: int = 1) -> list[Report]:
        return self.reports[f"{prompt} {attempt}"]
