"""What the engine asks of a family of models: start a job, step several at once, look at it, end it.

The engine owns the loop; a family owns the numbers. ``Latents`` is one job inside a family: the engine reads its
bucket, step and steps, and hands it back for everything else.
"""

import os
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inference.config import Machine, Plan
from inference.manifest import Manifest
from inference.source import Source

Frames = NDArray[np.uint8]
"""Pictures of a clip: (T, H, W, 3), RGB."""
Sound = NDArray[np.float32]
"""Samples of a clip's sound: (samples, channels), −1 to 1."""


@dataclass(frozen=True)
class Recipe:
    """What one job asks of a model. ``call`` holds the arguments of the pipeline's call, ``steps`` among them."""

    prompt: str
    width: int
    height: int
    frames: int
    seed: int
    call: Mapping[str, Any]


@dataclass(frozen=True)
class Clip:
    """A finished clip, not encoded yet."""

    frames: Frames
    sound: Sound


class Latents(Protocol):
    """One job's state between two steps. Latents with equal buckets share a forward pass."""

    step: int

    @property
    def steps(self) -> int: ...

    @property
    def bucket(self) -> Hashable: ...


class Decoder(Protocol):
    """Turns the latents of pictures into pictures, and back."""

    temporal_ratio: int
    spatial_ratio: int
    channels: int

    def decode(self, latents: Tensor) -> Frames:
        """Pictures of normalised latents (C, T, H, W)."""

    def encode(self, pictures: Tensor) -> Tensor:
        """Normalised latents (C, T, H, W) of pictures (3, T, H, W), −1 to 1."""


class Decoding(Enum):
    """How a clip is decoded.

    ``BESIDE``: other jobs are stepped meanwhile, so on a CPU picture and sound one after the other. ``FRUGAL``: so on
    any device, and in tiles, slower and in less memory.
    """

    ALONE = "alone"
    BESIDE = "beside"
    FRUGAL = "frugal"


class Model(Protocol):
    """A loaded model. Called from the engine's thread; ``decoder`` also from the outbox's."""

    manifest: Manifest
    plan: Plan

    @property
    def decoder(self) -> Decoder: ...

    def start(self, recipe: Recipe) -> Latents:
        """Encode the prompt and draw the noise: step 0 of a job."""

    def step(self, batch: Sequence[Latents]) -> None:
        """One denoise step for jobs of one bucket, each at its own step. Changes all of them, or raises."""

    def predicted(self, latents: Latents) -> Tensor:
        """The clean clip as predicted by the last step: normalised latents (C, T, H, W)."""

    def is_finite(self, latents: Latents) -> bool:
        """Whether the last step gave numbers."""

    def freeze(self, latents: Latents) -> dict[str, Tensor]:
        """What ``thaw`` needs to go on exactly."""

    def thaw(self, recipe: Recipe, tensors: dict[str, Tensor]) -> Latents:
        """The job as it was frozen.

        Raises:
            ValueError: the tensors are not of such a job.
        """

    def finish(self, latents: Latents, how: Decoding) -> Clip:
        """Decode picture and sound."""


Load = Callable[[Source, Plan], Model]


def machine() -> Machine:
    """What torch can run on here."""
    cores = _cores()
    if not torch.cuda.is_available():
        return Machine(cores)
    free_bytes, _ = torch.cuda.mem_get_info()
    return Machine(cores, torch.cuda.get_device_name(), free_bytes)


def is_out_of_memory(error: Exception) -> bool:
    """Whether a device, or the machine, had too little memory."""
    # On a CPU torch raises a plain RuntimeError.
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)


def _cores() -> int:
    """Cores this process may use, a container's share among them."""
    cores = len(os.sched_getaffinity(0))
    share = Path("/sys/fs/cgroup/cpu.max")
    if not share.exists():
        return cores
    quota, period = share.read_text().split()
    return cores if quota == "max" else max(1, min(cores, round(int(quota) / int(period))))
