"""The transformer's blocks as compiled functions, where the machine has what compiles them.

What a block does between its matrix products takes longer than these while the model is small. Fused by
``torch.compile``, a training step on one core takes 26 ms a clip instead of 39; compiling takes a minute and a half.
"""

import importlib.util
import shutil
from typing import Any

import torch

from inference.tiny.recipe.progress import say


def compile_blocks(transformer: Any, device: torch.device) -> bool:
    """Have each block compiled at its next call, for the shapes of that call; False where there is no compiler.

    The names of the parameters stay what they are. A copy of the model has plain blocks.
    """
    if not _has_compiler(device):
        say("compile", skipped="g++ expected on a CPU, triton on an accelerator")
        return False
    for block in transformer.transformer_blocks:
        block.compile(dynamic=False)
    return True


def _has_compiler(device: torch.device) -> bool:
    if device.type == "cpu":
        return shutil.which("g++") is not None
    return importlib.util.find_spec("triton") is not None
