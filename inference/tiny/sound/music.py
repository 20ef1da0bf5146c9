"""Short beds of music on request, in one key so that two takes can follow one another."""

import numpy as np

from inference.tiny.sound.signal import Mix, clock, decay, noise, partials

CHORDS = {"calm": (220.0, 277.2, 329.6), "tense": (110.0, 116.5, 164.8), "cheerful": (261.6, 329.6, 392.0)}
"""Hz: A major, a minor second over a fifth, C major."""


def play(mix: Mix, rng: np.random.Generator, name: str) -> None:
    """Add a bed of this name."""
    {"calm": _pad, "tense": _pulse, "cheerful": _pluck, "piano": _piano, "drums": _drums}[name](mix, rng)


def _pad(mix: Mix, _rng: np.random.Generator) -> None:
    times = clock(mix.duration_s)
    swell = np.minimum(1, times / 0.6) * (0.8 + 0.2 * np.sin(2 * np.pi * 0.5 * times))
    for k, hz in enumerate(CHORDS["calm"]):
        mix.add(np.sin(2 * np.pi * hz * times) * swell, 0, (k - 1) * 0.6, 0.07)


def _pulse(mix: Mix, _rng: np.random.Generator) -> None:
    times = clock(mix.duration_s)
    throb = 0.5 + 0.5 * np.sign(np.sin(2 * np.pi * 4 * times))
    for hz in CHORDS["tense"]:
        mix.add(np.sign(np.sin(2 * np.pi * hz * times)) * throb, 0, 0, 0.035)


def _pluck(mix: Mix, _rng: np.random.Generator) -> None:
    notes = (*CHORDS["cheerful"], 523.2)
    for k in range(int(mix.duration_s / 0.2)):
        times = clock(0.25)
        mix.add(np.sin(2 * np.pi * 2 * notes[(k * 3) % 4] * times) * decay(times, 0.003, 0.08), k * 0.2, 0.3, 0.14)


def _piano(mix: Mix, rng: np.random.Generator) -> None:
    scale = (220.0, 261.6, 293.7, 329.6, 392.0, 440.0)
    for k in range(int(mix.duration_s / 0.4)):
        times = clock(0.8)
        parts = ((1.0, 1.0, 0.3), (2.0, 0.4, 0.2), (3.0, 0.15, 0.1))
        note = partials(times, float(rng.choice(scale)), parts) * np.minimum(1, times / 0.004)
        mix.add(note, k * 0.4, -0.3, 0.15)


def _drums(mix: Mix, rng: np.random.Generator) -> None:
    for k in range(int(mix.duration_s / 0.25)):
        times = clock(0.2)
        if k % 2 == 0:
            kick = np.sin(2 * np.pi * np.cumsum(60 + 90 * np.exp(-times * 40)) / 16_000)
            mix.add(kick * decay(times, 0.002, 0.07), k * 0.25, 0, 0.4)
        mix.add(noise(rng, 0.2, 4000, 7800) * decay(times, 0.001, 0.02), k * 0.25, 0.2, 0.1)
