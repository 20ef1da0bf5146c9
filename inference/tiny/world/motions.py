"""From a scene to its script: one function for each motion, the numbers drawn inside what the caption's words allow."""

import math
from collections.abc import Callable

import numpy as np

from inference.tiny.world.attributes import Cut, Scene
from inference.tiny.world.mechanics import Contact, Flights, Gait, Pendulum, nearness
from inference.tiny.world.stage import FLASH_S, GROUND, SEA, SPEEDS, Drawer, Pose, Script


def write(scene: Scene, cut: Cut) -> Script:
    """The script of a scene; the same for the same seed, attributes and length."""
    rng = np.random.default_rng((scene.seed, 1))
    return _MOTIONS[scene.motion](Drawer(scene, cut, rng))


def _bounce(draw: Drawer) -> Script:
    period = draw.period()
    flights = Flights.bounce(
        first_s=draw.between(0.02, period),
        apex=draw.between(0.3, 0.4) + 0.12 * (period - 0.5),
        period_s=period,
        restitution=draw.between(0.93, 0.99),
        until_s=draw.cut.duration_s,
    )
    speed = draw.between(*SPEEDS[draw.scene.pace]) * 0.75 if draw.scene.side else 0.0
    path, middle = draw.path(speed), draw.place()
    return _flying(draw, flights, path if draw.scene.side else lambda _: middle, speed, period)


def _throw(draw: Drawer) -> Script:
    """A projectile: one high arc, then lower ones."""
    period = draw.period() * 1.9
    first = draw.between(0.3, 0.6) * draw.cut.duration_s
    flights = Flights.bounce(first, draw.between(0.5, 0.62), period, draw.between(0.5, 0.62), draw.cut.duration_s)
    speed = 0.9 / draw.cut.duration_s * (1.25 if draw.scene.pace == "fast" else 1.0)
    return _flying(draw, flights, draw.path(speed), speed, period)


def _flying(draw: Drawer, flights: Flights, path: Callable[[float], float], speed: float, period: float) -> Script:
    radius = 0.13
    moments = tuple(
        Contact(time_s, "bounce", strength, path(time_s))
        for time_s, strength in zip(flights.times_s, flights.strengths(), strict=True)
        if time_s < draw.cut.duration_s
    )
    times = tuple(contact.time_s for contact in moments)

    def pose(time_s: float) -> Pose:
        y = GROUND - radius - flights.height(time_s)
        return Pose(path(time_s), y, path(time_s) * 3, flash=nearness(time_s, times, FLASH_S))

    return Script(pose, moments, draw.facing * speed, period)


def _roll(draw: Drawer) -> Script:
    """Without slip: the angle is the distance over the radius."""
    radius, speed = 0.13, draw.between(*SPEEDS[draw.scene.pace])
    path = draw.path(speed)
    return Script(lambda t: Pose(path(t), GROUND - radius, path(t) / radius), speed=draw.facing * speed)


def _drive(draw: Drawer) -> Script:
    speed = draw.between(*SPEEDS[draw.scene.pace])
    path = draw.path(speed)
    return Script(lambda t: Pose(path(t), GROUND, phase=path(t) / 0.07), speed=draw.facing * speed)


def _fly(draw: Drawer) -> Script:
    speed, beat = draw.between(*SPEEDS[draw.scene.pace]), draw.period() * 0.7
    path, height, wave = draw.path(speed), draw.between(0.3, 0.42), draw.between(0, 6)
    return Script(
        lambda t: Pose(path(t), height + 0.03 * math.sin(2 * t + wave), phase=2 * math.pi * t / beat + wave),
        speed=draw.facing * speed,
        period_s=beat,
    )


def _sail(draw: Drawer) -> Script:
    speed = draw.between(*SPEEDS[draw.scene.pace]) if draw.scene.side else 0.0
    period, wave = draw.period() * 2, draw.between(0, 6)
    path, middle = draw.path(speed), draw.place()

    def pose(time_s: float) -> Pose:
        turn = 2 * math.pi * time_s / period + wave
        x = path(time_s) if draw.scene.side else middle
        return Pose(x, SEA + 0.03 * math.sin(turn), 0.14 * math.cos(turn), phase=turn)

    return Script(pose, speed=draw.facing * speed, period_s=period)


def _walk(draw: Drawer) -> Script:
    step = draw.period() * 0.8
    speed = draw.between(*SPEEDS[draw.scene.pace]) * 0.6
    gait = Gait(step, draw.between(0, step), speed * step)
    path = draw.path(gait.speed)
    landings = gait.landings(draw.cut.duration_s)
    moments = tuple(Contact(t, "step", 0.8, path(t)) for t in landings)
    return Script(lambda t: Pose(path(t), GROUND, phase=gait.phase(t)), moments, draw.facing * speed, step)


def _stand(draw: Drawer) -> Script:
    middle = draw.place()
    return Script(lambda t: Pose(middle, GROUND, phase=t))


def _sway(draw: Drawer) -> Script:
    period, phase, middle = draw.period() * 2, draw.between(0, 6), draw.place()
    return Script(lambda t: Pose(middle, GROUND, 0.2 * math.sin(2 * math.pi * t / period + phase)), period_s=period)


