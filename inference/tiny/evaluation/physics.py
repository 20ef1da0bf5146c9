"""Does what moves obey mechanics? Fits to tracked centres."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from inference.tiny.evaluation.sync import seen_s, track
from inference.tiny.world.attributes import Scene
from inference.tiny.world.stage import PERIODS

LEAST_FRAMES = 4
"""A parabola through three points fits always."""


def fall_fit(frames: np.ndarray, scene: Scene, rate_hz: int) -> float | None:
    """R2 of constant acceleration between contacts of a bounce, over all flights; None without a long enough one."""
    centres = track(frames, scene)
    contacts = seen_s(centres, scene, rate_hz) * rate_hz
    edges = [0.0, *contacts, float(len(frames) - 1)]
    left, spread = 0.0, 0.0
    for start, end in pairwise(edges):
        at = np.arange(int(np.ceil(start + 0.3)), int(np.floor(end - 0.3)) + 1)
        heights = centres[at, 1]
        at, heights = at[~np.isnan(heights)], heights[~np.isnan(heights)]
        if len(at) < LEAST_FRAMES:
            continue
        fit = np.polyval(np.polyfit(at, heights, 2), at)
        left += float(((heights - fit) ** 2).sum())
        spread += float(((heights - heights.mean()) ** 2).sum())
    return 1 - left / spread if spread > 1 else None


def swing_period_s(frames: np.ndarray, scene: Scene, rate_hz: int) -> float | None:
    """Period of the sine that fits a bell's sideways motion best; None where nothing swings."""
    x = track(frames, scene)[:, 0]
    times = np.arange(len(x)) / rate_hz
    times, x = times[~np.isnan(x)], x[~np.isnan(x)]
    if len(x) < 8 or np.ptp(x) < 1.5:
        return None
    periods = np.linspace(0.5, 3.0, 251)
    return float(periods[int(np.argmin([_residual(times, x, period) for period in periods]))])


def _residual(times: np.ndarray, x: np.ndarray, period: float) -> float:
    turn = 2 * np.pi * times / period
    basis = np.stack([np.cos(turn), np.sin(turn), np.ones_like(turn)], 1)
    weights = np.linalg.lstsq(basis, x, rcond=None)[0]
    return float(((x - basis @ weights) ** 2).sum())


def measure(frames: np.ndarray, scenes: Sequence[Scene], rate_hz: int) -> dict[str, float]:
    """Share of bounces with R2 of at least .95, and of bells whose period is within 10 % of what their pace allows.

    Expects scenes whose flights the rate shows (``sync.shows``).
    """
    pairs = list(zip(frames, scenes, strict=True))
    falls = [fall_fit(f, s, rate_hz) for f, s in pairs if s.subject == "ball"]
    swings = [(swing_period_s(f, s, rate_hz), s.pace) for f, s in pairs if s.subject == "bell"]
    right = [p is not None and 0.9 * 2 * PERIODS[w][0] <= p <= 1.1 * 2 * PERIODS[w][1] for p, w in swings]
    fitted = [fit is not None and fit >= 0.95 for fit in falls]
    return {
        "bounce_fit": float(np.mean(fitted)) if fitted else float("nan"),
        "bell_period": float(np.mean(right)) if right else float("nan"),
    }
