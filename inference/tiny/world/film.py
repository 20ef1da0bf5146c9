"""A scene becomes a film: frames, the truth about them, and nothing that the seed does not decide."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import skia

from inference.tiny.world import backdrop, beings, things, weather
from inference.tiny.world.attributes import Cut, Scene
from inference.tiny.world.brush import Brush
from inference.tiny.world.camera import look
from inference.tiny.world.mechanics import Contact
from inference.tiny.world.motions import write
from inference.tiny.world.palette import PAINTS, RGB
from inference.tiny.world.stage import GROUND, Pose, Script

PIXEL_ROWS = 24
"""Rows of blocks in the pixel style."""

Drawing = Callable[[Brush, Pose, RGB], None]
DRAWINGS: Mapping[str, Drawing] = {
    "ball": things.ball, "car": things.car, "train": things.train, "boat": things.boat, "plane": things.plane,
    "house": things.house, "lighthouse": things.lighthouse, "bell": things.bell, "hammer": things.hammer,
    "door": things.door, "clock": things.clock, "bird": beings.bird, "cat": beings.cat, "person": beings.person,
    "tree": beings.tree, "sun": beings.sun, "moon": beings.moon, "fireworks": beings.fireworks,
}  # fmt: skip
HALF_A_HOUSE = 0.2
"""The second subject's middle above its foot, in world units."""
IN_THE_SKY = frozenset({"sun", "moon"})
"""Subjects behind the hills."""


@dataclass(frozen=True)
class Film:
    """Frames (T, H, W, 3) uint8 and what is true of them. ``centres`` and ``behind`` (T, 2): where the subject and the
    second one are, x and y in pixels; nan where there is no second one."""

    scene: Scene
    cut: Cut
    script: Script
    frames: np.ndarray
    centres: np.ndarray
    behind: np.ndarray
    lightning_s: tuple[float, ...]

    @property
    def contacts(self) -> tuple[Contact, ...]:
        """Moments that are seen and heard, in seconds, exact."""
        return self.script.contacts


def render(scene: Scene, cut: Cut | None = None) -> Film:
    """Draw a scene. About 15 ms at 96x64 and 25 frames."""
    cut = cut or Cut()
    script, land, sky = write(scene, cut), backdrop.Landscape.of(scene), weather.Sky.of(scene, cut)
    pixels = np.zeros((cut.height, cut.width, 4), np.uint8)
    brush = Brush.on(pixels, scene.style, scene.light, cut)
    frames = np.empty((cut.frames, cut.height, cut.width, 3), np.uint8)
    centres, behind = np.empty((2, cut.frames, 2), np.float32)
    for k in range(cut.frames):
        time_s = k / cut.rate_hz
        pose, view = script.pose(time_s), look(scene, script, cut, time_s)
        _picture(brush, scene, script, land, time_s)
        weather.draw(brush, scene, sky, time_s)
        _light(brush, scene)
        frames[k] = _blocks(pixels[..., :3]) if scene.style == "pixel" else pixels[..., :3]
        centres[k] = view.to_pixels(pose.x, pose.y, cut)
        behind[k] = view.to_pixels(_beside(scene, cut), GROUND - 0.06 - HALF_A_HOUSE, cut) if scene.second else np.nan
    return Film(scene, cut, script, frames, centres, behind, sky.lightning_s)


def _picture(brush: Brush, scene: Scene, script: Script, land: backdrop.Landscape, time_s: float) -> None:
    pose, view = script.pose(time_s), look(scene, script, brush.cut, time_s)
    drawing, colour = DRAWINGS[scene.subject], PAINTS[scene.colour]
    mirror = -1.0 if scene.side == "left" else 1.0
    if scene.subject in IN_THE_SKY:
        _sky_subject(brush, scene, land, script, time_s)
        return
    backdrop.draw(brush, scene, land, view, time_s)
    with brush.seen(view):
        if scene.second:
            _behind(brush, scene, time_s)
        _shadow(brush, scene, pose)
        with brush.placed(pose.x, pose.y, _tilt(scene, pose), mirror):
            drawing(brush, pose, colour)
        if scene.subject == "boat":
            backdrop.sea(brush, scene, time_s, 1)


