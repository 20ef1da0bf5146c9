"""Files of a run that are whole or not there, whenever it is killed; and a folder that is one run's at a time."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch


class RecipeError(ValueError):
    """What is wrong with a run's folder, its disk or the model it starts from; for whoever began it."""


def save(state: Any, path: Path) -> None:
    """Keep tensors."""
    _replace(path, lambda part: torch.save(state, part))


def write(path: Path, text: str) -> None:
    """Keep text."""
    _replace(path, lambda part: part.write_text(text, encoding="utf-8"))


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Have a folder, made if need be, to oneself.

    Raises:
        RecipeError: another process has it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RecipeError(f"{folder}: another training writes here; give this one a folder of its own") from None
        yield


def _replace(path: Path, make: Callable[[Path], object]) -> None:
    part = path.with_name(f"{path.name}.part")
    make(part)
    with part.open("rb") as made:
        os.fsync(made.fileno())
    part.replace(path)
