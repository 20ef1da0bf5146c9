"""Does the sound come with the contact? Trackers find what is seen, onsets what is heard."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from inference.tiny.recipe.config import HOP, SAMPLE_RATE_HZ
from inference.tiny.recipe.mel import CENTRE, SPREAD
from inference.tiny.world.attributes import Scene
from inference.tiny.world.casting import Casting, cast
from inference.tiny.world.palette import PAINTS, SURROUNDINGS, scaled
from inference.tiny.world.stage import PERIODS

TRACKED = ("ball", "bell", "hammer")
STYLES = ("day", "snow", "night")
COLOURS = ("red", "blue", "purple", "orange")
"""Colours that no surroundings of these styles have, so that the tracker sees the subject only."""
ONSET_SEED = 70_000_000
LEAST_PERIOD_FRAMES = 4.6
"""A flight between two contacts then has the four frames that a parabola needs."""
FLOOR = 3e-3


def scenes(casting: Casting, count: int, rate_hz: int) -> list[Scene]:
    """Clips with contacts that can be tracked, as many of each subject.

    Still camera, clear weather, plain light, one subject, its own sound, and a pace that the rate shows: two frames
    around each contact must not be half of the time, or any sound would seem to come with it.
    """
    plain = _plain(casting)
    share = count // len(plain.subjects) if plain.subjects else 0
    found: dict[str, list[Scene]] = {subject: [] for subject in plain.subjects}
    for k in range(100 * count):
        scene = cast(ONSET_SEED + k, plain, held_out=k % 2 == 0)
        if not scene.side and shows(scene, rate_hz) and len(found[scene.subject]) < share:
            found[scene.subject].append(scene)
        if all(len(scenes) == share for scenes in found.values()):
            break
    return [scene for scenes in found.values() for scene in scenes]


def shows(scene: Scene, rate_hz: int) -> bool:
    """Whether even the shortest period of the scene's pace has enough frames."""
    return PERIODS[scene.pace][0] * rate_hz >= LEAST_PERIOD_FRAMES


def _plain(casting: Casting) -> Casting:
    return replace(
        casting,
        subjects=tuple(s for s in TRACKED if s in casting.subjects),
        styles=STYLES,
        colours=COLOURS,
        plain_weather_share=1.0,
        plain_camera_share=1.0,
        plain_light_share=1.0,
        second_share=0.0,
        music_share=0.0,
        silent_share=0.0,
        impact_share=1.0,
    )


def track(frames: np.ndarray, scene: Scene) -> np.ndarray:
    """(T, 2): centre of the pixels that have the subject's colour; nan where there are too few."""
    tint = np.array(scaled(PAINTS[scene.colour], SURROUNDINGS[scene.style].shade), np.float32)
    gap = np.sqrt(((frames.astype(np.float32) - tint) ** 2).sum(-1))
    weight = np.clip(1 - gap / 110, 0, 1) ** 1.5  # (T, H, W)
    mass = weight.sum((1, 2))
    rows, columns = np.arange(frames.shape[1])[None, :, None], np.arange(frames.shape[2])[None, None]
    centres: np.ndarray = np.stack([(weight * columns).sum((1, 2)), (weight * rows).sum((1, 2))], 1) / (
        mass[:, None] + 1e-3
    )
    centres[mass < 0.15 * np.median(mass) + 0.5] = np.nan
    return centres


def seen_s(centres: np.ndarray, scene: Scene, rate_hz: int) -> np.ndarray:
    """Moments of contact, to a fraction of a frame: where the height is lowest, or a pendulum furthest out."""
    curve = _curve(centres, scene)
    if curve is None or np.ptp(curve) < 1:
        return np.zeros(0)
    padded = np.concatenate([[-1e9], curve, [-1e9]])
    high = curve > curve.mean() + 0.25 * curve.std()
    peaks = [k for k in range(len(curve)) if high[k] and padded[k] <= curve[k] and padded[k + 2] < curve[k]]
    return np.array([_vertex(curve, k) / rate_hz for k in peaks])


def _curve(centres: np.ndarray, scene: Scene) -> np.ndarray | None:
    whole = ~np.isnan(centres[:, 0])
    if whole.sum() < len(centres) // 2:
        return None
    at = np.arange(len(centres))
    x, y = (np.interp(at, at[whole], centres[whole, side]) for side in range(2))
    if scene.subject != "bell":
        return np.asarray(y)
    return np.asarray(np.abs(x - (np.percentile(x, 95) + np.percentile(x, 5)) / 2))


def _vertex(curve: np.ndarray, k: int) -> float:
    """The top of the parabola through a peak and its neighbours."""
    if not 0 < k < len(curve) - 1:
        return float(k)
    bend = curve[k - 1] - 2 * curve[k] + curve[k + 1]
    return k + float(np.clip(0.5 * (curve[k - 1] - curve[k + 1]) / bend, -0.5, 0.5)) if bend < 0 else float(k)


def heard_s(mels: np.ndarray) -> np.ndarray:
    """Onsets in seconds: peaks in the rise of the level, mels (2, frames, bins)."""
    level = np.log(np.exp(mels.astype(np.float32) * SPREAD - CENTRE).mean((0, 2)) + FLOOR)
    rise = np.zeros_like(level)
    rise[2:-1] = level[3:] - level[:-3]
    rise[1] = level[2] - level[0]
    least, found = max(0.35, 0.35 * rise.max()), []
    while rise.max() > least:
        k = int(rise.argmax())
        found.append(k)
        rise[max(0, k - 15) : k + 16] = 0
    return np.sort(np.array(found)) * HOP / SAMPLE_RATE_HZ


@dataclass(frozen=True)
class Sync:
    """Share of heard onsets within a frame of a seen contact, for the right pairs and for shuffled ones."""

    matched: float
    shuffled: float
    clips: int


def measure(frames: np.ndarray, mels: np.ndarray, chosen: Sequence[Scene], rate_hz: int, lag_s: float) -> Sync:
    """Score clips (n, T, H, W, 3) and mels (n, 2, frames, bins). ``lag_s``: how late an onset is found."""
    seen = [seen_s(track(f, s), s, rate_hz) for f, s in zip(frames, chosen, strict=True)]
    heard = [heard_s(m) - lag_s for m in mels]
    kinds = [(scene.subject, scene.pace) for scene in chosen]
    n = len(chosen)
    right = [_near(heard[k], seen[k], rate_hz) for k in range(n)]
    wrong = [_near(heard[j], seen[k], rate_hz) for k in range(n) for j in range(n) if j != k and kinds[j] == kinds[k]]
    return Sync(_mean(right), _mean(wrong), sum(len(part) > 0 for part in right))


def _near(heard: np.ndarray, seen: np.ndarray, rate_hz: int) -> np.ndarray:
    if not len(heard) or not len(seen):
        return np.zeros(0)
    return np.asarray(np.abs(heard[:, None] - seen[None]).min(1) <= 1.0 / rate_hz, np.float64)


def _mean(parts: list[np.ndarray]) -> float:
    whole = np.concatenate([*parts, np.zeros(0)])
    return float(whole.mean()) if len(whole) else 0.0


def onset_lag_s(mels: Sequence[np.ndarray], contacts: Sequence[Sequence[float]]) -> float:
    """How late onsets are found in real clips of known contacts: the median."""
    gaps: list[float] = []
    for mel, moments in zip(mels, contacts, strict=True):
        for onset in heard_s(mel):
            if len(moments):
                nearest = min(moments, key=lambda moment: abs(moment - onset))
                gaps.append(float(onset - nearest))
    return float(np.median(gaps)) if gaps else 0.0