def _sky_subject(brush: Brush, scene: Scene, land: backdrop.Landscape, script: Script, time_s: float) -> None:
    """The sun and the moon pass behind the hills: sky, subject, then the land over it."""
    view, pose = look(scene, script, brush.cut, time_s), script.pose(time_s)
    backdrop.draw_sky(brush, scene, land, view)
    with brush.seen(view.at_depth(0.5)), brush.placed(pose.x, pose.y):
        DRAWINGS[scene.subject](brush, pose, PAINTS[scene.colour])
    backdrop.draw_land(brush, scene, land, view, time_s)


def _tilt(scene: Scene, pose: Pose) -> float:
    """Only the boat is turned as a whole; other drawings turn their own parts."""
    return pose.angle if scene.subject == "boat" else 0.0


def _behind(brush: Brush, scene: Scene, time_s: float) -> None:
    """The second subject stands a little further back."""
    windy = 0.12 * math.sin(4 * time_s) if scene.weather in ("wind", "storm") else 0.0
    pose = Pose(0, 0, angle=windy, phase=time_s)
    with brush.placed(_beside(scene, brush.cut), GROUND - 0.06):
        DRAWINGS[scene.second](brush, pose, PAINTS[scene.second_colour])


def _beside(scene: Scene, cut: Cut) -> float:
    """The second subject's x: to the left or right of the middle, by the seed."""
    return cut.aspect / 2 + (0.44 if scene.seed % 2 else -0.44)


def _shadow(brush: Brush, scene: Scene, pose: Pose) -> None:
    if scene.subject not in ("ball", "car", "train", "cat", "person", "bird", "plane") or scene.style == "neon":
        return
    height = max(0.0, GROUND - pose.y)
    wide = {"ball": 0.13, "car": 0.28, "train": 0.45, "plane": 0.25}.get(scene.subject, 0.18) * (1 - 0.4 * height)
    shift = 0.3 * max(0.1, height) if scene.light == "left" else 0.0
    points = [(pose.x + shift + wide * math.cos(a), GROUND + 0.01 + 0.025 * math.sin(a)) for a in _TURN]
    brush.plain(points, (0, 0, 0), 0.3)


_TURN = [math.pi * k / 8 for k in range(16)]


def _light(brush: Brush, scene: Scene) -> None:
    """Light over the whole picture: a fall from left to right, or dimness with a pool in the middle."""
    wide, high = brush.cut.width, brush.cut.height
    paint = skia.Paint()
    if scene.light == "left":
        tones = [skia.Color(255, 244, 200, 90), skia.Color(255, 244, 200, 0), skia.Color(0, 0, 30, 110)]
        paint.setShader(skia.GradientShader.MakeLinear([skia.Point(0, 0), skia.Point(wide, 0)], tones))
        brush.canvas.drawPaint(paint)
    if scene.light == "dim":
        tones = [skia.Color(0, 0, 0, 70), skia.Color(0, 0, 0, 165)]
        paint.setShader(skia.GradientShader.MakeRadial(skia.Point(wide / 2, high / 2), wide * 0.6, tones))
        brush.canvas.drawPaint(paint)


def _blocks(picture: np.ndarray) -> np.ndarray:
    """(H, W, 3) as square blocks of few colours."""
    side = max(2, picture.shape[0] // PIXEL_ROWS)
    height, width = picture.shape[0] // side * side, picture.shape[1] // side * side
    small = picture[:height, :width].reshape(height // side, side, width // side, side, 3).mean((1, 3))
    small = (np.round(small / 36) * 36).clip(0, 255).astype(np.uint8)
    big = np.repeat(np.repeat(small, side, 0), side, 1)
    pad = ((0, picture.shape[0] - height), (0, picture.shape[1] - width), (0, 0))
    return np.pad(big, pad, mode="edge")
