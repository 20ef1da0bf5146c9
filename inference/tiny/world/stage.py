"""What a script is: where the subject is at any moment, and when something is hit; and the places and paces of all."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from inference.tiny.world.attributes import Cut, Scene
from inference.tiny.world.mechanics import Contact

GROUND = 0.84
"""Height of the line on which things stand, from the top of the picture."""
SEA = 0.66
PERIODS = {"slow": (0.95, 1.25), "normal": (0.6, 0.75), "fast": (0.38, 0.48)}
"""Seconds between contacts. Drawn inside each word's range, so that the caption does not give the moments away; between
two ranges lies a quarter, or nobody could tell the words apart."""
SPEEDS = {"slow": (0.12, 0.2), "normal": (0.3, 0.4), "fast": (0.54, 0.7)}
"""World units a second."""
FLASH_S = 0.09
"""A contact shows for at least one frame at 8 frames a second: 0.09 s before to 0.09 s after."""


@dataclass(frozen=True)
class Pose:
    """The subject at one moment. ``phase`` drives legs, wings and hands, ``amount`` doors and sparks."""

    x: float
    y: float
    angle: float = 0.0
    phase: float = 0.0
    amount: float = 0.0
    flash: float = 0.0


@dataclass(frozen=True)
class Script:
    """A scene's motion. ``speed`` is signed, world units a second; ``period_s`` between contacts, 0 when none."""

    pose: Callable[[float], Pose]
    contacts: tuple[Contact, ...] = ()
    speed: float = 0.0
    period_s: float = 0.0


@dataclass(frozen=True)
class Drawer:
    """What every motion is written from: the scene, and a source of numbers that each call moves on."""

    scene: Scene
    cut: Cut
    rng: np.random.Generator

    def between(self, low: float, high: float) -> float:
        """A number in a range."""
        return float(self.rng.uniform(low, high))

    def place(self) -> float:
        """An x to stay at: the centre, or a little beside it."""
        return self.cut.aspect / 2 + self.between(-0.12, 0.12)

    @property
    def facing(self) -> int:
        """-1 to the left, 1 to the right."""
        return -1 if self.scene.side == "left" else 1

    def period(self) -> float:
        """Seconds between contacts, inside the scene's pace."""
        return self.between(*PERIODS[self.scene.pace])

    def path(self, speed: float) -> Callable[[float], float]:
        """Straight across, in the middle of the picture at a random moment in the middle of the film."""
        halfway = self.cut.duration_s * self.between(0.4, 0.6)
        return lambda time_s: self.cut.aspect / 2 + self.facing * speed * (time_s - halfway)
