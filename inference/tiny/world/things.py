"""Subjects that are made: toys, vehicles, buildings, instruments. Each is drawn about its own origin, facing right."""

import math

from inference.tiny.world.brush import Brush
from inference.tiny.world.palette import DARK, GLASS, LAMP, METAL, RGB, WHITE, WOOD, mixed, scaled
from inference.tiny.world.stage import Pose


def ball(brush: Brush, pose: Pose, colour: RGB) -> None:
    """Origin in its middle, radius 0.13; squashed at a contact, with a band that shows it roll."""
    with brush.placed(0, 0.13, 0.0, 1 + 0.3 * pose.flash, 1 - 0.3 * pose.flash), brush.placed(0, -0.13, pose.angle):
        brush.circle(0, 0, 0.13, colour)
        band = [(0.12 * math.cos(a), 0.035 * math.sin(a)) for a in _TURN]
        brush.plain(band, mixed(colour, (255, 255, 255), 0.7) if colour[2] < 230 else (90, 110, 200))


_TURN = [math.pi * k / 8 for k in range(16)]


def car(brush: Brush, pose: Pose, colour: RGB) -> None:
    """Origin on the road, 0.56 long."""
    brush.polygon([(-0.2, -0.18), (-0.11, -0.31), (0.09, -0.31), (0.18, -0.18)], colour)
    brush.plain([(-0.15, -0.19), (-0.09, -0.28), (-0.01, -0.28), (-0.01, -0.19)], GLASS)
    brush.plain([(0.02, -0.19), (0.02, -0.28), (0.075, -0.28), (0.135, -0.19)], GLASS)
    brush.box(-0.28, -0.2, 0.28, -0.05, colour, round_by=0.04)
    brush.dot(0.26, -0.14, 0.025, LAMP)
    for x in (-0.16, 0.16):
        _wheel(brush, x, -0.05, 0.075, pose.phase)


def _wheel(brush: Brush, x: float, y: float, radius: float, turn: float) -> None:
    brush.dot(x, y, radius, DARK)
    brush.dot(x, y, radius * 0.5, METAL)
    reach = radius * 0.8
    brush.line([(x - reach * math.cos(turn), y - reach * math.sin(turn)),
                (x + reach * math.cos(turn), y + reach * math.sin(turn))], WHITE, 0.018)  # fmt: skip


def train(brush: Brush, pose: Pose, colour: RGB) -> None:
    """Origin on the rails: an engine and a wagon, 0.9 long, with a puff of smoke."""
    brush.box(-0.48, -0.28, -0.14, -0.05, mixed(colour, WHITE, 0.35), round_by=0.02)
    for x in (-0.4, -0.26):
        brush.plain([(x - 0.04, -0.23), (x + 0.04, -0.23), (x + 0.04, -0.14), (x - 0.04, -0.14)], GLASS)
    brush.box(-0.08, -0.36, 0.1, -0.05, colour)
    brush.plain([(-0.04, -0.32), (0.06, -0.32), (0.06, -0.2), (-0.04, -0.2)], GLASS)
    brush.box(0.08, -0.23, 0.38, -0.05, colour, round_by=0.03)
    brush.box(0.25, -0.36, 0.32, -0.22, DARK)
    for k in range(3):
        age = (pose.phase * 0.11 + k / 3) % 1
        brush.dot(0.28 - 0.3 * age, -0.4 - 0.14 * age, 0.03 + 0.05 * age, (225, 225, 230), 0.9 - 0.7 * age)
    for x in (-0.4, -0.22, 0.0, 0.14, 0.29):
        _wheel(brush, x, -0.04, 0.055, pose.phase)


def boat(brush: Brush, _pose: Pose, colour: RGB) -> None:
    """Origin on the water line: a hull of its colour under a pale sail."""
    brush.line([(0, 0), (0, -0.45)], WOOD, 0.03)
    brush.polygon([(0.02, -0.45), (0.02, -0.12), (0.24, -0.12)], mixed((250, 248, 238), colour, 0.12))
    brush.polygon([(-0.02, -0.4), (-0.02, -0.12), (-0.16, -0.12)], mixed((250, 248, 238), colour, 0.3))
    brush.polygon([(-0.28, -0.1), (0.3, -0.1), (0.2, 0.08), (-0.2, 0.08)], colour)


def plane(brush: Brush, pose: Pose, colour: RGB) -> None:
    """Origin in its middle, 0.6 long, with a turning propeller."""
    brush.polygon([(-0.3, -0.16), (-0.2, -0.02), (-0.3, 0.0)], scaled(colour, 0.85))
    brush.oval(0, 0, 0.29, 0.085, colour)
    brush.oval(0.1, -0.055, 0.08, 0.04, GLASS)
    brush.polygon([(-0.06, 0.0), (0.08, 0.0), (-0.03, 0.15), (-0.13, 0.15)], scaled(colour, 0.8))
    reach = 0.05 + 0.07 * abs(math.sin(pose.phase * 2.3))
    brush.line([(0.31, -reach), (0.31, reach)], METAL, 0.03)


def house(brush: Brush, pose: Pose, colour: RGB) -> None:
    """Origin on the ground, 0.5 high, with smoke."""
    brush.box(0.08, -0.52, 0.15, -0.35, scaled(colour, 0.6))
    for k in range(2):
        age = (pose.phase * 0.35 + k / 2) % 1
        brush.dot(0.115 + 0.1 * age, -0.54 - 0.16 * age, 0.025 + 0.035 * age, (225, 225, 230), 0.8 - 0.7 * age)
    brush.box(-0.2, -0.3, 0.2, 0, colour)
    brush.polygon([(-0.27, -0.29), (0, -0.5), (0.27, -0.29)], scaled(colour, 0.6))
    brush.box(-0.05, -0.17, 0.05, 0, WOOD)
    for x in (-0.13, 0.13):
        brush.plain([(x - 0.04, -0.22), (x + 0.04, -0.22), (x + 0.04, -0.13), (x - 0.04, -0.13)], LAMP)


