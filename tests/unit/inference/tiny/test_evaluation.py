"""The instruments on real clips, and the weights that ship against their own card."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from inference.tiny.evaluation import extend, physics, probes, report, sync, targets, training
from inference.tiny.recipe import data
from inference.tiny.recipe.config import CPU
from inference.tiny.world.attributes import Scene
from inference.tiny.world.casting import cast

SHIPPED = Path(__file__).parents[4] / "inference" / "tiny" / "weights"
MEASURES = SHIPPED / "measures.json"
LEEWAY = 0.15
"""A probe of its own, and 32 clips where the card has more: two of three such figures lie within .08."""


def test_the_fits_find_mechanics_in_real_clips() -> None:
    scenes = sync.scenes(CPU.casting, 24, CPU.cut.rate_hz)
    frames = np.stack([data.clip(CPU, scene)[0] for scene in scenes])
    found = physics.measure(frames, scenes, CPU.cut.rate_hz)
    assert found["bounce_fit"] >= 0.9
    assert found["bell_period"] >= 0.9


def test_onsets_are_found_at_the_contact_in_real_clips_and_not_in_shuffled_ones() -> None:
    scenes = sync.scenes(CPU.casting, 60, CPU.cut.rate_hz)
    real = [data.clip(CPU, scene) for scene in scenes]
    lag_s = sync.onset_lag_s([clip[2] for clip in real], [clip[4] for clip in real])
    found = sync.measure(
        np.stack([clip[0] for clip in real]), np.stack([clip[2] for clip in real]), scenes, CPU.cut.rate_hz, lag_s
    )
    assert found.matched >= 0.9
    assert found.shuffled <= 0.35


def test_still_pictures_do_not_pass_for_mechanics() -> None:
    scenes = sync.scenes(CPU.casting, 12, CPU.cut.rate_hz)
    frames = np.stack([data.clip(CPU, scene)[0] for scene in scenes])
    still = np.repeat(frames[:, :1], frames.shape[1], 1)
    found = physics.measure(still, scenes, CPU.cut.rate_hz)
    assert not found["bounce_fit"] > 0
    assert not found["bell_period"] > 0


def test_two_windows_are_faded_into_each_other_where_they_show_the_same() -> None:
    dark, light = (np.full((1, 9, 2, 2, 3), value, np.uint8) for value in (0, 60))
    joined = extend.faded(dark, light, 5, 5)[0, :, 0, 0, 0]
    assert joined.round().tolist() == [0, 0, 0, 0, 10, 20, 30, 40, 50, 60, 60, 60, 60]
    short = extend.faded(dark, light, 5, 2)[0, :, 0, 0, 0]
    assert short.round().tolist() == [0, 0, 0, 0, 0, 0, 0, 20, 40, 60, 60, 60, 60]


def wandering(count: int) -> np.ndarray:
    """Films (count, 22, 4, 4, 3) that change by 3 from each frame to the next."""
    rng = np.random.default_rng(1)
    steps = np.cumsum(rng.choice([-3, 3], (count, 22, 1, 1, 1)), 1)
    return np.broadcast_to(120 + steps, (count, 22, 4, 4, 3)).astype(np.uint8)


def test_a_seam_that_changes_no_more_than_the_clip_itself_is_one_and_a_cut_is_more() -> None:
    film = wandering(4)
    before, after = film[:, :13], film[:, 8:21]
    assert extend.seam(before, after, 5, 5, least=0.5) == pytest.approx(1, abs=1e-3)
    assert extend.seam(before, after + 60, 5, 5, least=0.5) > 3


def test_a_fade_between_windows_that_have_nothing_to_do_with_each_other_is_a_seam() -> None:
    before = np.full((1, 13, 1, 1, 1), 100.0) + np.arange(13).reshape(1, 13, 1, 1, 1) % 2
    assert extend.seam(before, before[:, ::-1] + 5, 5, 5, least=0.5) > 1.5, (
        "each frame changes by one, but it is a ghost"
    )


def test_a_new_window_that_jumps_behind_the_fade_is_a_seam() -> None:
    film = wandering(4)
    after = film[:, 8:21].copy()
    after[:, 5:] += 40
    assert extend.seam(film[:, :13], after, 5, 2, least=0.5) > 3


def test_a_figure_that_is_missing_is_not_reached() -> None:
    rows = targets.table({"attributes": {}})
    assert len(rows) == 2 + len(targets.TARGETS)
    assert all(row.endswith("| not measured | no |") for row in rows[2:])


def test_targets_hold_figures_against_their_bounds() -> None:
    said = {"speed_s": {"draft": 0.5, "final": 9.0}}
    rows = [row for row in targets.table(said) if "frames and mels" in row]
    assert rows == [
        "| draft to frames and mels, s | ≤ 0.8 | 0.50 | yes |",
        "| final to frames and mels, s | ≤ 8 | 9.00 | no |",
    ]


def test_an_eye_that_learned_from_real_clips_sees_more_than_the_commonest_answer(tmp_path: Path) -> None:
    small = replace(CPU, clips=160, waves=4)
    clips = data.draw(small, tmp_path / "data")
    seen = probes.score(
        training.train(small, clips, tmp_path, torch.device("cpu")), clips.frames, clips.scenes, torch.device("cpu")
    )
    guessed = probes.chance(clips, clips.scenes)
    assert set(seen) == set(guessed) == set(probes.ASPECTS)
    assert seen["style"] > guessed["style"] + 0.3


def test_a_mirrored_clip_is_called_by_what_it_shows() -> None:
    scene = Scene(1, "ball", "red", "bounce", side="left", camera="pan_left")
    turned = training.mirrored(scene)
    assert (turned.side, turned.camera) == ("right", "pan_right")
    assert training.mirrored(turned) == scene


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_weights_that_ship_do_what_their_card_says(tmp_path: Path) -> None:
    """Half of the time is the drawing of clips and the training of a probe. ``RUSHES_TINY_RUN``, the folder of a
    training, lends those that are there."""
    run = os.environ.get("RUSHES_TINY_RUN", "")
    folder = Path(run) if run else tmp_path
    config = replace(CPU, clips=CPU.clips if run else 6000, waves=4, evaluation_clips=32)
    clips = data.draw(config, folder / "data", workers=2)
    measured = report.evaluate(config, SHIPPED, torch.device("cpu"), folder / "probes", clips)
    card = json.loads(MEASURES.read_text())
    for row in ("draft en", "final en", "final fr"):
        for name in ("style", "subject", "sound"):
            assert measured["attributes"][row][name] >= card["attributes"][row][name] - LEEWAY, (row, name)
    assert measured["speed_s"]["draft"] < measured["speed_s"]["final"] < 8
    assert max(measured["extend"].values()) < 3
    assert measured["clips"] == 32
    assert cast(report.EVALUATION_SEED, config.casting, held_out=True).held_out
