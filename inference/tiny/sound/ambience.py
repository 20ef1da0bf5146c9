"""Sounds that last: engines, water, weather, animals. Each adds itself to a mix."""

import math

import numpy as np

from inference.tiny.sound.signal import RATE_HZ, Mix, Signal, band, clock, decay, glide, noise

SOUND_SPEED = 12.0
"""World units a second: the picture is about 30 m high, so that a passing car's pitch visibly falls (Doppler)."""
ENGINES = {"car": (62.0, 0.32), "train": (44.0, 0.36), "plane": (92.0, 0.3)}
"""Base pitch in Hz and level."""


def engine(mix: Mix, rng: np.random.Generator, subject: str, offsets: Signal, speed: float) -> None:
    """A motor that passes. ``offsets`` (N,): world units from the listener, right of the middle positive."""
    base, level = ENGINES[subject]
    distance = np.sqrt(offsets**2 + 0.25)
    doppler = 1 / (1 + np.gradient(distance) * RATE_HZ / SOUND_SPEED)
    pitch = base * (0.75 + 0.9 * abs(speed)) * doppler
    turn = 2 * np.pi * np.cumsum(pitch) / RATE_HZ
    raw = np.sign(np.sin(turn)) + 0.6 * np.sign(np.sin(2.01 * turn)) + 0.5 * rng.standard_normal(len(turn))
    if subject == "train":
        raw = raw * (0.55 + 0.45 * np.sin(turn / 9) ** 2)
    hum = band(raw, 40, 900 if subject != "plane" else 1500)
    mix.moving(hum, offsets / 0.8, level / (0.5 + distance))


def rolling(mix: Mix, rng: np.random.Generator, offsets: Signal, speed: float) -> None:
    """A ball that rolls: a low rumble."""
    rumble = noise(rng, mix.duration_s, 80, 200 + 500 * abs(speed))
    mix.moving(rumble, offsets / 0.8, 0.16 / (0.6 + np.abs(offsets)))


def wings(mix: Mix, rng: np.random.Generator, period_s: float, offsets: Signal) -> None:
    """Wing beats, and the bird's own song."""
    times = clock(mix.duration_s)
    beat = np.maximum(0, np.sin(2 * np.pi * times / period_s)) ** 2
    mix.moving(noise(rng, mix.duration_s, 400, 2500) * beat, offsets / 0.8, np.full(len(times), 0.1))
    birds(mix, rng, 4)


def birds(mix: Mix, rng: np.random.Generator, count: int, gain: float = 0.2) -> None:
    """Chirps here and there."""
    for _ in range(count):
        times = clock(0.14)
        pitch = rng.uniform(2600, 3500) + 800 * np.sin(2 * np.pi * rng.uniform(12, 18) * times)
        at = rng.uniform(0, max(0.1, mix.duration_s - 0.2))
        mix.add(glide(pitch) * np.sin(np.pi * times / 0.14) ** 2, at, rng.uniform(-0.8, 0.8), gain)


def crickets(mix: Mix, rng: np.random.Generator) -> None:
    """A summer night."""
    times = clock(mix.duration_s)
    chirp = (np.sin(2 * np.pi * 28 * times) > 0) * ((times * 1.6 + rng.uniform()) % 1 < 0.45)
    mix.add(np.sin(2 * np.pi * rng.uniform(3900, 4300) * times) * chirp, 0, rng.uniform(-0.5, 0.5), 0.06)


def meow(mix: Mix, rng: np.random.Generator, offsets: Signal) -> None:
    """One cry of a cat."""
    times = clock(0.5)
    pitch = rng.uniform(520, 640) * (1 + 0.35 * np.sin(np.pi * times / 0.5))
    at = rng.uniform(0.2, mix.duration_s - 0.6)
    pan = float(offsets[int(at * RATE_HZ)]) / 0.8
    voice = glide(pitch) + 0.5 * glide(2 * pitch) + 0.25 * glide(3 * pitch)
    mix.add(voice * np.sin(np.pi * times / 0.5) ** 1.5, at, pan, 0.16)


def waves(mix: Mix, rng: np.random.Generator, period_s: float, phase: float) -> None:
    """Water that comes and goes with the boat."""
    times = clock(mix.duration_s)
    swell = (0.5 - 0.5 * np.sin(2 * np.pi * times / period_s + phase)) ** 2
    left, right = (noise(rng, mix.duration_s, 60, 1500) * (0.04 + 0.2 * swell) for _ in range(2))
    mix.spread(left, right)


def leaves(mix: Mix, rng: np.random.Generator, period_s: float) -> None:
    """A tree in the air."""
    times = clock(mix.duration_s)
    swell = 0.5 + 0.5 * np.sin(2 * np.pi * times / (period_s / 2))
    left, right = (noise(rng, mix.duration_s, 1500, 6000) * (0.03 + 0.07 * swell) for _ in range(2))
    mix.spread(left, right)


def weather(mix: Mix, rng: np.random.Generator, name: str, lightning_s: tuple[float, ...]) -> None:
    """Rain, wind, storm with thunder after its lightning."""
    if name in ("rain", "storm"):
        level = 0.07 if name == "rain" else 0.13
        left, right = (noise(rng, mix.duration_s, 900, 7500) for _ in range(2))
        mix.spread(left, right, gain=level)
    if name in ("wind", "storm"):
        gust = 0.6 + 0.4 * np.sin(2 * np.pi * clock(mix.duration_s) / rng.uniform(1.5, 2.5) + rng.uniform(0, 6))
        left, right = (noise(rng, mix.duration_s, 150, 700) * gust for _ in range(2))
        mix.spread(left, right, gain=0.1)
    for strike_s in lightning_s:
        times = clock(1.4)
        rumble = noise(rng, 1.4, 30, 260) * decay(times, 0.02, 0.45)
        mix.add(rumble, strike_s + 0.25, 0.0, 0.6)


def firelight(mix: Mix, rng: np.random.Generator) -> None:
    """A hearth behind the windows of a house."""
    clicks = rng.standard_normal(round(mix.duration_s * RATE_HZ)) * (
        rng.random(round(mix.duration_s * RATE_HZ)) < 0.0012
    )
    mix.add(band(clicks, 600, 5000), 0, 0.0, 1.6)


def loudness_db(samples: np.ndarray) -> float:
    """Level of a sound relative to full scale."""
    return 20 * math.log10(float(np.sqrt(np.mean(samples**2))) + 1e-9)
