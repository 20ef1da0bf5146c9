"""The first stage: draw the clips, once, into files that every later stage maps into memory."""

import ctypes
import json
import math
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch

from inference.tiny.recipe import files
from inference.tiny.recipe.config import SAMPLE_RATE_HZ, Config
from inference.tiny.recipe.files import RecipeError
from inference.tiny.recipe.mel import mel
from inference.tiny.recipe.progress import say
from inference.tiny.sound.track import soundtrack
from inference.tiny.world.attributes import Scene
from inference.tiny.world.casting import cast
from inference.tiny.world.film import render

Drawn = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, list[float]]
"""Frames, centres of both things, mels, wave, and the contacts in seconds."""
CHUNK, SAID_EVERY = 50, 250
LEAST = 1000
"""A budget that allows fewer clips is not kept: from fewer there is little to learn."""
DISK_SHARE = 0.8
"""Of what is free; checkpoints want room as well."""
HELD_OUT_PART = 11
"""One combination in twelve is held out: so many clips of the others come to one of these. The probe wants both."""
_PR_SET_PDEATHSIG = 1
HELD_OUT_SEED = 50_000_000
"""Seeds of evaluation start here: no training clip shares one."""
PROBE_SEED = HELD_OUT_SEED + 20_000_000
"""Seeds of what the probes learn from besides, which no evaluation shares."""


@dataclass(frozen=True)
class Clips:
    """Drawn clips.

    ``frames`` (n, T, H, W, 3) uint8; ``centres`` (n, T, things, 2), pixels of the subject and of the second one (nan
    where there is none); ``mels`` (n, 2, frames, bins) float16; ``waves`` (m, 2, N) float16 of the first m;
    ``scenes`` n, and the contacts of each in seconds.
    """

    frames: np.ndarray
    centres: np.ndarray
    mels: np.ndarray
    waves: np.ndarray
    scenes: list[Scene]
    contacts: list[list[float]]

    def __len__(self) -> int:
        return len(self.scenes)

    @classmethod
    def load(cls, folder: Path) -> "Clips":
        """Map the files of a folder."""
        facts = json.loads((folder / "facts.json").read_text())
        names = ("frames", "centres", "mels", "waves")
        frames, centres, mels, waves = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in names)
        scenes, contacts = [Scene(**f["scene"]) for f in facts], [f["contacts"] for f in facts]
        n = len(facts)  # the files may have room for more: a budget ended the drawing
        return cls(frames[:n], centres[:n], mels[:n], waves[:n], scenes, contacts)


