"""From a film to its sound: every contact at its moment, everything that lasts under it."""

import numpy as np

from inference.tiny.sound import ambience, music
from inference.tiny.sound.impacts import VOICES
from inference.tiny.sound.signal import Mix, Signal, clock
from inference.tiny.world.attributes import MUSIC
from inference.tiny.world.camera import look
from inference.tiny.world.film import Film

LEVELS = {"step": 0.6, "tick": 0.7, "tock": 0.7, "bang": 0.7, "horn": 0.6, "creak": 0.6}
"""Gains of the kinds that are not at 0.6 times their strength."""


def soundtrack(film: Film) -> np.ndarray:
    """The sound of a film, (2, N) float32 at 16 kHz, N = duration; silence when the scene asks for it."""
    mix = Mix(film.cut.duration_s)
    if film.scene.sound == "silent":
        return mix.finished()
    rng = np.random.default_rng((film.scene.seed, 4))
    _lasting(mix, rng, film)
    _contacts(mix, rng, film)
    ambience.weather(mix, rng, film.scene.weather, film.lightning_s)
    if film.scene.sound in MUSIC:
        music.play(mix, rng, film.scene.sound)
    return mix.finished()


def _contacts(mix: Mix, rng: np.random.Generator, film: Film) -> None:
    tone = float(rng.uniform())
    for contact in film.contacts:
        kind = "thump" if contact.kind == "bounce" and film.scene.style == "snow" else contact.kind
        length = contact.strength if kind == "creak" else tone
        gain = LEVELS.get(kind, 0.6 * min(1.0, contact.strength))
        mix.add(VOICES[kind](rng, length), contact.time_s, _pan(film, contact.x, contact.time_s), gain)


def _pan(film: Film, x: float, time_s: float) -> float:
    view = look(film.scene, film.script, film.cut, time_s)
    return (x - view.x) / (film.cut.aspect / 2) * 0.8


def _offsets(film: Film) -> Signal:
    """(N,): where the subject is, in world units right of the camera."""
    times = clock(film.cut.duration_s)
    marks = np.arange(0, film.cut.duration_s + 0.05, 0.05)
    places = [film.script.pose(t).x - look(film.scene, film.script, film.cut, t).x for t in marks.tolist()]
    return np.interp(times, marks, places)


def _lasting(mix: Mix, rng: np.random.Generator, film: Film) -> None:
    scene, script = film.scene, film.script
    match scene.subject:
        case "car" | "train" | "plane":
            ambience.engine(mix, rng, scene.subject, _offsets(film), script.speed)
        case "ball" if scene.motion == "roll":
            ambience.rolling(mix, rng, _offsets(film), script.speed)
        case "bird":
            ambience.wings(mix, rng, script.period_s, _offsets(film))
        case "cat":
            ambience.meow(mix, rng, _offsets(film))
        case "boat":
            ambience.waves(mix, rng, script.period_s, script.pose(0).phase)
        case "tree":
            ambience.leaves(mix, rng, script.period_s)
        case "house":
            ambience.firelight(mix, rng)
        case "sun":
            ambience.birds(mix, rng, 6)
        case "moon":
            ambience.crickets(mix, rng)
