"""The colours of the world: eight for the subjects, and one set of surroundings for each style."""

from collections.abc import Mapping
from dataclasses import dataclass

RGB = tuple[int, int, int]

PAINTS: Mapping[str, RGB] = {
    "red": (222, 44, 42),
    "orange": (242, 128, 28),
    "yellow": (250, 214, 48),
    "green": (52, 176, 74),
    "blue": (44, 96, 226),
    "purple": (140, 62, 196),
    "pink": (248, 140, 190),
    "white": (244, 244, 240),
}


@dataclass(frozen=True)
class Surroundings:
    """A style's own colours. ``shade`` scales the light that falls on things."""

    sky_top: RGB
    sky_low: RGB
    far: RGB
    ground: RGB
    sea: RGB
    cloud: RGB
    shade: float = 1.0


SURROUNDINGS: Mapping[str, Surroundings] = {
    "day": Surroundings(
        (96, 172, 244), (206, 234, 255), (112, 176, 112), (124, 190, 92), (44, 120, 196), (255, 255, 255),
    ),
    "night": Surroundings(
        (8, 12, 40), (36, 42, 96), (22, 34, 58), (26, 52, 48), (16, 36, 92), (52, 58, 96), 0.8,
    ),
    "sunset": Surroundings(
        (104, 56, 128), (255, 158, 84), (112, 60, 84), (120, 82, 66), (126, 70, 110), (255, 190, 150), 0.92,
    ),
    "neon": Surroundings(
        (12, 0, 30), (64, 0, 96), (36, 4, 66), (14, 6, 30), (0, 30, 70), (70, 20, 110),
    ),
    "snow": Surroundings(
        (168, 194, 220), (226, 236, 246), (196, 208, 224), (240, 244, 250), (116, 150, 184), (236, 240, 246),
    ),
    "pencil": Surroundings(
        (246, 243, 234), (246, 243, 234), (226, 222, 212), (214, 210, 200), (206, 206, 206), (236, 233, 226),
    ),
    "paper": Surroundings(
        (112, 196, 206), (112, 196, 206), (250, 206, 120), (236, 122, 92), (52, 132, 168), (255, 250, 236),
    ),
    "pixel": Surroundings(
        (84, 140, 255), (140, 190, 255), (0, 150, 100), (190, 110, 40), (20, 80, 200), (255, 255, 255),
    ),
}  # fmt: skip

DARK: RGB = (40, 40, 46)
WOOD: RGB = (124, 82, 48)
METAL: RGB = (150, 156, 168)
GLASS: RGB = (196, 228, 246)
LAMP: RGB = (255, 240, 160)
SKIN: RGB = (238, 190, 150)
WHITE: RGB = (250, 250, 250)
NIGHTLY = frozenset({"night", "neon"})


def scaled(colour: RGB, factor: float) -> RGB:
    """Darker below 1, lighter above."""
    red, green, blue = (max(0, min(255, round(part * factor))) for part in colour)
    return red, green, blue


def mixed(one: RGB, other: RGB, share: float) -> RGB:
    """``share`` of the other colour in the one."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue
