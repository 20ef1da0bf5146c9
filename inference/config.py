"""Where the model runs and in which numbers: decided once, from facts, with the reason said. Standard library only."""

import os
from dataclasses import dataclass
from typing import Literal

from inference.errors import ModelError

DEVICES = ("auto", "cpu", "cuda")
MAX_CPU_THREADS = 8
"""Beyond this the small matrices of a denoise step gain nothing and only take cores from others."""
WORKING_SPACE = 1.35
"""GPU memory wanted for each byte of weights: activations of one step and the VAE's decode come on top."""


@dataclass(frozen=True)
class Machine:
    """What there is to run on. ``cuda_free_bytes`` is None without a usable GPU."""

    cores: int
    cuda_name: str = ""
    cuda_free_bytes: int | None = None


@dataclass(frozen=True)
class Plan:
    """How the model runs. ``offload``: its parts wait in the machine's memory and visit the GPU in turn."""

    device: Literal["cpu", "cuda"]
    dtype: Literal["float32", "bfloat16"]
    offload: bool
    threads: int
    words: str
    """The device in words, for people."""


def prepare_environment() -> None:
    """Set what OpenMP reads when torch is imported: call it before that."""
    # A worker shares its cores with the database, the web process and browsers: threads that spin while they wait
    # for each other cost them (and the step itself) more than sleeping does.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")


def downloads_allowed() -> bool:
    """Whether weights that are not on this machine may be fetched from the hub: only if the operator says so."""
    return os.environ.get("RUSHES_ALLOW_DOWNLOAD", "off").strip().lower() in ("on", "1", "true", "yes")


def decide(wanted: str, machine: Machine, parameters: int) -> Plan:
    """Choose device, numbers and offload for a model of so many parameters.

    bfloat16 on CUDA: LTX-2 was trained in it, and it halves memory and time. float32 on a CPU: bfloat16 is emulated
    there and was measured slower.

    Raises:
        ModelError: ``model.no_device``: a GPU was asked for and there is none.
    """
    if wanted not in DEVICES:
        raise ModelError("model.no_device", f"device: expected one of {', '.join(DEVICES)}, got {wanted!r}")
    if wanted == "cuda" and machine.cuda_free_bytes is None:
        raise ModelError("model.no_device", "device: expected a CUDA GPU that torch can use, found none")
    if wanted == "cpu" or machine.cuda_free_bytes is None:
        threads = max(1, min(MAX_CPU_THREADS, machine.cores // 2))
        return Plan("cpu", "float32", False, threads, f"CPU, {threads} of {machine.cores} cores, float32")
    needed_bytes = int(2 * parameters * WORKING_SPACE)
    offload = needed_bytes > machine.cuda_free_bytes
    how = ", model offload" if offload else ""
    return Plan("cuda", "bfloat16", offload, 1, f"{machine.cuda_name}, bfloat16{how}")
