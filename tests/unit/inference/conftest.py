"""The shipped model, loaded once for all tests here. None of them needs a database."""

import json
import os
import queue
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from inference.pipelines import registry
from inference.pipelines.base import Recipe
from inference.pipelines.ltx2 import Ltx2Model
from inference.wire import Job, Report
from inference.worker import Renderer
from tests.unit.inference.fakes import make_job, until_end

WEIGHTS = Path(__file__).parents[3] / "inference" / "tiny" / "weights"

CopyModel = Callable[..., Path]
Render = Callable[[Job], list[Report]]


@pytest.fixture(scope="session")
def model() -> Ltx2Model:
    """The shipped model without an engine."""
    loaded = registry.load(str(WEIGHTS), "cpu")
    assert isinstance(loaded, Ltx2Model)
    return loaded


@pytest.fixture(scope="session")
def renderer() -> Iterator[Renderer]:
    """The whole service, with the shipped model."""
    service = Renderer(str(WEIGHTS), "cpu")
    yield service
    service.close()


@pytest.fixture
def render(renderer: Renderer) -> Render:
    """Render one job to its end; gives all its reports."""

    def run(job: Job) -> list[Report]:
        reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
        renderer.submit(job, reports.put)
        return until_end(reports)

    return run


@pytest.fixture(scope="session")
def finished(renderer: Renderer) -> list[Report]:
    """All reports of one final take."""
    reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
    renderer.submit(make_job("a red boat sails to the right at night", seed=3, quality="final"), reports.put)
    return until_end(reports)


@pytest.fixture
def copy_model(tmp_path: Path) -> CopyModel:
    """Make a copy of the shipped model to damage: links, so a file must be replaced, never written into."""

    def copy(**changes: Any) -> Path:
        folder = tmp_path / "weights"
        shutil.copytree(WEIGHTS, folder, copy_function=os.symlink)
        manifest = {**json.loads((WEIGHTS / "manifest.json").read_text()), "files": {}, **changes}
        replace(folder / "manifest.json", json.dumps(manifest).encode())
        return folder

    return copy


def weights_of(folder: Path, part: str) -> Path:
    """The first file of a part's weights."""
    return min((folder / part).glob("*.safetensors"))


def replace(path: Path, data: bytes) -> None:
    """Put a new file in the place of a link."""
    path.unlink()
    path.write_bytes(data)


def recipe(model: Ltx2Model, prompt: str = "a red ball at night", *, seed: int = 1, **call: Any) -> Recipe:
    """A job for the model itself; ``call`` overrides the draft's call."""
    return Recipe(prompt, 96, 64, 25, seed, {**model.manifest.calls["draft"], **call})
