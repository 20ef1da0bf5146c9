"""Shapes in the hand of a style, on an antialiased canvas, in world units."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import skia

from inference.tiny.world.attributes import Cut
from inference.tiny.world.camera import View
from inference.tiny.world.palette import DARK, RGB, SURROUNDINGS, mixed, scaled

Point = tuple[float, float]
LINE = 0.022
"""Width of an outline: 1.4 pixels at 64 lines, the thinnest that the video VAE keeps."""


@dataclass(frozen=True)
class Brush:
    """Draws on ``pixels`` (H, W, 4) RGBA uint8 for one style and light."""

    canvas: skia.Canvas
    style: str
    light: str
    cut: Cut

    @classmethod
    def on(cls, pixels: np.ndarray, style: str, light: str, cut: Cut) -> "Brush":
        """A brush whose strokes appear in the array."""
        return cls(skia.Canvas(pixels), style, light, cut)

    @contextmanager
    def seen(self, view: View) -> Iterator[None]:
        """World units as this view shows them."""
        scale = self.cut.height * view.zoom
        self.canvas.save()
        self.canvas.translate(self.cut.width / 2 - view.x * scale, self.cut.height * 0.55 - 0.55 * scale)
        self.canvas.scale(scale, scale)
        yield
        self.canvas.restore()

    @contextmanager
    def placed(self, x: float, y: float, angle: float = 0.0, wide: float = 1.0, high: float = 1.0) -> Iterator[None]:
        """A local origin, turned by ``angle`` radians and stretched."""
        self.canvas.save()
        self.canvas.translate(x, y)
        self.canvas.rotate(angle * 57.29578)
        self.canvas.scale(wide, high)
        yield
        self.canvas.restore()

    def polygon(self, points: Sequence[Point], colour: RGB) -> None:
        """A closed, filled shape with the style's outline."""
        path = skia.Path()
        path.addPoly([skia.Point(x, y) for x, y in points], True)
        self.shape(path, colour)

    def circle(self, x: float, y: float, radius: float, colour: RGB) -> None:
        """A filled disc with the style's outline."""
        path = skia.Path()
        path.addCircle(x, y, radius)
        self.shape(path, colour)

    def oval(self, x: float, y: float, wide: float, high: float, colour: RGB) -> None:
        """A filled ellipse of these half-axes with the style's outline."""
        path = skia.Path()
        path.addOval(skia.Rect(x - wide, y - high, x + wide, y + high))
        self.shape(path, colour)

    def box(self, left: float, top: float, right: float, bottom: float, colour: RGB, *, round_by: float = 0.0) -> None:
        """A filled rectangle with the style's outline."""
        path = skia.Path()
        path.addRoundRect(skia.Rect(left, top, right, bottom), round_by, round_by)
        self.shape(path, colour)

    def line(self, points: Sequence[Point], colour: RGB, width: float = LINE, alpha: float = 1.0) -> None:
        """An open stroke with round ends."""
        path = skia.Path()
        path.addPoly([skia.Point(x, y) for x, y in points], False)
        self.canvas.drawPath(path, _paint(colour, alpha, width))

    def glow(self, x: float, y: float, radius: float, colour: RGB, alpha: float = 0.8) -> None:
        """A soft disc of light."""
        ends = [_argb(colour, alpha), _argb(colour, 0.0)]
        paint = skia.Paint(AntiAlias=True)
        paint.setShader(skia.GradientShader.MakeRadial(skia.Point(x, y), radius, ends))
        self.canvas.drawCircle(x, y, radius, paint)

    def plain(self, points: Sequence[Point], colour: RGB, alpha: float = 1.0) -> None:
        """A filled shape without an outline: backdrops, shadows, beams of light."""
        path = skia.Path()
        path.addPoly([skia.Point(x, y) for x, y in points], True)
        self.canvas.drawPath(path, _paint(colour, alpha))

    def dot(self, x: float, y: float, radius: float, colour: RGB, alpha: float = 1.0) -> None:
        """A disc without an outline."""
        self.canvas.drawCircle(x, y, radius, _paint(colour, alpha))

    def shape(self, path: skia.Path, colour: RGB) -> None:
        """A path filled and outlined as the style does it."""
        fill, edge, width = self._ink(colour)
        if self.style == "paper":
            with self.placed(0.016, 0.02):
                self.canvas.drawPath(path, _paint((0, 0, 0), 0.3))
        paint = _paint(fill, 1.0)
        if self.light == "left":
            bounds = path.getBounds()
            ends = [skia.Point(bounds.left(), 0), skia.Point(bounds.right(), 0)]
            tones = [_argb(mixed(fill, (255, 255, 235), 0.3), 1.0), _argb(scaled(fill, 0.45), 1.0)]
            paint.setShader(skia.GradientShader.MakeLinear(ends, tones))
        self.canvas.drawPath(path, paint)
        self.canvas.drawPath(path, _paint(edge, 1.0, width))

    def _ink(self, colour: RGB) -> tuple[RGB, RGB, float]:
        """Fill, outline and outline width of a thing of this colour."""
        if self.style == "neon":
            return scaled(colour, 0.5), mixed(colour, (255, 255, 255), 0.25), LINE * 1.3
        if self.style == "pencil":
            return mixed(colour, (246, 243, 234), 0.3), (58, 58, 62), LINE
        if self.style == "paper":
            return colour, mixed(colour, (255, 255, 255), 0.55), LINE * 0.8
        lit = scaled(colour, SURROUNDINGS[self.style].shade)
        if self.light == "backlit":
            return scaled(lit, 0.6), mixed(lit, (255, 240, 190), 0.7), LINE
        return lit, mixed(scaled(lit, 0.5), DARK, 0.3), LINE * 0.8


def _argb(colour: RGB, alpha: float) -> int:
    return int(skia.Color(*colour, round(alpha * 255)))


def _paint(colour: RGB, alpha: float, width: float = 0.0) -> skia.Paint:
    paint = skia.Paint(AntiAlias=True, Color=_argb(colour, alpha))
    if width:
        paint.setStyle(skia.Paint.kStroke_Style)
        paint.setStrokeWidth(width)
        paint.setStrokeCap(skia.Paint.kRound_Cap)
        paint.setStrokeJoin(skia.Paint.kRound_Join)
    return paint
