"""The whole recipe, in order.

A stage that has its summary is not run again; a stage that was killed goes on from its checkpoint; and a stage whose
summary is deleted is trained further, from the weights that it left.
"""

import hashlib
import json
import math
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from inference.tiny.evaluation.report import evaluate
from inference.tiny.recipe import assembly, card, data, distil, files, latents, models
from inference.tiny.recipe.audio_vae import AudioLearner
from inference.tiny.recipe.compiled import compile_blocks
from inference.tiny.recipe.config import SHARES, Config
from inference.tiny.recipe.data import Clips
from inference.tiny.recipe.decoder import DecoderLearner
from inference.tiny.recipe.diffusion import DiffusionLearner
from inference.tiny.recipe.export import export
from inference.tiny.recipe.files import RecipeError
from inference.tiny.recipe.loop import Learner, Loop
from inference.tiny.recipe.parts import Parts
from inference.tiny.recipe.progress import say
from inference.tiny.recipe.video_vae import VideoLearner, started
from inference.tiny.recipe.vocoder import VocoderLearner, beaten
from inference.tiny.recipe.words import WordsLearner

TRAINED = ("video_vae", "audio_vae", "vocoder", "decoder", "words", "diffusion", "distil")
DRAFT = {"steps": 4, "guidance_scale": 1.0, "audio_guidance_scale": 1.0}
FINAL = {"steps": 8, "guidance_scale": 1.0, "audio_guidance_scale": 1.0}
"""The student has the teacher's guidance in its weights."""
COMPILING_PAYS_S = 300.0
FURTHER = ("decoder", "diffusion", "distil")
"""What is trained of a model that is known."""
FURTHER_RATE = 0.6
"""Of the learning rate: at the whole of it the first steps undo more than the further ones give."""


@dataclass
class Run:
    """One training: where it writes, how long it may take, and, to repeat another, the steps of each stage."""

    config: Config
    folder: Path
    device: torch.device
    budget_s: float
    plan: Mapping[str, int] = field(default_factory=dict)
    start: Path | None = None
    """The folder of a model to train further, on clips and captions of its own kind; without one, all is new."""
    workers: int = max(1, (os.cpu_count() or 1) - 1)

    @property
    def stages(self) -> tuple[str, ...]:
        """What this run trains."""
        return TRAINED if self.start is None else FURTHER

    def stage_budget_s(self, stage: str) -> float:
        """A stage's part of the budget; what this run does not train leaves its own to the others."""
        skipped = sum(SHARES[name] for name in TRAINED if name not in self.stages)
        return self.budget_s * SHARES[stage] / (sum(SHARES.values()) - skipped)

    @property
    def model_folder(self) -> Path:
        """Where the finished model goes."""
        return self.folder / "model"

    def summary(self, stage: str) -> dict[str, Any] | None:
        """What a finished stage measured; None while it is not finished."""
        path = self.folder / stage / "summary.json"
        return json.loads(path.read_text()) if path.exists() else None

    def hasten(self, stage: str, transformer: Any) -> None:
        """Compile the blocks before a stage that is long enough for it."""
        if self.config.compiled and self.stage_budget_s(stage) >= COMPILING_PAYS_S:
            compile_blocks(transformer, self.device)

    def train(self, stage: str, learner: Learner, keep: Callable[[], None], ema: float = 0.99) -> None:
        """Run a stage's loop to its end; ``keep`` writes what it has learned."""
        loop = Loop(
            stage,
            self.folder / stage,
            budget_s=self.stage_budget_s(stage),
            seed=self.config.seed + 1 + TRAINED.index(stage),
            steps=self.plan.get(stage),
            ema=ema,
            log_s=min(60.0, self.budget_s / 60),
        )
        loop.run(learner, keep)


def train(run: Run) -> Path:
    """Run every stage; returns the model's folder, with its measures and its card.

    Raises:
        RecipeError: the folder holds a training that began otherwise or that runs now, ``start`` is no model of this
            recipe, or the disk is too small.
    """
    with files.alone_in(run.folder):
        return _train(run)


def _train(run: Run) -> Path:
    started = time.monotonic()
    earlier = _claim(run)
    torch.manual_seed(run.config.seed)
    clips = _clips(run)
    held_out = data.draw_held_out(run.config, data.held_out_count(run.config), run.folder / "held_out", run.workers)
    parts, encoded = _diffusion(run, clips, held_out)
    _distil(run, parts, clips, encoded)
    export(parts, run.model_folder, {"draft": DRAFT, "final": FINAL}, griffin=_without_vocoder(run))
    _write_plan(run, len(clips))
    measures = evaluate(run.config, run.model_folder, run.device, run.folder / "probes", clips)
    describe(run, measures, earlier, len(clips))
    say("train", seconds=time.monotonic() - started, model=run.model_folder)
    return run.model_folder