def lighthouse(brush: Brush, pose: Pose, colour: RGB) -> None:
    """Origin on the ground, 0.66 high; the beam turns with ``phase`` and glares at ``flash``."""
    reach = math.sin(pose.phase)
    if abs(reach) > 0.08:
        far = 1.3 * reach
        brush.plain([(0, -0.6), (far, -0.74), (far, -0.46)], LAMP, 0.55)
    brush.polygon([(-0.12, 0), (-0.075, -0.54), (0.075, -0.54), (0.12, 0)], colour)
    brush.plain(
        [(-0.105, -0.16), (-0.093, -0.3), (0.093, -0.3), (0.105, -0.16)], WHITE if colour[2] < 230 else (200, 60, 50)
    )
    brush.box(-0.06, -0.65, 0.06, -0.54, LAMP)
    brush.polygon([(-0.09, -0.65), (0, -0.73), (0.09, -0.65)], scaled(colour, 0.6))
    if pose.flash:
        brush.glow(0, -0.6, 0.3 * pose.flash + 0.05, (255, 252, 220), 1.0)


def bell(brush: Brush, pose: Pose, colour: RGB) -> None:
    """Origin at its axle: a bell that swings on a beam between posts, its clapper against the wall at the turn."""
    for x in (-0.4, 0.4):
        brush.line([(x, -0.02), (x, 0.74)], WOOD, 0.05)
    brush.line([(-0.46, -0.02), (0.46, -0.02)], WOOD, 0.06)
    with brush.placed(0, 0, pose.angle):
        side = -math.copysign(0.07, pose.angle) if abs(pose.angle) > 0.35 else 0.0
        brush.dot(side, 0.46, 0.055, DARK)
        brush.polygon([(-0.05, 0.02), (0.05, 0.02), (0.11, 0.2), (0.15, 0.36), (0.2, 0.43),
                       (-0.2, 0.43), (-0.15, 0.36), (-0.11, 0.2)], colour)  # fmt: skip
    if pose.flash > 0.2:
        for sign in (-1, 1):
            with brush.placed(0.42 * math.sin(-pose.angle) + 0.3 * sign, 0.36):
                brush.line([(0.02 * sign, -0.08), (0.06 * sign, 0), (0.02 * sign, 0.08)], LAMP, 0.03)


def hammer(brush: Brush, pose: Pose, colour: RGB) -> None:
    """Origin on the bench: a hammer that turns about its handle's end and hits an anvil with sparks."""
    brush.polygon([(0.02, -0.2), (0.4, -0.2), (0.32, -0.12), (0.3, 0), (0.12, 0), (0.1, -0.12)], (84, 88, 100))
    with brush.placed(-0.34, -0.24, -pose.angle):
        brush.line([(0, 0), (0.52, 0)], WOOD, 0.05)
        brush.box(0.46, -0.13, 0.62, 0.04, colour, round_by=0.02)
    if pose.flash > 0.1:
        for k in range(7):
            turn = math.pi * (0.1 + 0.8 * k / 6)
            reach = 0.1 + 0.2 * pose.flash
            brush.line([(0.22 + 0.08 * math.cos(turn), -0.2 - 0.08 * math.sin(turn)),
                        (0.22 + reach * math.cos(turn), -0.2 - reach * math.sin(turn))], LAMP, 0.03)  # fmt: skip


def door(brush: Brush, pose: Pose, colour: RGB) -> None:
    """Origin on the ground in the middle of its frame, 0.62 high; light comes through as it opens."""
    brush.box(-0.24, -0.68, 0.24, 0, WOOD)
    brush.plain([(-0.19, -0.63), (0.19, -0.63), (0.19, 0), (-0.19, 0)], (255, 236, 168))
    wide = 0.38 * math.cos(pose.amount * 1.35)
    lift = 0.09 * math.sin(pose.amount * 1.35)
    edge = -0.19 + wide
    brush.polygon([(-0.19, -0.63), (edge, -0.63 - lift), (edge, lift), (-0.19, 0)], colour)
    brush.dot(edge - 0.14 * wide, -0.3, 0.03, LAMP)
    if pose.flash > 0.1:
        for y in (-0.6, -0.35, -0.1):
            brush.line([(0.28, y), (0.36, y)], WHITE, 0.03)


def clock(brush: Brush, pose: Pose, colour: RGB) -> None:
    """Origin on the floor: a standing clock, its hand a step further at each tick, its pendulum below."""
    brush.box(-0.17, -0.5, 0.17, 0, scaled(colour, 0.75), round_by=0.02)
    brush.plain([(-0.12, -0.4), (0.12, -0.4), (0.12, -0.05), (-0.12, -0.05)], (60, 44, 34))
    with brush.placed(0, -0.42, pose.angle * 0.75):
        brush.line([(0, 0), (0, 0.26)], (230, 200, 90), 0.03)
        brush.dot(0, 0.27, 0.055, (250, 214, 90))
    brush.circle(0, -0.58, 0.19, colour)
    brush.dot(0, -0.58, 0.14, WHITE)
    brush.line([(0, -0.58), (0.11 * math.sin(pose.phase), -0.58 - 0.11 * math.cos(pose.phase))], DARK, 0.035)
