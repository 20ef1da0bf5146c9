"""The whole recipe, in order.

A stage that has its summary is not run again; a stage that was killed goes on from its checkpoint; and a stage whose
summary is deleted is trained further, from the weights that it left.
"""

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from inference.tiny.evaluation.report import evaluate
from inference.tiny.recipe import assembly, card, data, distil, latents, models
from inference.tiny.recipe.audio_vae import AudioLearner
from inference.tiny.recipe.compiled import compile_blocks
from inference.tiny.recipe.config import SHARES, Config
from inference.tiny.recipe.data import Clips
from inference.tiny.recipe.diffusion import DiffusionLearner
from inference.tiny.recipe.export import export
from inference.tiny.recipe.loop import Learner, Loop
from inference.tiny.recipe.parts import Parts
from inference.tiny.recipe.progress import say
from inference.tiny.recipe.video_vae import DecoderLearner, VideoLearner, started
from inference.tiny.recipe.vocoder import VocoderLearner, beaten
from inference.tiny.recipe.words import WordsLearner

TRAINED = ("video_vae", "audio_vae", "vocoder", "decoder", "words", "diffusion", "distil")
DRAFT = {"steps": 4, "guidance_scale": 1.0, "audio_guidance_scale": 1.0}
FINAL = {"steps": 8, "guidance_scale": 1.0, "audio_guidance_scale": 1.0}
"""The student has the teacher's guidance in its weights."""
COMPILING_PAYS_S = 300.0


@dataclass
class Run:
    """One training: where it writes, how long it may take, and, to repeat another, the steps of each stage."""

    config: Config
    folder: Path
    device: torch.device
    budget_s: float
    plan: Mapping[str, int] = field(default_factory=dict)
    workers: int = max(1, (os.cpu_count() or 1) - 1)

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
        if self.config.compiled and self.budget_s * SHARES[stage] >= COMPILING_PAYS_S:
            compile_blocks(transformer, self.device)

    def train(self, stage: str, learner: Learner, ema: float = 0.99) -> None:
        """Run a stage's loop to its end."""
        loop = Loop(
            stage,
            self.folder / stage,
            budget_s=self.budget_s * SHARES[stage],
            seed=self.config.seed + 1 + TRAINED.index(stage),
            steps=self.plan.get(stage),
            ema=ema,
            log_s=min(60.0, self.budget_s / 60),
        )
        loop.run(learner)


def train(run: Run) -> Path:
    """Run every stage; returns the model's folder, with its measures and its card."""
    started = time.monotonic()
    torch.manual_seed(run.config.seed)
    clips = data.draw(run.config, run.folder / "data", run.workers)
    held_out = data.draw_held_out(
        run.config, max(32, run.config.evaluation_clips), run.folder / "held_out", run.workers
    )
    parts, encoded = _diffusion(run, clips, held_out)
    _distil(run, parts, clips, encoded)
    griffin = beaten(run.summary("vocoder") or {})
    export(parts, run.model_folder, {"draft": DRAFT, "final": FINAL}, griffin=griffin)
    _write_plan(run)
    measures = evaluate(run.config, run.model_folder, run.device, run.folder / "probes", clips)
    (run.model_folder / "measures.json").write_text(json.dumps(measures, indent=1) + "\n")
    summaries = {stage: run.summary(stage) or {} for stage in TRAINED}
    (run.model_folder / "README.md").write_text(card.write(run.config, summaries, measures))
    say("train", seconds=time.monotonic() - started, model=run.model_folder)
    return run.model_folder


def _video(run: Run, clips: Clips, held_out: Clips) -> Any:
    known = (run.folder / "video_vae" / "weights.pt").exists()
    vae = models.video_vae(run.config) if known else started(run.config, clips)
    return _trained(run, "video_vae", VideoLearner(run.config, clips, held_out, run.device, vae), vae)


def _decoder(run: Run, clips: Clips, held_out: Clips, vae: Any) -> Any:
    return _trained(run, "decoder", DecoderLearner(run.config, clips, held_out, run.device, vae), vae)


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
        run.train(stage, learner)
        torch.save(model.state_dict(), path)
    return model.eval()


def prepare(run: Run, clips: Clips, held_out: Clips) -> tuple[Parts, latents.Encoded]:
    """Everything up to the transformer: both VAEs, the vocoder, the latents of all clips, and parts that can read."""
    vae, audio, voice = _video(run, clips, held_out), _audio(run, clips, held_out), _vocoder(run, clips, held_out)
    encoded = latents.encode(clips, vae, audio, run.folder / "latents", run.device)
    _decoder(run, clips, held_out, vae)
    parts = assembly.fresh(run.config, clips, vae, audio, voice, run.device)
    _words(run, parts, clips, held_out)
    return parts, encoded


def _words(run: Run, parts: Parts, clips: Clips, held_out: Clips) -> None:
    path = run.folder / "words" / "learned.pt"
    if path.exists():
        assembly.load_learned(parts, path)
    if run.summary("words") is None:
        run.train("words", WordsLearner(parts, clips, held_out))
        assembly.save_learned(parts, assembly.READING, path)


def _diffusion(run: Run, clips: Clips, held_out: Clips) -> tuple[Parts, latents.Encoded]:
    parts, encoded = prepare(run, clips, held_out)
    path = run.folder / "diffusion" / "learned.pt"
    if path.exists():
        assembly.load_learned(parts, path)
    if run.summary("diffusion") is None:
        run.hasten("diffusion", parts.transformer)
        run.train("diffusion", DiffusionLearner(parts, clips, encoded), ema=run.config.ema)
        assembly.save_learned(parts, assembly.MAKING, path)
    return parts, encoded


def _distil(run: Run, parts: Parts, clips: Clips, encoded: latents.Encoded) -> None:
    """Replace the transformer by its student."""
    path = run.folder / "distil" / "transformer.pt"
    if run.summary("distil") is None:
        learner = distil.StudentLearner(parts, distil.trajectories(parts, clips, encoded, run.config.seed))
        if path.exists():
            learner.student.transformer.load_state_dict(torch.load(path, map_location=run.device, weights_only=True))
        run.hasten("distil", learner.student.transformer)
        run.train("distil", learner, ema=0.98)
        torch.save(learner.modules["transformer"].state_dict(), path)
    parts.transformer.load_state_dict(torch.load(path, map_location=run.device, weights_only=True))


def _write_plan(run: Run) -> None:
    """The steps of each stage: with them, the same seed and the same device the run can be repeated exactly."""
    steps = {stage: (run.summary(stage) or {}).get("steps", 0) for stage in TRAINED}
    (run.folder / "plan.json").write_text(json.dumps(steps, indent=1) + "\n")
