"""Compiled blocks: the same numbers, and none where there is no compiler."""

import shutil

import pytest
import torch

from inference.tiny.recipe import models
from inference.tiny.recipe.compiled import compile_blocks
from inference.tiny.recipe.config import SMOKE
from inference.tiny.recipe.parts import Parts

CPU = torch.device("cpu")


def velocity(transformer: object) -> torch.Tensor:
    parts = Parts(SMOKE, CPU, None, None, None, None, None, None, transformer)
    random = torch.Generator().manual_seed(0)
    latents = parts.noise(2, random)
    words = torch.randn(2, 48, SMOKE.text_width, generator=random)
    sigma = torch.rand(2, generator=random)
    return parts.velocity(latents, (words, words, torch.zeros(2, 1, 48)), (sigma, sigma), None)[0]


@pytest.mark.skipif(shutil.which("g++") is None, reason="no compiler on this machine")
def test_compiled_blocks_compute_what_plain_ones_do_and_keep_their_names() -> None:
    torch.manual_seed(0)
    transformer = models.transformer(SMOKE)
    names = set(transformer.state_dict())
    with torch.no_grad():
        plain = velocity(transformer)
        assert compile_blocks(transformer, CPU)
        fast = velocity(transformer)
    assert (plain - fast).abs().max() < 1e-4
    assert set(transformer.state_dict()) == names


def test_without_a_compiler_blocks_stay_as_they_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert not compile_blocks(models.transformer(SMOKE), CPU)
    assert "g++ expected" in capsys.readouterr().out
