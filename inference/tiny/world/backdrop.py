"""What is behind and below the subject: sky, hills, ground, and what the place needs (a road, rails, a sea)."""

import math
from dataclasses import dataclass

import numpy as np
import skia

from inference.tiny.world.attributes import Scene
from inference.tiny.world.brush import Brush
from inference.tiny.world.camera import View
from inference.tiny.world.palette import METAL, NIGHTLY, RGB, SURROUNDINGS, WOOD, mixed, scaled
from inference.tiny.world.stage import GROUND, SEA

HORIZON = 0.72
REACH = (-4.0, 6.0)
"""World units that the backdrop covers, so that a camera that follows never sees its end."""
AT_SEA = frozenset({"boat"})
INDOORS = frozenset({"clock", "hammer"})


@dataclass(frozen=True)
class Landscape:
    """What is drawn once for a scene: hills (x, width, height), clouds and stars (x, y, size)."""

    hills: tuple[tuple[float, float, float], ...]
    clouds: tuple[tuple[float, float, float], ...]
    stars: tuple[tuple[float, float, float], ...]
    bushes: tuple[tuple[float, float], ...]

    @classmethod
    def of(cls, scene: Scene) -> "Landscape":
        """The landscape of a scene's seed."""
        rng = np.random.default_rng((scene.seed, 2))
        low, high = REACH

        def row(step: float, *ranges: tuple[float, float]) -> tuple[tuple[float, ...], ...]:
            places = np.arange(low + rng.uniform(0, step), high, step)
            return tuple((float(x), *(float(rng.uniform(*r)) for r in ranges)) for x in places)

        return cls(
            hills=row(0.62, (0.36, 0.6), (0.1, 0.26)),  # type: ignore[arg-type]
            clouds=row(0.8, (0.08, 0.26), (0.07, 0.11)),  # type: ignore[arg-type]
            stars=row(0.17, (0.03, 0.5), (0.008, 0.014)),  # type: ignore[arg-type]
            bushes=row(0.55, (0.05, 0.08)),  # type: ignore[arg-type]
        )


def draw(brush: Brush, scene: Scene, land: Landscape, view: View, time_s: float) -> None:
    """Everything behind the subject."""
    draw_sky(brush, scene, land, view)
    draw_land(brush, scene, land, view, time_s)


def draw_sky(brush: Brush, scene: Scene, land: Landscape, view: View) -> None:
    """What is furthest: sky, stars, clouds, and the light behind the subject."""
    _sky(brush, scene)
    with brush.seen(view.at_depth(0.3)):
        _heaven(brush, scene, land)
    if scene.light == "backlit":
        with brush.seen(view.at_depth(0.2)):
            brush.glow(view.home, 0.5, 0.62, (255, 236, 180), 0.95)


def draw_land(brush: Brush, scene: Scene, land: Landscape, view: View, time_s: float) -> None:
    """Hills and floor."""
    with brush.seen(view.at_depth(0.6)):
        _hills(brush, scene, land)
    with brush.seen(view):
        _floor(brush, scene, land, time_s)


def _sky(brush: Brush, scene: Scene) -> None:
    top, low = _sky_colours(scene)
    paint = skia.Paint()
    ends = [skia.Point(0, 0), skia.Point(0, brush.cut.height * HORIZON)]
    paint.setShader(skia.GradientShader.MakeLinear(ends, [skia.Color(*top), skia.Color(*low)]))
    brush.canvas.drawPaint(paint)


def _sky_colours(scene: Scene) -> tuple[RGB, RGB]:
    around = SURROUNDINGS[scene.style]
    grey = {"rain": 0.45, "storm": 0.75, "snowfall": 0.3}.get(scene.weather, 0.0)
    cast: RGB = (92, 98, 112) if scene.weather != "snowfall" else (206, 212, 222)
    if scene.style in NIGHTLY or scene.weather == "storm":
        cast = scaled(cast, 0.55)
    return mixed(around.sky_top, cast, grey), mixed(around.sky_low, cast, grey)


def _heaven(brush: Brush, scene: Scene, land: Landscape) -> None:
    if scene.style in NIGHTLY and scene.weather in ("clear", "wind"):
        tone: RGB = (235, 238, 255) if scene.style == "night" else (255, 90, 220)
        for x, y, size in land.stars:
            brush.dot(x, y, size, tone)
    if scene.weather in ("rain", "storm", "snowfall") or scene.style in ("day", "paper", "pixel", "pencil"):
        tone = SURROUNDINGS[scene.style].cloud
        tone = scaled(tone, {"storm": 0.4, "rain": 0.65}.get(scene.weather, 1.0))
        for x, y, size in land.clouds:
            _cloud(brush, x, y, size, tone)