def draw(config: Config, folder: Path, workers: int = 1, budget_s: float = math.inf) -> Clips:
    """Draw ``config.clips`` clips of combinations that training may see, fewer where budget or disk end before.

    Raises:
        RecipeError: the disk has no room for a training's worth.
    """
    if (folder / "facts.json").exists():
        return Clips.load(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for half_drawn in folder.glob("*.npy"):
        half_drawn.unlink()
    count = min(config.clips, fitting(config, folder))
    scenes = [cast(config.seed * 10_000_000 + k, config.casting) for k in range(count)]
    return _draw(config, scenes, folder, workers, budget_s)


def fitting(config: Config, folder: Path) -> int:
    """How many clips the disk has room for, with their latents, and those of probes and evaluation beside them.

    Raises:
        RecipeError: fewer than a training needs.
    """
    clip_bytes, wave_bytes = (_bytes(config, *names) for names in (("frames", "centres", "mels"), ("waves",)))
    latent_bytes = 2 * config.latent_channels * config.latent_frames * math.prod(config.latent_size)
    each = clip_bytes + latent_bytes + (clip_bytes + wave_bytes) / HELD_OUT_PART
    beside = config.waves * wave_bytes + held_out_count(config) * (clip_bytes + wave_bytes)
    free = shutil.disk_usage(folder).free
    count, least = int((DISK_SHARE * free - beside) / each), min(LEAST, config.clips)
    if count < least:
        needed = (least * each + beside) / DISK_SHARE / 1e9
        raise RecipeError(f"{folder}: expected {needed:.1f} GB free for {least} clips, found {free / 1e9:.1f} GB")
    return count


def held_out_count(config: Config) -> int:
    """How many clips are drawn for validation and evaluation."""
    return max(32, config.evaluation_clips)


def draw_held_out(config: Config, count: int, folder: Path, workers: int = 1) -> Clips:
    """Draw clips for evaluation: other seeds, and combinations that training never saw."""
    scenes = [cast(HELD_OUT_SEED + k, config.casting, held_out=True) for k in range(count)]
    return _draw(config, scenes, folder, workers)


def draw_for_probes(config: Config, count: int, folder: Path, workers: int = 1) -> Clips:
    """Draw clips of the held-out combinations that are held out from nobody but the model."""
    scenes = [cast(PROBE_SEED + k, config.casting, held_out=True) for k in range(count)]
    return _draw(config, scenes, folder, workers)


def clip(config: Config, scene: Scene) -> Drawn:
    """Draw one clip."""
    film = render(scene, config.cut)
    wave = soundtrack(film)
    mels = mel(torch.from_numpy(wave), config.mel_bins, config.mel_frames).numpy()
    heard = [contact.time_s for contact in film.contacts if contact.kind != "creak"]
    return film.frames, np.stack([film.centres, film.behind], 1), mels, wave, heard


def _draw(config: Config, scenes: list[Scene], folder: Path, workers: int, budget_s: float = math.inf) -> Clips:
    if (folder / "facts.json").exists():
        return Clips.load(folder)
    folder.mkdir(parents=True, exist_ok=True)
    arrays = _files(config, len(scenes), folder)
    facts: list[dict[str, object]] = []
    parts = [scenes[k : k + CHUNK] for k in range(0, len(scenes), CHUNK)]
    started_s = time.monotonic()
    with _mapper(workers) as mapped:
        for part in mapped(_chunk, [config] * len(parts), parts):
            for frames, centres, mels, wave, heard in part:
                k = len(facts)
                arrays["frames"][k], arrays["centres"][k], arrays["mels"][k] = frames, centres, mels
                if k < len(arrays["waves"]):
                    arrays["waves"][k] = wave
                facts.append({"scene": asdict(scenes[k]), "contacts": heard})
            if len(facts) % SAID_EVERY == 0 or len(facts) == len(scenes):
                say("data", clips=len(facts), of=len(scenes))
            if len(facts) >= LEAST and time.monotonic() - started_s >= budget_s:
                break  # what no process has in hand yet is cancelled with the iteration
    for file in arrays.values():
        file.flush()
    files.write(folder / "facts.json", json.dumps(facts))
    return Clips.load(folder)


def _files(config: Config, count: int, folder: Path) -> dict[str, np.memmap]:
    counts = {"waves": min(config.waves, count)}
    return {
        name: np.lib.format.open_memmap(folder / f"{name}.npy", "w+", kind, (counts.get(name, count), *shape))
        for name, (kind, shape) in _shapes(config).items()
    }


def _shapes(config: Config) -> dict[str, tuple[type[np.generic], tuple[int, ...]]]:
    """What each file holds of one clip."""
    cut = config.cut
    return {
        "frames": (np.uint8, (cut.frames, cut.height, cut.width, 3)),
        "centres": (np.float32, (cut.frames, 2, 2)),
        "mels": (np.float16, (2, config.mel_frames, config.mel_bins)),
        "waves": (np.float16, (2, round(cut.duration_s * SAMPLE_RATE_HZ))),
    }


def _bytes(config: Config, *names: str) -> int:
    """What one clip takes in these files."""
    shapes = _shapes(config)
    return sum(np.dtype(shapes[name][0]).itemsize * math.prod(shapes[name][1]) for name in names)


def _chunk(config: Config, scenes: list[Scene]) -> list[Drawn]:
    torch.set_num_threads(1)
    return [clip(config, scene) for scene in scenes]


@contextmanager
def _mapper(workers: int) -> Iterator[Callable[..., Iterable[list[Drawn]]]]:
    if workers == 1:
        yield map
        return
    # Spawned: a fork would hold the folder's lock, and go on doing so where this process is killed.
    with ProcessPoolExecutor(workers, get_context("spawn"), initializer=_end_with, initargs=(os.getpid(),)) as pool:
        yield pool.map


def _end_with(parent: int) -> None:
    """End with the parent, where the kernel can do it: a pool's processes wait for ever for one that was killed."""
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM))
    if os.getppid() != parent:
        os._exit(1)
