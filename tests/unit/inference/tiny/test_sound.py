"""Sound: with the contact, in the right place, silent when asked."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from inference.tiny.evaluation import sync
from inference.tiny.recipe.mel import mel
from inference.tiny.sound.track import soundtrack
from inference.tiny.world.attributes import MUSIC, SUBJECTS, Scene
from inference.tiny.world.casting import FULL, cast
from inference.tiny.world.film import Film, render

RATE_HZ = 16_000
IMPACTS = [
    Scene(21, "ball", "red", "bounce"),
    Scene(22, "bell", "red", "ring"),
    Scene(23, "hammer", "red", "strike"),
    Scene(24, "door", "red", "close"),
    Scene(25, "clock", "red", "tick"),
    Scene(26, "person", "red", "walk", "left"),
    Scene(27, "fireworks", "red", "burst"),
]


def level(samples: np.ndarray, start_s: float, length_s: float) -> float:
    piece = samples[:, max(0, round(start_s * RATE_HZ)) : round((start_s + length_s) * RATE_HZ)]
    return float(np.sqrt((piece**2).mean())) if piece.size else 0.0


@pytest.mark.parametrize("scene", IMPACTS, ids=lambda scene: scene.subject)
def test_the_sound_rises_at_the_contact_and_not_before(scene: Scene) -> None:
    film = render(scene)
    samples = soundtrack(film)
    hits = [c.time_s for c in film.contacts if c.kind != "creak" and 0.05 < c.time_s < film.cut.duration_s - 0.05]
    assert hits
    before = [level(samples, t - 0.012, 0.01) for t in hits]
    after = [level(samples, t, 0.02) for t in hits]
    assert np.mean(after) > 1.5 * np.mean(before)


@pytest.mark.parametrize("scene", IMPACTS[:3], ids=lambda scene: scene.subject)
def test_onsets_are_found_within_a_frame_of_the_contacts(scene: Scene) -> None:
    film = render(scene)
    heard = sync.heard_s(mel(torch.from_numpy(soundtrack(film)), 32, 193).numpy())
    contacts = np.array([contact.time_s for contact in film.contacts])
    gaps = np.abs(heard[:, None] - contacts).min(1)
    assert gaps.max() < 1 / film.cut.rate_hz


def test_silence_is_silent() -> None:
    assert not soundtrack(render(replace(IMPACTS[0], sound="silent", weather="storm"))).any()


@pytest.mark.parametrize("subject", SUBJECTS)
def test_every_subject_is_heard_below_full_scale(subject: str) -> None:
    scene = replace(cast(3, replace(FULL, subjects=(subject,))), sound="natural")
    samples = soundtrack(render(scene))
    assert samples.shape == (2, 50_000)
    assert 0.003 < samples.std() < 0.5
    assert np.abs(samples).max() < 1


@pytest.mark.parametrize("name", MUSIC)
def test_music_is_added_on_request(name: str) -> None:
    plain = Scene(31, "house", "red", "stand")
    assert soundtrack(render(replace(plain, sound=name))).std() > 1.3 * soundtrack(render(plain)).std()


def test_the_sound_is_on_the_side_of_the_picture() -> None:
    film = render(Scene(33, "car", "red", "drive", "right", pace="fast"))
    samples = soundtrack(film)
    balance = [level(samples[1:], t, 0.3) - level(samples[:1], t, 0.3) for t in (0.2, 2.7)]
    assert balance[0] < 0 < balance[1]


def test_a_passing_engine_falls_in_pitch() -> None:
    film: Film = render(Scene(34, "car", "red", "drive", "right", pace="fast"))
    samples = soundtrack(film).mean(0)
    passing = next(k for k in range(film.cut.frames) if film.centres[k, 0] > film.cut.width / 2) / film.cut.rate_hz
    pitches = [
        _pitch_hz(samples[round(t * RATE_HZ) : round((t + 0.5) * RATE_HZ)]) for t in (passing - 0.75, passing + 0.25)
    ]
    assert pitches[1] < pitches[0]


def _pitch_hz(piece: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(piece * np.hanning(len(piece)), 1 << 17))
    scale = np.fft.rfftfreq(1 << 17, 1 / RATE_HZ)
    band = (scale > 40) & (scale < 180)
    return float(scale[band][spectrum[band].argmax()])


def test_thunder_comes_after_its_lightning() -> None:
    film = render(Scene(35, "house", "red", "stand", weather="storm"))
    strike_s = film.lightning_s[0]
    samples = soundtrack(film)
    assert level(samples, strike_s + 0.27, 0.2) > 1.3 * level(samples, strike_s, 0.2)
