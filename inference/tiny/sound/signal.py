"""Small pieces of synthesis. Signals are float64 arrays (N,) at ``RATE_HZ`` unless said otherwise."""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 16_000
Signal = NDArray[np.float64]


def clock(duration_s: float) -> Signal:
    """Sample times in seconds."""
    return np.arange(round(duration_s * RATE_HZ)) / RATE_HZ


def decay(times_s: Signal, attack_s: float, decay_s: float) -> Signal:
    """A linear attack, then an exponential fall with this time constant."""
    return np.minimum(1.0, times_s / attack_s) * np.exp(-times_s / decay_s)


def glide(frequencies_hz: Signal) -> Signal:
    """A sine whose frequency changes."""
    return np.sin(2 * np.pi * np.cumsum(frequencies_hz) / RATE_HZ)


def partials(times_s: Signal, base_hz: float, parts: tuple[tuple[float, float, float], ...]) -> Signal:
    """A sum of decaying sines; each part is (ratio, level, time constant in seconds)."""
    ringing = (
        level * np.sin(2 * np.pi * base_hz * ratio * times_s) * np.exp(-times_s / tail) for ratio, level, tail in parts
    )
    return np.asarray(np.sum(list(ringing), axis=0))


def band(signal: Signal, low_hz: float, high_hz: float) -> Signal:
    """What lies between two frequencies, with slopes of fourth order."""
    spectrum, scale = np.fft.rfft(signal), np.fft.rfftfreq(len(signal), 1 / RATE_HZ)
    with np.errstate(divide="ignore"):
        gain = 1 / (1 + (scale / high_hz) ** 4) / (1 + (low_hz / np.maximum(scale, 1e-3)) ** 4)
    return np.asarray(np.fft.irfft(spectrum * gain, len(signal)))


def noise(rng: np.random.Generator, duration_s: float, low_hz: float, high_hz: float) -> Signal:
    """Noise of unit level in a band."""
    raw = band(rng.standard_normal(round(duration_s * RATE_HZ)), low_hz, high_hz)
    return np.asarray(raw / (raw.std() + 1e-9))


@dataclass
class Mix:
    """A stereo sound being put together."""

    duration_s: float
    samples: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.samples = np.zeros((2, round(self.duration_s * RATE_HZ)))

    def add(self, signal: Signal, at_s: float = 0.0, pan: float = 0.0, gain: float = 1.0) -> None:
        """Put a mono signal at a moment, ``pan`` from -1 left to 1 right, with equal power."""
        start = round(at_s * RATE_HZ)
        count = min(len(signal), self.samples.shape[1] - start)
        if start < 0 or count <= 0:
            return
        turn = (min(1.0, max(-1.0, pan)) + 1) * math.pi / 4
        for side, level in enumerate((math.cos(turn), math.sin(turn))):
            self.samples[side, start : start + count] += gain * level * signal[:count]

    def spread(self, left: Signal, right: Signal, *, gain: float = 1.0) -> None:
        """Put two whole-length signals on the two sides."""
        for side, signal in enumerate((left, right)):
            count = min(len(signal), self.samples.shape[1])
            self.samples[side, :count] += gain * signal[:count]

    def moving(self, signal: Signal, pans: Signal, gains: Signal) -> None:
        """Put a whole-length mono signal that moves: ``pans`` and ``gains`` are per sample."""
        turn = (np.clip(pans, -1, 1) + 1) * math.pi / 4
        self.spread(signal * gains * np.cos(turn), signal * gains * np.sin(turn))

    def finished(self) -> np.ndarray:
        """(2, N) float32, softly limited to below 1."""
        return np.asarray(np.tanh(1.2 * self.samples), np.float32)
