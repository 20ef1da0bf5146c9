"""Rain, snow, wind and storm in front of the scene, wide enough to survive a small picture."""

from dataclasses import dataclass

import numpy as np

from inference.tiny.world.attributes import Cut, Scene
from inference.tiny.world.brush import Brush
from inference.tiny.world.palette import RGB


@dataclass(frozen=True)
class Sky:
    """What falls or blows: (x, y, speed) of each particle in pictures; when lightning strikes."""

    particles: tuple[tuple[float, float, float], ...]
    lightning_s: tuple[float, ...]

    @classmethod
    def of(cls, scene: Scene, cut: Cut) -> "Sky":
        """The weather of a scene's seed."""
        rng = np.random.default_rng((scene.seed, 3))
        count = {"rain": 34, "snowfall": 40, "wind": 14, "storm": 52}.get(scene.weather, 0)
        particles = tuple(tuple(float(v) for v in rng.uniform((0, 0, 0.85), (1, 1, 1.15))) for _ in range(count))
        strikes = (float(rng.uniform(0.3, cut.duration_s - 0.6)),) if scene.weather == "storm" else ()
        return cls(particles, strikes)  # type: ignore[arg-type]


def draw(brush: Brush, scene: Scene, sky: Sky, time_s: float) -> None:
    """The weather at a moment, in picture coordinates: the camera does not outrun it."""
    wide, high = brush.cut.width, brush.cut.height
    tone: RGB = (96, 112, 150) if scene.style in ("pencil", "snow") else (214, 228, 250)
    for x, y, speed in sky.particles:
        match scene.weather:
            case "rain":
                _drop(brush, (x + 0.1 * y) % 1, (y + 1.5 * speed * time_s) % 1, 0.02, 0.13, tone)
            case "storm":
                _drop(brush, (x - 0.9 * time_s * speed) % 1, (y + 2.2 * speed * time_s) % 1, 0.07, 0.16, tone)
            case "snowfall":
                down = (y + 0.28 * speed * time_s) % 1
                flake: RGB = (150, 164, 190) if scene.style in ("pencil", "snow") else (255, 255, 255)
                brush.dot((x + 0.03 * np.sin(5 * down + 9 * x)) % 1 * wide, down * high, 0.02 * high, flake, 0.95)
            case _:
                across = (x + 1.1 * speed * time_s) % 1.3 - 0.2
                brush.line(
                    [(across * wide, y * high), ((across + 0.2) * wide, (y - 0.012) * high)], tone, 0.022 * high, 0.8
                )
    for strike_s in sky.lightning_s:
        if 0 <= time_s - strike_s < 0.22:
            _bolt(brush, strike_s)


def _drop(brush: Brush, x: float, y: float, slant: float, length: float, colour: RGB) -> None:
    wide, high = brush.cut.width, brush.cut.height
    ends = [(x * wide, (y * 1.2 - 0.2) * high), ((x - slant) * wide, (y * 1.2 - 0.2 + length) * high)]
    brush.line(ends, colour, 0.02 * high, 0.6)


def _bolt(brush: Brush, seed_s: float) -> None:
    wide, high = brush.cut.width, brush.cut.height
    brush.plain([(0, 0), (wide, 0), (wide, high), (0, high)], (255, 255, 255), 0.4)
    x = 0.2 + 0.6 * (seed_s * 7.3 % 1)
    bends = ((0, 0), (-0.05, 0.2), (0.03, 0.26), (-0.04, 0.5), (0.02, 0.55), (-0.02, 0.75))
    brush.line([((x + dx) * wide, y * high) for dx, y in bends], (255, 255, 190), 0.04 * high)
