"""The evaluation: held-out seeds and held-out combinations, every figure beside its ceiling on real clips."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from inference.tiny.captions.grammar import write
from inference.tiny.evaluation import given, physics, probes, remix, sync, targets, training
from inference.tiny.evaluation.ears import Ears
from inference.tiny.evaluation.extend import seam_ratio
from inference.tiny.evaluation.eye import Eye
from inference.tiny.recipe import assembly, data
from inference.tiny.recipe.config import Config
from inference.tiny.recipe.data import HELD_OUT_SEED, Clips
from inference.tiny.recipe.parts import Parts, Sampling
from inference.tiny.recipe.progress import say
from inference.tiny.recipe.video_vae import against_pca, reconstruct
from inference.tiny.world.attributes import Scene
from inference.tiny.world.casting import cast

EVALUATION_SEED = HELD_OUT_SEED + 10_000_000
SOUND_CLIPS = 4000
"""Real clips that the sound probe learns from."""
VAE_CLIPS = 32
QUALITIES = {"draft": Sampling(4), "final": Sampling(8)}

Table = dict[str, dict[str, float]]


def evaluate(config: Config, model: Path, device: torch.device, folder: Path, clips: Clips) -> dict[str, Any]:
    """Measure an exported model; ``clips`` are real ones that the probes learn from."""
    torch.manual_seed(0)
    parts = assembly.exported(config, model, device)
    scenes = [cast(EVALUATION_SEED + k, config.casting.even, held_out=True) for k in range(config.evaluation_clips)]
    eye = training.train(config, clips, folder, device)
    real = [data.clip(parts.config, scene) for scene in scenes]
    result: dict[str, Any] = {
        "clips": len(scenes),
        "attributes": _attributes(parts, scenes, real, eye, clips),
        "vae": against_pca(parts.vae, np.stack([clip[0] for clip in real[:VAE_CLIPS]]), clips.frames, device),
        "sync": _sync(parts, config),
        "extend": seam_ratio(parts, scenes[:24]),
        "remix": remix.measure(parts, eye, scenes[:24]),
        "speed_s": {**_speed(parts), "load": _load_s(config, model, device)},
    }
    for line in lines(result):
        say("evaluate", figure=line)
    return result


def _attributes(parts: Parts, scenes: Sequence[Scene], real: Sequence[data.Drawn], eye: Eye, clips: Clips) -> Table:
    count = min(SOUND_CLIPS, len(clips))
    ears = Ears(clips.mels[:count], [scene.subject for scene in clips.scenes[:count]])
    subjects = [scene.subject for scene in scenes]
    frames, mels = np.stack([clip[0] for clip in real]), np.stack([clip[2] for clip in real])
    table: Table = {
        "real": {**probes.score(eye, frames, scenes, parts.device), "sound": ears.score(mels, subjects)},
        "commonest answer": probes.chance(clips, scenes),
        "through the VAE": probes.score(eye, _through_vae(parts, frames), scenes, parts.device),
    }
    for name, sampling in QUALITIES.items():
        for language in ("en", "fr"):
            made, heard = _made(parts, scenes, language, sampling)
            row = {**probes.score(eye, made, scenes, parts.device), "sound": ears.score(heard, subjects)}
            table[f"{name} {language}"] = row
    return table


def _made(parts: Parts, scenes: Sequence[Scene], language: str, sampling: Sampling) -> tuple[np.ndarray, np.ndarray]:
    video, audio = parts.sample(_prompts(scenes, language), sampling, seed=7)
    return parts.frames(video), parts.mels(audio).cpu().numpy()


def _prompts(scenes: Sequence[Scene], language: str) -> list[str]:
    return [write(scene, language, np.random.default_rng(scene.seed)) for scene in scenes]


def _through_vae(parts: Parts, frames: np.ndarray) -> np.ndarray:
    return reconstruct(parts.vae, frames, parts.device)


def _sync(parts: Parts, config: Config) -> Table:
    """Impacts: sound against picture, and both against mechanics."""
    rate_hz = config.cut.rate_hz
    chosen = sync.scenes(config.casting, config.evaluation_clips, rate_hz)
    if not chosen:
        return {}
    real = [data.clip(parts.config, scene) for scene in chosen]
    frames, mels = np.stack([clip[0] for clip in real]), np.stack([clip[2] for clip in real])
    lag_s = sync.onset_lag_s(list(mels), [clip[4] for clip in real])
    heard = given.played_to(parts, frames, _prompts(chosen, "en"), QUALITIES["final"])
    table = {
        "real": _row(frames, mels, chosen, rate_hz, lag_s),
        "through the VAE": _row(_through_vae(parts, frames), mels, chosen, rate_hz, lag_s),
        "sound to real pictures": _row(frames, heard, chosen, rate_hz, lag_s),
    }
    for name, sampling in QUALITIES.items():
        made, heard = _made(parts, chosen, "en", sampling)
        table[name] = _row(made, heard, chosen, rate_hz, lag_s)
    return table


def _load_s(config: Config, model: Path, device: torch.device) -> float:
    """Seconds to load the folder, which the system has in memory by now."""
    started = time.perf_counter()
    assembly.exported(config, model, device)
    return time.perf_counter() - started


def _speed(parts: Parts) -> dict[str, float]:
    """Seconds from one prompt to the pictures of its first step, and to frames and mels; the second time."""
    found: dict[str, float] = {}
    for _ in range(2):
        started = time.perf_counter()
        random = torch.Generator().manual_seed(0)
        first, _ = parts.trajectory(parts.words(["a red ball bounces"]), parts.noise(1, random), Sampling(1))[-1]
        parts.frames(first)
        found["first preview"] = time.perf_counter() - started
    for name, sampling in QUALITIES.items():
        for _ in range(2):
            started = time.perf_counter()
            video, audio = parts.sample(["a red ball bounces"], sampling)
            parts.frames(video)
            parts.mels(audio)
            found[name] = time.perf_counter() - started
    return found


def _row(frames: np.ndarray, mels: np.ndarray, chosen: Sequence[Scene], rate_hz: int, lag_s: float) -> dict[str, float]:
    score = sync.measure(frames, mels, chosen, rate_hz, lag_s)
    both = {"within_a_frame": score.matched, "shuffled": score.shuffled, "clips_with_contacts": float(score.clips)}
    return {**both, **physics.measure(frames, chosen, rate_hz)}


def lines(result: dict[str, Any]) -> list[str]:
    """The result as rows of Markdown tables."""
    found: list[str] = []
    for part in ("attributes", "sync"):
        table: Table = result[part]
        if not table:
            continue
        names = list(next(iter(table.values())))
        found += ["| | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
        for row, values in table.items():
            found.append(f"| {row} | " + " | ".join(_figure(values.get(name)) for name in names) + " |")
        found.append("")
    found += [*targets.table(result), ""]
    picture = ", ".join(f"{name} {_figure(value)}" for name, value in result["vae"].items())
    seams = ", ".join(f"{name} {_figure(value)}" for name, value in result["extend"].items())
    speeds = ", ".join(f"{name} {_figure(value)} s" for name, value in result["speed_s"].items())
    remixed = ", ".join(f"{name} {_figure(value)}" for name, value in result["remix"].items())
    return [
        *found,
        f"The video VAE and a linear code of the same rate on held-out clips: {picture}.",
        "",
        f"Change at the seam of an extension over the usual one, in picture (windows) and sound: {seams}.",
        "",
        f"Remix at .7 to another style, shares by the probes and correlation of edges: {remixed}.",
        "",
        f"From a prompt to frames and mels, one clip, {torch.get_num_threads()} threads: {speeds}.",
    ]


def _figure(value: float | None) -> str:
    return "" if value is None or value != value else f"{value:.2f}"
