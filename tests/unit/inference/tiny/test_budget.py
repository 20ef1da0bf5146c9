"""What a training draws when time or disk are short, and the large configurations in miniature."""

import json
import os
import shutil
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
import torch

from inference.tiny.evaluation import training
from inference.tiny.recipe import data, files, latents
from inference.tiny.recipe.config import CONFIGS, SMOKE, Config
from inference.tiny.recipe.stages import TRAINED, Run, train

ROOT = Path(__file__).parents[4]
TWELVE = replace(SMOKE, clips=12)


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "CHUNK", 2)
    monkeypatch.setattr(data, "LEAST", 4)


@pytest.mark.usefixtures("small_steps")
@pytest.mark.parametrize("workers", [1, 2])
def test_a_budget_ends_the_drawing_with_what_a_longer_one_begins_with(tmp_path: Path, workers: int) -> None:
    whole = data.draw(TWELVE, tmp_path / "whole")
    short = data.draw(TWELVE, tmp_path / "short", workers, budget_s=0.0)
    assert (len(whole), len(short)) == (12, 4)
    assert short.scenes == whole.scenes[:4]
    for name in ("frames", "centres", "mels", "waves"):
        ours, theirs = getattr(short, name), getattr(whole, name)
        assert len(ours) == 4
        assert np.array_equal(ours, theirs[:4], equal_nan=True), name
    again = data.draw(TWELVE, tmp_path / "short", budget_s=60.0)
    assert len(again) == 4, "what was drawn is not drawn again"


@pytest.mark.usefixtures("small_steps")
def test_a_plan_is_kept_or_refused(tmp_path: Path) -> None:
    data.draw(TWELVE, tmp_path / "data", budget_s=0.0)
    with pytest.raises(ValueError, match="expected 12 clips, as planned, got 4"):
        train(Run(SMOKE, tmp_path, torch.device("cpu"), 60, {"data": 12}, workers=1))


@pytest.mark.usefixtures("small_steps")
def test_what_a_killed_drawing_left_takes_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = tmp_path / "frames.npy"
    left.write_bytes(b"half")
    monkeypatch.setattr(data, "fitting", lambda config, folder: 12 if left.exists() else 4)
    assert len(data.draw(TWELVE, tmp_path)) == 4


@pytest.mark.usefixtures("small_steps")
def test_a_disk_that_is_too_small_is_said_before_anything_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = 11_000_000
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=free))
    drawn = data.draw(TWELVE, tmp_path / "data")
    assert 4 < len(drawn) < 12
    data.draw_held_out(TWELVE, data.held_out_count(TWELVE), tmp_path / "held_out")
    data.draw_for_probes(TWELVE, max(1, len(drawn) // data.HELD_OUT_PART), tmp_path / "probes")
    taken = sum(path.stat().st_size for path in tmp_path.rglob("*.npy"))
    assert 0.6 * free < taken < data.DISK_SHARE * free
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=taken))
    with pytest.raises(ValueError, match=r"expected .* GB free for 4 clips, found"):
        data.draw(TWELVE, tmp_path / "full")
    assert not list((tmp_path / "full").iterdir())


DRAWING = """
import sys
from pathlib import Path
from inference.tiny.recipe import data, files
from inference.tiny.recipe.config import CPU
if __name__ == "__main__":
    with files.alone_in(Path(sys.argv[1])):
        data.draw(CPU, Path(sys.argv[1]) / "data", workers=2)
"""


def test_a_drawing_that_is_killed_holds_nothing_and_leaves_nobody(tmp_path: Path) -> None:
    script, folder = tmp_path / "drawing.py", tmp_path / "run"
    script.write_text(DRAWING)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    drawing = psutil.Popen([sys.executable, str(script), str(folder)], env=environment)
    deadline = time.monotonic() + 60
    while len(drawing.children()) < 2 or not (folder / "data" / "frames.npy").exists():
        assert time.monotonic() < deadline
        assert drawing.poll() is None
        time.sleep(0.05)
    pool = drawing.children(recursive=True)
    drawing.kill()
    drawing.wait()
    with files.alone_in(folder):
        pass
    assert psutil.wait_procs(pool, timeout=20)[1] == []


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.filterwarnings("default::UserWarning")  # torch tells which of its kernels it takes for bfloat16 here
@pytest.mark.parametrize("name", ["gpu", "gpu-large"])
def test_every_stage_runs_at_the_sizes_of_an_accelerator(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step each, with few clips: sizes, shapes and files are those of the whole training."""
    monkeypatch.setattr(training, "EPOCHS", 1)
    monkeypatch.setattr(latents, "WEIGHED_ON", 1)
    config = _in_miniature(CONFIGS[name])
    plan = {"data": config.clips, **dict.fromkeys(TRAINED, 1)}
    folder = train(Run(config, tmp_path, torch.device("cpu"), 60, plan, workers=2))
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["sizes"][0]["width"] == config.cut.width
    assert json.loads((tmp_path / "plan.json").read_text()) == plan
    assert max(path.stat().st_size for path in folder.rglob("*") if path.is_file()) <= 16 * 2**20


def _in_miniature(config: Config) -> Config:
    return replace(
        config, clips=300, waves=16, vae_batch=1, decoder_batch=1, audio_batch=2, vocoder_batch=1, batch=2,
        teacher_clips=2, evaluation_clips=6, compiled=False,
    )  # fmt: skip
