"""Models that cannot be loaded, and what the room says of it: F-14."""

import json
import os
import shutil
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from project.env import ROOT
from studio.models import WorkerNode
from tests.factories import Cast
from tests.faults.asking import ask
from tests.faults.oracle import takes_hold
from tests.faults.part import Part
from tests.faults.stage import LIGHT, Stage, long
from tests.live.rooms.client import room as open_room

pytestmark = pytest.mark.timeout(long(120, 600))
WEIGHTS = ROOT / "inference" / "tiny" / "weights"
TRANSFORMER = "transformer/diffusion_pytorch_model.safetensors"


def replace(path: Path, data: bytes) -> None:
    """Put a file in the place of a link."""
    path.unlink()
    path.write_bytes(data)


def truncated(folder: Path) -> None:
    replace(folder / TRANSFORMER, (WEIGHTS / TRANSFORMER).read_bytes()[:100_000])


def of_another_class(folder: Path) -> None:
    index = json.loads((WEIGHTS / "model_index.json").read_text())
    replace(folder / "model_index.json", json.dumps({**index, "_class_name": "StableDiffusionPipeline"}).encode())


def of_no_numbers(folder: Path) -> None:
    """All bits set is NaN in every float format."""
    data = (WEIGHTS / TRANSFORMER).read_bytes()
    start = 8 + struct.unpack("<Q", data[:8])[0]
    replace(folder / TRANSFORMER, data[:start] + b"\xff" * (len(data) - start))
    manifest = json.loads((WEIGHTS / "manifest.json").read_text())
    replace(folder / "manifest.json", json.dumps({**manifest, "files": {}}).encode())


def missing(folder: Path) -> None:
    shutil.rmtree(folder)


BROKEN: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "missing": (missing, "model.missing", "expected a folder or a hub id"),
    "truncated": (truncated, "model.broken", "expected SHA-256"),
    "class": (of_another_class, "model.wrong_class", "expected a LTX2Pipeline, found 'StableDiffusionPipeline'"),
    "nan": (of_no_numbers, "model.broken", "NaN"),
}


@pytest.fixture
def alone(stage: Stage) -> Iterator[Stage]:
    """No worker, and nothing known of any."""
    stage.workers(0)
    WorkerNode.objects.all().delete()
    yield stage
    WorkerNode.objects.all().delete()


def fail_to_start(stage: Stage, model: Path) -> Part:
    worker = stage.worker("manage.py", "worker", RUSHES_MODEL=str(model))
    worker.wait(60)
    assert "Traceback" not in worker.said()
    return worker


@pytest.mark.parametrize("kind", BROKEN)
async def test_f14_the_room_says_in_a_sentence_why_no_worker_has_its_model(
    alone: Stage, cast: Cast, cookies: dict[str, str], tmp_path: Path, kind: str
) -> None:
    spoil, code, words = BROKEN[kind]
    folder = tmp_path / "model"
    shutil.copytree(WEIGHTS, folder, copy_function=os.symlink)
    spoil(folder)
    async with open_room(alone.urls[0], cast.project.pk, cookies["viewer"]) as viewer:
        await viewer.hello()
        for _ in range(long(1, 3)):
            worker = fail_to_start(alone, folder)
            assert f"[{code}]" in worker.said()
        told = await viewer.wait(
            lambda message: message["type"] == "workers.changed" and words in message["workers"]["error"]
        )
    assert told["workers"]["alive"] == 0
    assert "\n" not in told["workers"]["error"]


def test_f14_a_take_ends_with_those_words_at_the_third_failed_start_and_none_waits_for_ever(
    alone: Stage, cast: Cast, tmp_path: Path
) -> None:
    if not long(0, 1):
        pytest.skip("three starts of a worker; make faults runs it, and tests/live/test_takes.py tries one of them")
    takes = []
    for kind, (spoil, code, words) in BROKEN.items():
        folder = tmp_path / kind
        shutil.copytree(WEIGHTS, folder, copy_function=os.symlink)
        spoil(folder)
        take = ask(cast)
        for _ in range(3):
            fail_to_start(alone, folder)
        take.refresh_from_db()
        assert (take.state, take.attempt, take.error_code) == ("failed", 0, code)
        assert words in take.error_message
        takes.append(take)
    # Their jobs are still there; a worker that comes up begins none of them.
    worker = alone.worker(*LIGHT)
    try:
        assert [take.attempt for take in takes_hold(alone, takes)] == [0] * len(BROKEN)
    finally:
        worker.kill()