def _clips(run: Run) -> Clips:
    """As many as the run that is repeated had, or as a budget's part allows.

    Raises:
        RecipeError: a run cannot be repeated, for there are other clips in the folder, or too little room.
    """
    planned = run.plan.get("data")
    budget_s = math.inf if run.plan else run.stage_budget_s("data")
    config = run.config if planned is None else replace(run.config, clips=planned)
    clips = data.draw(config, run.folder / "data", run.workers, budget_s)
    if run.plan and len(clips) != config.clips:
        raise RecipeError(f"{run.folder}: expected {config.clips} clips, as planned, got {len(clips)}")
    return clips


def _without_vocoder(run: Run) -> bool:
    if run.start is None:
        return beaten(run.summary("vocoder") or {})
    return "griffin_lim" in json.loads((run.start / "manifest.json").read_text())


def _claim(run: Run) -> list[dict[str, Any]]:
    """Make the folder this run's; returns the stages of the runs before it."""
    earlier: list[dict[str, Any]] = []
    said = "nothing"
    if run.start is not None:
        earlier, said = history(run.start), _model_id(run.start)
    note = run.folder / "start.txt"
    if note.exists():
        began = note.read_text()
        if began != said:
            what = f"expected a training from {began}, as it began, got from {said}"
            raise RecipeError(f"{run.folder}: {what} ({run.start or 'no model'})")
    elif any((run.folder / stage).exists() for stage in ("latents", *TRAINED)):
        raise RecipeError(f"{run.folder}: expected an empty folder or a training's; it has no start.txt")
    files.write(note, said)
    for stage in run.stages:
        if run.summary(stage) is not None:  # a checkpoint beside it was left by a kill, and is older than the weights
            (run.folder / stage / "checkpoint.pt").unlink(missing_ok=True)
    return earlier


