"""Subjects that live, grow or shine. Each is drawn about its own origin, facing right."""

import math

from inference.tiny.world.brush import Brush
from inference.tiny.world.palette import DARK, LAMP, RGB, SKIN, WHITE, WOOD, mixed, scaled
from inference.tiny.world.stage import Pose


def bird(brush: Brush, pose: Pose, colour: RGB) -> None:
    """Origin in its middle, 0.4 long, flapping."""
    beat = math.sin(pose.phase)
    brush.polygon([(-0.14, 0.0), (-0.27, -0.06), (-0.26, 0.06)], scaled(colour, 0.8))
    brush.oval(0, 0, 0.17, 0.095, colour)
    brush.circle(0.15, -0.07, 0.075, colour)
    brush.plain([(0.21, -0.09), (0.3, -0.055), (0.21, -0.03)], (246, 166, 30))
    brush.dot(0.17, -0.09, 0.02, DARK)
    brush.polygon([(-0.1, -0.02), (0.08, -0.02), (-0.06, -0.02 - 0.26 * beat)], scaled(colour, 0.7))


def cat(brush: Brush, pose: Pose, colour: RGB) -> None:
    """Origin on the ground, 0.5 long; diagonal legs move together."""
    swing = 0.07 * math.cos(pose.phase)
    brush.line([(-0.2, -0.2), (-0.31, -0.3), (-0.27 + 0.04 * math.sin(pose.phase), -0.42)], colour, 0.05)
    for x, sign in ((-0.15, 1), (-0.1, -1), (0.1, 1), (0.15, -1)):
        brush.line([(x, -0.13), (x + sign * swing, -0.01)], scaled(colour, 0.75), 0.05)
    brush.oval(0, -0.19, 0.22, 0.09, colour)
    brush.plain([(0.13, -0.38), (0.16, -0.46), (0.21, -0.39)], colour)
    brush.plain([(0.23, -0.39), (0.29, -0.46), (0.31, -0.37)], colour)
    brush.circle(0.22, -0.31, 0.1, colour)
    brush.dot(0.25, -0.33, 0.02, DARK)


def person(brush: Brush, pose: Pose, colour: RGB) -> None:
    """Origin on the ground, 0.66 high, in a coat of its colour."""
    swing = 0.13 * math.cos(pose.phase)
    lift = 0.02 * abs(math.sin(pose.phase))
    for sign in (-1, 1):
        brush.line([(0, -0.27 - lift), (0.55 * sign * swing, -0.13), (sign * swing, -0.015)], (52, 56, 78), 0.055)
    brush.polygon([(-0.085, -0.5 - lift), (0.085, -0.5 - lift), (0.11, -0.22), (-0.11, -0.22)], colour)
    brush.line([(0.0, -0.46 - lift), (0.85 * swing, -0.3)], scaled(colour, 0.7), 0.05)
    brush.circle(0.01, -0.59 - lift, 0.085, SKIN)
    brush.plain(
        [(-0.1, -0.61 - lift), (-0.06, -0.7 - lift), (0.07, -0.7 - lift), (0.11, -0.61 - lift)], scaled(colour, 0.6)
    )


def tree(brush: Brush, pose: Pose, colour: RGB) -> None:
    """Origin on the ground, 0.68 high, swaying from the root; its leaves have the colour."""
    lean = pose.angle
    brush.line([(0, 0), (0.12 * lean, -0.2), (0.5 * lean, -0.38)], WOOD, 0.075)
    for x, y, radius in ((-0.13, -0.36, 0.12), (0.13, -0.36, 0.12), (0, -0.5, 0.16)):
        brush.circle(x + lean * -y * 1.3, y, radius, colour)


def sun(brush: Brush, pose: Pose, colour: RGB) -> None:
    """Origin in its middle, with turning rays."""
    brush.glow(0, 0, 0.34, mixed(colour, WHITE, 0.3), 0.7)
    for k in range(8):
        turn = k * math.pi / 4 + 0.5 * pose.phase
        brush.line([(0.19 * math.cos(turn), 0.19 * math.sin(turn)),
                    (0.26 * math.cos(turn), 0.26 * math.sin(turn))], colour, 0.035)  # fmt: skip
    brush.circle(0, 0, 0.15, colour)


def moon(brush: Brush, _pose: Pose, colour: RGB) -> None:
    """Origin in its middle: a crescent."""
    brush.glow(0, 0, 0.3, mixed(colour, WHITE, 0.3), 0.55)
    outer = [(0.17 * math.cos(a), 0.17 * math.sin(a)) for a in _BOW]
    inner = [(0.07 + 0.13 * math.cos(a), 0.13 * math.sin(a)) for a in reversed(_BOW)]
    brush.polygon(outer + inner, colour)


_BOW = [math.pi * (0.28 + 1.44 * k / 14) for k in range(15)]


def fireworks(brush: Brush, pose: Pose, colour: RGB) -> None:
    """Origin at the burst: a rocket that comes up before it, sparks that slow down and fall after it."""
    age = pose.amount
    if age < 0:
        brush.line([(0, -1.6 * age), (0, -1.6 * age + 0.07)], LAMP, 0.035)
        return
    fade = max(0.0, 1 - age / 0.9)
    reach = 0.34 * (1 - math.exp(-7 * age))
    for k in range(12):
        turn = k * math.pi / 6 + 0.4 * pose.phase
        x, y = reach * math.cos(turn), reach * math.sin(turn) + 0.22 * age**2
        inside = 0.6
        brush.line([(x * inside, y * inside), (x, y)], mixed(colour, WHITE, 0.15), 0.035, fade)
        brush.dot(x, y, 0.035, colour, fade)
    if pose.flash:
        brush.glow(0, 0, 0.2, WHITE, pose.flash)