def _ring(draw: Drawer) -> Script:
    half, middle = draw.period(), draw.place()
    pendulum = Pendulum(2 * half, draw.between(0, half), 0.7)
    times = pendulum.extremes(draw.cut.duration_s)
    moments = tuple(Contact(t, "bell", 1.0, middle) for t in times)
    return Script(lambda t: Pose(middle, 0.1, pendulum.angle(t), flash=nearness(t, times, FLASH_S)), moments, 0.0, half)


def _strike(draw: Drawer) -> Script:
    """Thrown up and falling back: the angle is the parabola of a bounce without loss."""
    period, middle = draw.period(), draw.place()
    flights = Flights.bounce(draw.between(0.02, period), 1.25, period, 1.0, draw.cut.duration_s)
    moments = tuple(Contact(t, "strike", 1.0, middle) for t in flights.times_s)
    return Script(
        lambda t: Pose(middle, GROUND, flights.height(t), flash=nearness(t, flights.times_s, FLASH_S)),
        moments, 0.0, period,
    )  # fmt: skip


def _turn(draw: Drawer) -> Script:
    """A door: ``amount`` goes from 0, shut, to 1, open; closing ends in a slam."""
    duration = {"slow": 1.9, "normal": 1.2, "fast": 0.6}[draw.scene.pace] * draw.between(0.85, 1.15)
    start = draw.between(0.15, max(0.2, draw.cut.duration_s - duration - 0.5))
    middle, opening = draw.place(), draw.scene.motion == "open"

    def amount(time_s: float) -> float:
        part = min(1.0, max(0.0, (time_s - start) / duration))
        return 0.5 - 0.5 * math.cos(math.pi * part) if opening else 1 - part**2

    end = start + duration
    creak = Contact(start, "creak", duration, middle)
    moments = (creak,) if opening else (creak, Contact(end, "slam", 1.0, middle))
    hits = () if opening else (end,)
    return Script(
        lambda t: Pose(middle, GROUND, amount=amount(t), flash=nearness(t, hits, FLASH_S)), moments, period_s=duration
    )


def _tick(draw: Drawer) -> Script:
    half, middle = draw.period(), draw.place()
    pendulum = Pendulum(2 * half, draw.between(0, half), 0.45)
    times = pendulum.extremes(draw.cut.duration_s)
    moments = tuple(Contact(t, "tick" if k % 2 else "tock", 0.9, middle) for k, t in enumerate(times))
    start = draw.between(0, 6)
    return Script(
        lambda t: Pose(middle, GROUND, pendulum.angle(t), start + 0.5 * sum(at <= t for at in times)),
        moments, 0.0, half,
    )  # fmt: skip


def _flash(draw: Drawer) -> Script:
    """A beam that turns; the horn sounds when it looks at us."""
    period, phase, middle = draw.period() * 2, draw.between(0, 1), draw.place()
    times = tuple(t for k in range(9) if 0 <= (t := (k + phase) * period) < draw.cut.duration_s)
    moments = tuple(Contact(t, "horn", 1.0, middle) for t in times)
    return Script(
        lambda t: Pose(middle, GROUND, phase=2 * math.pi * (t / period - phase), flash=nearness(t, times, 0.2)),
        moments, 0.0, period,
    )  # fmt: skip


def _arc(draw: Drawer) -> Script:
    rise = {"slow": 0.22, "normal": 0.38, "fast": 0.56}[draw.scene.pace] * draw.between(0.9, 1.1)
    start, sign, middle = draw.between(-0.02, 0.03), 1 if draw.scene.motion == "rise" else -1, draw.place()

    def pose(time_s: float) -> Pose:
        part = time_s / draw.cut.duration_s
        height = (0.68 + start - rise * part) if sign > 0 else (0.2 + start + rise * part)
        return Pose(middle, height, phase=time_s)

    return Script(pose, speed=sign * rise / draw.cut.duration_s)


def _burst(draw: Drawer) -> Script:
    period = draw.period() * 1.3
    times = tuple(np.arange(draw.between(0.1, period), draw.cut.duration_s, period).tolist())
    places = [draw.cut.aspect * draw.between(0.25, 0.75) for _ in times]
    heights = [draw.between(0.22, 0.4) for _ in times]
    moments = tuple(Contact(t, "bang", 1.0, x) for t, x in zip(times, places, strict=True))

    def pose(time_s: float) -> Pose:
        """The rocket that flies or the sparks that fall: ``amount`` is the time since the bang, below 0 before."""
        k = max(0, sum(time_s >= at - 0.45 * period for at in times) - 1)
        return Pose(places[k], heights[k], amount=time_s - times[k], phase=k, flash=nearness(time_s, times, FLASH_S))

    return Script(pose, moments, 0.0, period)


_MOTIONS: dict[str, Callable[[Drawer], Script]] = {
    "bounce": _bounce, "throw": _throw, "roll": _roll, "drive": _drive, "ride": _drive, "fly": _fly,
    "sail": _sail, "float": _sail, "walk": _walk, "stand": _stand, "sway": _sway, "ring": _ring,
    "strike": _strike, "open": _turn, "close": _turn, "tick": _tick, "flash": _flash, "rise": _arc,
    "sink": _arc, "burst": _burst,
}  # fmt: skip
