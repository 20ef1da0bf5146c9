"""Which file renders with which class of diffusers' pipelines."""

import importlib

from inference import source
from inference.config import decide
from inference.errors import ModelError
from inference.pipelines.base import Load, Model, is_out_of_memory, machine

FAMILIES = {"LTX2Pipeline": "inference.pipelines.ltx2"}


def load(model: str, device: str) -> Model:
    """Load a model from a folder or a hub id.

    Raises:
        ModelError: it is missing, broken or of another class, or the device is not there.
    """
    found = source.find(model, tuple(FAMILIES))
    plan = decide(device, machine(), found.parameters)
    load_family: Load = importlib.import_module(FAMILIES[found.pipeline]).load
    try:
        return load_family(found, plan)
    except ModelError:
        raise
    except Exception as error:  # diffusers, transformers and torch each raise their own for files that do not fit
        raise explain(f"{model}: its files cannot be loaded", error) from error


def explain(what: str, error: Exception) -> ModelError:
    """What a failure of the model's own code means: too little memory, or files that do not fit together."""
    code = "model.too_big" if is_out_of_memory(error) else "model.broken"
    return ModelError(code, f"{what}: {type(error).__name__}: {error}"[:600])
