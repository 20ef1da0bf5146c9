"""The camera: it moves the whole scene, the far parts less than the near ones."""

from dataclasses import dataclass

from inference.tiny.world.attributes import Cut, Scene
from inference.tiny.world.stage import Script

PAN = 0.5
"""World units that a pan covers."""
ZOOM = 1.55


@dataclass(frozen=True)
class View:
    """Where the camera looks. ``x`` is the world place in the middle of the picture, at parallax 1."""

    x: float
    zoom: float
    home: float

    def at_depth(self, parallax: float) -> "View":
        """The same view for things that move less: 0 never moves, 1 moves with the subject."""
        return View(self.home + (self.x - self.home) * parallax, 1 + (self.zoom - 1) * parallax, self.home)

    def to_pixels(self, x: float, y: float, cut: Cut) -> tuple[float, float]:
        """Pixel coordinates of a place in the world; the picture zooms about its middle, a little low."""
        scale = cut.height * self.zoom
        return cut.width / 2 + (x - self.x) * scale, cut.height * 0.55 + (y - 0.55) * scale


def look(scene: Scene, script: Script, cut: Cut, time_s: float) -> View:
    """The view at a moment."""
    home, part = cut.aspect / 2, time_s / cut.duration_s
    if scene.camera == "follow":
        return View(script.pose(time_s).x, 1.0, home)
    if scene.camera in ("pan_left", "pan_right"):
        sign = -1 if scene.camera == "pan_left" else 1
        return View(home + sign * PAN * (part - 0.5), 1.0, home)
    if scene.camera in ("zoom_in", "zoom_out"):
        grown = part if scene.camera == "zoom_in" else 1 - part
        return View(home, 1 + (ZOOM - 1) * grown, home)
    return View(home, 1.0, home)