def _cloud(brush: Brush, x: float, y: float, size: float, colour: RGB) -> None:
    if brush.style in ("pencil", "paper"):
        return brush.oval(x, y, size * 1.8, size * 0.7, colour)
    for dx, dy, scale in ((-0.9, 0.2, 0.7), (0.0, 0.0, 1.0), (0.9, 0.2, 0.7)):
        brush.dot(x + dx * size, y + dy * size, size * scale, colour, 0.9)
    return None


def _hills(brush: Brush, scene: Scene, land: Landscape) -> None:
    around = SURROUNDINGS[scene.style]
    if scene.subject in AT_SEA:
        return
    for k, (x, width, height) in enumerate(land.hills):
        tone = around.far if k % 2 else scaled(around.far, 0.86)
        points = [(x + width * math.cos(a), HORIZON + 0.02 - height * math.sin(a)) for a in _HALF_TURN]
        brush.plain([*points, (x - width, 1.2), (x + width, 1.2)], tone)
        if scene.style in ("neon", "pencil"):
            brush.line(points, (230, 40, 200) if scene.style == "neon" else (120, 120, 120))


_HALF_TURN = [math.pi * k / 12 for k in range(13)]


def _floor(brush: Brush, scene: Scene, land: Landscape, time_s: float) -> None:
    around = SURROUNDINGS[scene.style]
    low, high = REACH
    if scene.subject in AT_SEA:
        return sea(brush, scene, time_s, 0)
    brush.plain([(low, HORIZON), (high, HORIZON), (high, 2), (low, 2)], around.ground)
    if scene.style == "neon":
        _grid(brush)
    for x, size in land.bushes:
        tone = scaled(around.ground, 0.8) if scene.style != "snow" else (206, 216, 230)
        brush.plain([(x + 1.3 * size * math.cos(a), HORIZON + 0.03 - size * math.sin(a)) for a in _HALF_TURN], tone)
    if scene.subject == "car":
        _road(brush, scene.style)
    if scene.subject == "train":
        _rails(brush)
    if scene.subject in INDOORS:
        brush.box(low, GROUND, high, GROUND + 0.05, WOOD)
    return None


def _grid(brush: Brush) -> None:
    for k in range(4):
        y = HORIZON + 0.28 * (k / 3.4) ** 1.6
        brush.line([(REACH[0], y), (REACH[1], y)], (0, 190, 230), 0.016)
    for k in range(-16, 30):
        brush.line([(k * 0.3, HORIZON), (k * 0.3, 1.2)], (0, 110, 170), 0.012)


def _road(brush: Brush, style: str) -> None:
    tone: RGB = (72, 72, 80) if style not in NIGHTLY else (30, 28, 44)
    brush.plain([(REACH[0], 0.79), (REACH[1], 0.79), (REACH[1], 0.95), (REACH[0], 0.95)], tone)
    for k in range(-12, 20):
        brush.line([(k * 0.3, 0.91), (k * 0.3 + 0.14, 0.91)], (230, 226, 200), 0.018)


def _rails(brush: Brush) -> None:
    for k in range(-32, 48):
        brush.line([(k * 0.13, 0.855), (k * 0.13, 0.9)], WOOD, 0.03)
    brush.line([(REACH[0], 0.855), (REACH[1], 0.855)], METAL, 0.026)


def sea(brush: Brush, scene: Scene, time_s: float, row: int) -> None:
    """Waves from a row down; the boat floats between row 0 and row 1."""
    around = SURROUNDINGS[scene.style]
    quick = {"slow": 2.0, "normal": 3.6, "fast": 6.0}[scene.pace]
    for k in range(row, 3 if row else 1):
        y = SEA + 0.01 + 0.1 * k
        crest = [(x, y + 0.028 * math.sin(x * 9 + k * 1.7 - time_s * quick)) for x in np.arange(*REACH, 0.1).tolist()]
        brush.plain([*crest, (REACH[1], 2), (REACH[0], 2)], scaled(around.sea, 1.15 - 0.15 * k))
        brush.line(crest, (0, 220, 250) if scene.style == "neon" else mixed(around.sea, (255, 255, 255), 0.6), 0.018)