def _model_id(model: Path) -> str:
    """Which model is in a folder now: its manifest lists the hashes of all its files.

    Raises:
        RecipeError: there is none.
    """
    path = model / "manifest.json"
    try:
        listed = json.loads(path.read_bytes())["files"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecipeError(f"{path}: expected the manifest of a model of this recipe: {error}") from None
    return hashlib.sha256(json.dumps(listed, sort_keys=True).encode()).hexdigest()[:16]


def describe(run: Run, measures: Mapping[str, Any], earlier: list[dict[str, Any]], clips: int) -> None:
    """Put what was measured, the stages of this run and of those before it, and the card beside the weights."""
    folder = run.model_folder
    runs = [*earlier, {stage: summary for stage in run.stages if (summary := run.summary(stage)) is not None}]
    (folder / "stages.json").write_text(json.dumps(runs, indent=1) + "\n")
    (folder / "measures.json").write_text(json.dumps(measures, indent=1) + "\n")
    (folder / "README.md").write_text(card.write(replace(run.config, clips=clips), runs, measures))


def history(model: Path) -> list[dict[str, Any]]:
    """The stages of every run that made a model, the first run first.

    Raises:
        RecipeError: it was not made by this recipe.
    """
    path = model / "stages.json"
    if not path.exists():
        raise RecipeError(f"{model}: expected a model of this recipe, with its stages.json, found none")
    try:
        found: list[dict[str, Any]] = json.loads(path.read_bytes())
    except ValueError as error:
        raise RecipeError(f"{path}: expected the stages of a model of this recipe: {error}") from None
    if not isinstance(found, list) or not all(isinstance(stages, dict) for stages in found):
        raise RecipeError(f"{path}: expected a list with the stages of each run")
    return found


def _video(run: Run, clips: Clips, held_out: Clips) -> Any:
    known = (run.folder / "video_vae" / "weights.pt").exists()
    vae = models.video_vae(run.config) if known else started(run.config, clips)
    return _trained(run, "video_vae", VideoLearner(run.config, clips, held_out, run.device, vae), vae)


def _decoder(run: Run, clips: Clips, held_out: Clips, encoded: latents.Encoded, vae: Any) -> Any:
    return _trained(run, "decoder", DecoderLearner(run.config, clips, held_out, encoded, run.device, vae), vae)


def _audio(run: Run, clips: Clips, held_out: Clips) -> Any:
    learner = AudioLearner(run.config, clips, held_out, run.device)
    return _trained(run, "audio_vae", learner, learner.vae)


def _vocoder(run: Run, clips: Clips, held_out: Clips) -> Any:
    learner = VocoderLearner(run.config, clips, held_out, run.device)
    return _trained(run, "vocoder", learner, learner.vocoder)


def _trained(run: Run, stage: str, learner: Learner, model: Any) -> Any:
    """The stage's model, trained now or before, in evaluation mode."""
    path = run.folder / stage / "weights.pt"
    if path.exists():
        model.load_state_dict(torch.load(path, map_location=run.device, weights_only=True))
    if run.summary(stage) is None:
        run.train(stage, learner, lambda: files.save(model.state_dict(), path))
    return model.eval()


def prepare(run: Run, clips: Clips, held_out: Clips) -> tuple[Parts, latents.Encoded]:
    """Everything up to the transformer: both VAEs, the vocoder, the latents of all clips, and parts that can read."""
    if run.start is not None:
        return _known(run, run.start, clips, held_out)
    vae, audio, voice = _video(run, clips, held_out), _audio(run, clips, held_out), _vocoder(run, clips, held_out)
    encoded = latents.encode(clips, vae, audio, run.folder / "latents", run.device)
    _decoder(run, clips, held_out, encoded, vae)
    parts = assembly.fresh(run.config, clips, vae, audio, voice, run.device)
    _words(run, parts, clips, held_out)
    return parts, encoded


def _known(run: Run, model: Path, clips: Clips, held_out: Clips) -> tuple[Parts, latents.Encoded]:
    """The same of a model that was exported before: its latents stay what they are, and so does how it reads."""
    parts = assembly.exported(run.config, model, run.device, half=run.config.half)
    encoded = latents.encode(clips, parts.vae, parts.audio_vae, run.folder / "latents", run.device, settled=True)
    _decoder(run, clips, held_out, encoded, parts.vae)
    return parts, encoded


def _words(run: Run, parts: Parts, clips: Clips, held_out: Clips) -> None:
    path = run.folder / "words" / "learned.pt"
    if path.exists():
        assembly.load_learned(parts, path)
    if run.summary("words") is None:
        keep = partial(assembly.save_learned, parts, assembly.READING, path)
        run.train("words", WordsLearner(parts, clips, held_out), keep)


def _diffusion(run: Run, clips: Clips, held_out: Clips) -> tuple[Parts, latents.Encoded]:
    parts, encoded = prepare(run, clips, held_out)
    path = run.folder / "diffusion" / "learned.pt"
    if path.exists():
        assembly.load_learned(parts, path)
    if run.summary("diffusion") is None:
        run.hasten("diffusion", parts.transformer)
        rate = 1.0 if run.start is None else FURTHER_RATE
        keep = partial(assembly.save_learned, parts, assembly.MAKING, path)
        run.train("diffusion", DiffusionLearner(parts, clips, encoded, rate), keep, ema=run.config.ema)
    return parts, encoded


def _distil(run: Run, parts: Parts, clips: Clips, encoded: latents.Encoded) -> None:
    """Replace the transformer by its student."""
    path = run.folder / "distil" / "transformer.pt"
    if run.summary("distil") is None:
        learner = distil.StudentLearner(parts, distil.trajectories(parts, clips, encoded, run.config.seed))
        if path.exists():
            learner.student.transformer.load_state_dict(torch.load(path, map_location=run.device, weights_only=True))
        elif run.start is not None:
            # It is a student already: begun with, it was off by .31 of the new teacher's steps, the teacher by .53.
            known = assembly.exported(run.config, run.start, run.device).transformer
            learner.student.transformer.load_state_dict(known.state_dict())
        run.hasten("distil", learner.student.transformer)
        run.train("distil", learner, lambda: files.save(learner.modules["transformer"].state_dict(), path), ema=0.98)
    parts.transformer.load_state_dict(torch.load(path, map_location=run.device, weights_only=True))


def _write_plan(run: Run, clips: int) -> None:
    """Clips, and the steps of each stage: with them, the same seed and device the run can be repeated exactly."""
    steps = {stage: summary["steps"] for stage in run.stages if (summary := run.summary(stage)) is not None}
    (run.folder / "plan.json").write_text(json.dumps({"data": clips, **steps}, indent=1) + "\n")
