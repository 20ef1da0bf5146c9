"""The command line, as a stranger runs it: in a process of its own, from another folder."""

import os
import subprocess
import sys
from pathlib import Path

import av
import pytest

ROOT = Path(__file__).parents[3]


def inference(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "RUSHES_MODEL": str(ROOT / "inference/tiny/weights")}
    command = [sys.executable, "-m", "inference", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)


def test_r14_a_prompt_becomes_a_clip(tmp_path: Path) -> None:
    done = inference(tmp_path, "a red ball bounces at sunset", "-o", "ball.mp4", "--seed", "3", "--device", "cpu")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "ball.mp4\n"
    assert "[##############################] step 4 of 4" in done.stderr
    with av.open(str(tmp_path / "ball.mp4")) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "the following arguments are required: prompt"),
        ([" "], 2, "prompt: expected 1 to 4000 characters, got 0"),
        (["a ball", "--size", "big"], 2, "size: expected WIDTHxHEIGHT, such as 96x64, got big"),
        (["a ball", "--size", "96x96"], 2, "size: expected one of 96x64, 64x64, 128x64, got 96x96"),
        (["a ball", "--frames", "26"], 2, "frames: expected one of 25, 33, got 26"),
        (["a ball", "--seed", "-1"], 2, "seed: expected a whole number from 0"),
        (["a ball", "--light", "noon"], 2, "light: expected one of left, backlit, dim, got noon"),
        (["a ball", "-o", "no/such/folder.mp4"], 2, "output: expected a file in a folder that exists"),
        (["a ball", "--model", "nowhere"], 3, "nowhere: expected a folder or a hub id"),
    ],
)
def test_r14_bad_input_ends_with_its_code_and_a_sentence(
    tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    done = inference(tmp_path, *arguments)
    assert done.returncode == code
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
