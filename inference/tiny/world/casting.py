"""Scenes drawn at random: wide enough to teach every attribute, sparse enough to be legible."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from inference.tiny.world.attributes import (
    ACTIONS,
    CAMERAS,
    COLOURS,
    IMPACTS,
    LIGHTS,
    MUSIC,
    PACES,
    PAIRED,
    SECONDS,
    SIDES,
    STYLES,
    SUBJECTS,
    WEATHERS,
    Action,
    Scene,
)  # fmt: skip


@dataclass(frozen=True)
class Casting:
    """What the scenes of a data set are drawn from.

    ``impact_share``: sound in time with the picture is learned only where impacts are dense.
    """

    subjects: tuple[str, ...] = SUBJECTS
    colours: tuple[str, ...] = COLOURS
    styles: tuple[str, ...] = STYLES
    weathers: tuple[str, ...] = WEATHERS
    cameras: tuple[str, ...] = CAMERAS
    lights: tuple[str, ...] = LIGHTS
    music: tuple[str, ...] = MUSIC
    impact_share: float = 0.5
    plain_weather_share: float = 0.6
    plain_camera_share: float = 0.5
    plain_light_share: float = 0.7
    second_share: float = 0.3
    music_share: float = 0.15
    silent_share: float = 0.04
    tickets: tuple[tuple[str, int], ...] = ()
    """How many times the others' chance a subject has: what moves in the hardest way is shown more often."""

    @property
    def even(self) -> "Casting":
        """The same with one ticket for each, for whoever measures."""
        return replace(self, tickets=())


FULL = Casting()


def cast(seed: int, casting: Casting = FULL, *, held_out: bool = False) -> Scene:
    """The scene of a seed. ``held_out`` asks for a combination that training never sees, or for one that it may."""
    rng = np.random.default_rng(seed)
    while True:
        scene = _draw(seed, rng, casting)
        if scene.held_out == held_out:
            return scene


def _draw(seed: int, rng: np.random.Generator, casting: Casting) -> Scene:
    subject, action = _pick_action(rng, casting)
    pace = _pick(rng, PACES) if action.paced else "normal"
    scene = Scene(
        seed=seed,
        subject=subject,
        colour=_pick(rng, casting.colours),
        motion=action.motion,
        side=_pick(rng, SIDES) if action.sided else "",
        style=_pick(rng, casting.styles),
        weather=_mostly(rng, "clear", casting.weathers, casting.plain_weather_share),
        camera=_pick_camera(rng, casting, action),
        pace=pace,
        light=_mostly(rng, "plain", casting.lights, casting.plain_light_share),
        sound=_pick_sound(rng, casting),
    )
    if subject not in PAIRED or rng.random() >= casting.second_share:
        return scene
    behind = [name for name in SECONDS if name in casting.subjects]
    if not behind:
        return scene
    other = _pick(rng, [colour for colour in casting.colours if colour != scene.colour])
    return replace(scene, second=_pick(rng, behind), second_colour=other)


def _pick_action(rng: np.random.Generator, casting: Casting) -> tuple[str, Action]:
    pairs = [(subject, action) for subject in casting.subjects for action in ACTIONS[subject]]
    wanted = rng.random() < casting.impact_share
    chosen = [pair for pair in pairs if (pair[1].motion in IMPACTS) == wanted] or pairs
    tickets = dict(casting.tickets)
    subject = _pick(rng, [name for name in sorted({name for name, _ in chosen}) for _ in range(tickets.get(name, 1))])
    actions = [action for name, action in chosen if name == subject]
    return subject, actions[int(rng.integers(len(actions)))]


def _pick_camera(rng: np.random.Generator, casting: Casting, action: Action) -> str:
    cameras = [camera for camera in casting.cameras if camera != "follow" or action.follows]
    return _mostly(rng, "still", cameras, casting.plain_camera_share)


def _pick_sound(rng: np.random.Generator, casting: Casting) -> str:
    chance = rng.random()
    if chance < casting.silent_share:
        return "silent"
    if casting.music and chance < casting.silent_share + casting.music_share:
        return _pick(rng, casting.music)
    return "natural"


def _pick(rng: np.random.Generator, values: Sequence[str]) -> str:
    return values[int(rng.integers(len(values)))]


def _mostly(rng: np.random.Generator, plain: str, values: Sequence[str], share: float) -> str:
    others = [value for value in values if value != plain]
    if not others or rng.random() < share:
        return plain
    return _pick(rng, others)
