"""What is heard at a contact: one voice for each kind, its onset at sample 0."""

from collections.abc import Callable, Mapping

import numpy as np

from inference.tiny.sound.signal import RATE_HZ, Signal, clock, decay, glide, noise, partials

Voice = Callable[[np.random.Generator, float], Signal]
"""Makes a sound from a source of randomness and a tone in 0..1 that is constant in one film."""


def bounce(_rng: np.random.Generator, tone: float) -> Signal:
    """Rubber: a short tone that falls as the ball leaves the ground."""
    times = clock(0.32)
    pitch = (170 + 60 * tone) * (1 + 0.35 * np.exp(-times * 18))
    return (glide(pitch) + 0.35 * glide(2 * pitch)) * decay(times, 0.002, 0.08)


def thump(rng: np.random.Generator, tone: float) -> Signal:
    """The same ball on snow: low and soft, with a crunch."""
    times = clock(0.25)
    crunch = noise(rng, 0.25, 300, 2200) * decay(times, 0.003, 0.03)
    return glide(np.full(len(times), 110 + 40 * tone)) * decay(times, 0.003, 0.06) + 0.3 * crunch


def clank(rng: np.random.Generator, tone: float) -> Signal:
    """Iron on iron."""
    times = clock(0.35)
    ring = partials(times, 1200 + 200 * tone, ((1, 0.5, 0.09), (1.83, 0.4, 0.07), (2.74, 0.3, 0.05)))
    hit = noise(rng, 0.35, 1500, 7500) * decay(times, 0.0006, 0.012)
    return 0.6 * ring + 0.35 * hit


def bell(_rng: np.random.Generator, tone: float) -> Signal:
    """A bell's partials (hum, prime, tierce, quint, nominal), as tuned by founders."""
    times = clock(1.1)
    base = 560 + 160 * tone
    parts = ((0.5, 0.25, 0.6), (1, 0.6, 0.35), (1.2, 0.4, 0.3), (1.5, 0.25, 0.25), (2, 0.4, 0.18), (2.76, 0.3, 0.1))
    return 0.62 * partials(times, base, parts) * np.minimum(1, times / 0.0015)


def step(rng: np.random.Generator, tone: float) -> Signal:
    """A foot on the ground."""
    times = clock(0.12)
    knock = glide(np.full(len(times), 120 + 60 * tone)) * decay(times, 0.002, 0.025)
    return 0.8 * knock + 0.35 * noise(rng, 0.12, 500, 3200) * decay(times, 0.002, 0.018)


def slam(rng: np.random.Generator, tone: float) -> Signal:
    """A door that falls shut."""
    times = clock(0.4)
    boom = glide(np.full(len(times), 85 + 30 * tone)) * decay(times, 0.002, 0.09)
    return 1.1 * boom + 0.4 * noise(rng, 0.4, 200, 3000) * decay(times, 0.001, 0.03)


def tick(rng: np.random.Generator, tone: float, *, low: bool = False) -> Signal:
    """A clock's escapement."""
    times = clock(0.12)
    pitch = (1500 if low else 2200) + 300 * tone
    return 0.8 * partials(times, pitch, ((1, 0.7, 0.02), (2.3, 0.4, 0.01))) + 0.2 * noise(
        rng, 0.12, 2000, 7000
    ) * decay(times, 0.0005, 0.006)


def tock(rng: np.random.Generator, tone: float) -> Signal:
    """The other side of the escapement."""
    return tick(rng, tone, low=True)


def horn(_rng: np.random.Generator, tone: float) -> Signal:
    """A fog horn."""
    times = clock(0.7)
    base = 125 + 25 * tone
    reed = sum(np.sin(2 * np.pi * base * k * times) / k for k in (1, 2, 3, 5))
    return 0.5 * np.asarray(reed) * np.minimum(1, times / 0.012) * np.minimum(1, (0.7 - times) / 0.2)


def bang(rng: np.random.Generator, _tone: float) -> Signal:
    """A firework: a crack, a boom, and crackling after it."""
    times = clock(0.8)
    crack = noise(rng, 0.8, 80, 5000) * decay(times, 0.001, 0.05)
    sparks = noise(rng, 0.8, 3000, 7500) * (rng.random(len(times)) < 0.004) * np.exp(-times / 0.3) * 3
    return 0.55 * crack + 0.7 * glide(np.full(len(times), 70.0)) * decay(times, 0.002, 0.12) + 0.5 * sparks


def creak(rng: np.random.Generator, duration_s: float) -> Signal:
    """A hinge: stick and slip, faster as the door moves; lasts as long as it does."""
    times = clock(duration_s)
    rate = 22 + 26 * np.sin(np.pi * times / duration_s)
    slips = np.maximum(0, np.sin(2 * np.pi * np.cumsum(rate) / RATE_HZ)) ** 6
    pitch = rng.uniform(520, 700) * (1 + 0.25 * np.sin(np.pi * times / duration_s))
    return 0.4 * slips * (glide(pitch) + 0.5 * glide(2.1 * pitch)) * np.sin(np.pi * times / duration_s) ** 0.5


VOICES: Mapping[str, Voice] = {
    "bounce": bounce, "thump": thump, "strike": clank, "bell": bell, "step": step, "slam": slam,
    "tick": tick, "tock": tock, "horn": horn, "bang": bang, "creak": creak,
}  # fmt: skip
