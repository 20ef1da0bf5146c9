"""What a scene can be: every attribute, its values, and which go together."""

from collections.abc import Mapping
from dataclasses import dataclass

COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "white")
STYLES = ("day", "night", "sunset", "neon", "snow", "pencil", "paper", "pixel")
WEATHERS = ("clear", "rain", "snowfall", "wind", "storm")
CAMERAS = ("still", "pan_left", "pan_right", "zoom_in", "zoom_out", "follow")
PACES = ("slow", "normal", "fast")
LIGHTS = ("plain", "left", "backlit", "dim")
SOUNDS = ("natural", "silent", "calm", "tense", "cheerful", "piano", "drums")
MUSIC = SOUNDS[2:]
SIDES = ("left", "right")
SECONDS = ("house", "tree", "lighthouse")
"""Subjects that can stand behind another one."""


@dataclass(frozen=True)
class Action:
    """One thing that a subject can do. ``sided`` says that it goes to the left or to the right."""

    motion: str
    sided: bool = False
    follows: bool = False
    """The camera can follow it."""
    paced: bool = True
    """It has a visible pace."""

    @property
    def sides(self) -> tuple[str, ...]:
        """Where it can go."""
        return SIDES if self.sided else ("",)


ACTIONS: Mapping[str, tuple[Action, ...]] = {
    "ball": (
        Action("bounce"),
        Action("bounce", sided=True, follows=True),
        Action("roll", sided=True, follows=True),
        Action("throw", sided=True),
    ),
    "car": (Action("drive", sided=True, follows=True),),
    "train": (Action("ride", sided=True, follows=True),),
    "boat": (Action("float"), Action("sail", sided=True, follows=True)),
    "plane": (Action("fly", sided=True, follows=True),),
    "bird": (Action("fly", sided=True, follows=True),),
    "cat": (Action("walk", sided=True, follows=True),),
    "person": (Action("walk", sided=True, follows=True),),
    "house": (Action("stand", paced=False),),
    "tree": (Action("sway"),),
    "bell": (Action("ring"),),
    "hammer": (Action("strike"),),
    "door": (Action("open"), Action("close")),
    "clock": (Action("tick"),),
    "lighthouse": (Action("flash"),),
    "sun": (Action("rise"), Action("sink")),
    "moon": (Action("rise"), Action("sink")),
    "fireworks": (Action("burst"),),
}
SUBJECTS = tuple(ACTIONS)
IMPACTS = frozenset({"bounce", "throw", "ring", "strike", "close", "tick", "walk", "burst"})
"""Motions with a moment that is seen and heard."""
PAIRED = frozenset({"ball", "car", "train", "bird", "plane", "cat", "person", "bell", "hammer"})
"""Subjects that can have another one behind them."""


@dataclass(frozen=True)
class Scene:
    """All that the caption can say, and the seed from which the rest is drawn."""

    seed: int
    subject: str
    colour: str
    motion: str
    side: str = ""
    style: str = "day"
    weather: str = "clear"
    camera: str = "still"
    pace: str = "normal"
    light: str = "plain"
    second: str = ""
    second_colour: str = ""
    sound: str = "natural"

    @property
    def action(self) -> Action:
        """The action of this scene's subject."""
        return next(a for a in ACTIONS[self.subject] if a.motion == self.motion and a.sided == bool(self.side))

    @property
    def held_out(self) -> bool:
        """Whether this combination is kept for evaluation: about one in twelve of subject, colour and style."""
        place = 5 * SUBJECTS.index(self.subject) + 3 * COLOURS.index(self.colour) + 7 * STYLES.index(self.style)
        return place % 12 == 0


@dataclass(frozen=True)
class Cut:
    """The size and length of a film. Pixels, frames, and frames a second."""

    width: int = 96
    height: int = 64
    frames: int = 25
    rate_hz: int = 8

    @property
    def duration_s(self) -> float:
        """Length of the film."""
        return self.frames / self.rate_hz

    @property
    def aspect(self) -> float:
        """Width over height: the visible width in world units, the visible height being 1."""
        return self.width / self.height
