"""A running job as bytes: safetensors, sealed with what the job and its model are."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict

import torch
from safetensors.torch import load, save
from torch import Tensor

from inference.pipelines.base import Latents, Model, Recipe

_SEAL = "seal"


def freeze(model: Model, recipe: Recipe, latents: Latents) -> bytes:
    """The state from which ``thaw`` goes on exactly."""
    return save({**model.freeze(latents), _SEAL: _seal(model, recipe)})


def thaw(model: Model, recipe: Recipe, state: bytes) -> Latents:
    """The job as it was when frozen.

    Raises:
        ValueError: the bytes are damaged, or are of another job, model or manifest.
    """
    try:
        tensors: dict[str, Tensor] = load(state)
    except Exception as error:  # safetensors raises a class of its own for each way of being damaged
        raise ValueError(f"expected a checkpoint in safetensors: {error}") from error
    seal = tensors.pop(_SEAL, None)
    if seal is None or not torch.equal(seal, _seal(model, recipe)):
        raise ValueError("the checkpoint is of another job or model")
    return model.thaw(recipe, tensors)


def _seal(model: Model, recipe: Recipe) -> Tensor:
    about: Mapping[str, object] = {**asdict(recipe), "model": model.manifest.title, "dtype": model.plan.dtype}
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).digest()
    return torch.frombuffer(bytearray(digest), dtype=torch.uint8)
