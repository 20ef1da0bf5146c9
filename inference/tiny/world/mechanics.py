"""Motions in closed form, so that every contact is known exactly and not to the nearest frame.

Units: world units (the picture's height is 1), seconds, radians. Heights point up here; the camera turns them.
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Contact:
    """A moment that is seen and heard. ``strength`` 0..1; ``x`` in world units."""

    time_s: float
    kind: str
    strength: float = 1.0
    x: float = 0.0


@dataclass(frozen=True)
class Flights:
    """A body that falls, bounces with restitution, and falls again.

    ``times_s[k]`` is the k-th contact, ``speeds[k]`` the speed with which it leaves it. Between contacts the height is
    ``v t - g t**2 / 2``; before the first, the same parabola run backwards from the landing speed.
    """

    times_s: tuple[float, ...]
    speeds: tuple[float, ...]
    landing_speed: float
    gravity: float

    @classmethod
    def bounce(cls, first_s: float, apex: float, period_s: float, restitution: float, until_s: float) -> "Flights":
        """Flights of which the one before the first contact has this apex and period (T = 2 sqrt(2 h / g))."""
        gravity = 8 * apex / period_s**2
        landing = gravity * period_s / 2
        times, speeds, now, speed = [first_s], [restitution * landing], first_s, restitution * landing
        while (now := now + 2 * speed / gravity) < until_s and speed > 0.15 * landing:
            speed *= restitution
            times.append(now)
            speeds.append(speed)
        return cls(tuple(times), tuple(speeds), landing, gravity)

    def height(self, time_s: float) -> float:
        """Height above the ground."""
        before = [k for k, contact_s in enumerate(self.times_s) if contact_s <= time_s]
        if before:
            passed, speed = time_s - self.times_s[before[-1]], self.speeds[before[-1]]
        else:
            passed, speed = self.times_s[0] - time_s, self.landing_speed
        return max(0.0, speed * passed - self.gravity * passed**2 / 2)

    def strengths(self) -> tuple[float, ...]:
        """Landing speed of each contact, relative to the first."""
        landings = (self.landing_speed, *self.speeds)
        return tuple(landings[k] / self.landing_speed for k in range(len(self.times_s)))


@dataclass(frozen=True)
class Pendulum:
    """A small-angle pendulum: ``swing cos(2 pi (t - phase) / period)``, period 2 pi sqrt(length / gravity)."""

    period_s: float
    phase_s: float
    swing: float

    def angle(self, time_s: float) -> float:
        """Angle from the vertical."""
        return self.swing * math.cos(2 * math.pi * (time_s - self.phase_s) / self.period_s)

    def length(self, gravity: float = 9.81) -> float:
        """Length of the pendulum that has this period."""
        return gravity * (self.period_s / (2 * math.pi)) ** 2

    def extremes(self, until_s: float) -> tuple[float, ...]:
        """The moments at which it turns round, in [0, until)."""
        half = self.period_s / 2
        first = self.phase_s % half
        count = math.ceil((until_s - first) / half)
        return tuple(first + k * half for k in range(count))


@dataclass(frozen=True)
class Gait:
    """Walking without slip: a foot lands every ``step_s``, each ``stride`` further."""

    step_s: float
    phase_s: float
    stride: float

    @property
    def speed(self) -> float:
        """World units a second."""
        return self.stride / self.step_s

    def landings(self, until_s: float) -> tuple[float, ...]:
        """The moments at which a foot lands, in [0, until)."""
        count = math.ceil((until_s - self.phase_s) / self.step_s)
        return tuple(self.phase_s + k * self.step_s for k in range(count))

    def phase(self, time_s: float) -> float:
        """Radians; a foot lands, legs furthest apart, at every multiple of pi."""
        return math.pi * (time_s - self.phase_s) / self.step_s


def nearness(time_s: float, contacts_s: tuple[float, ...], width_s: float) -> float:
    """1 at a contact, 0 from ``width_s`` away: what a squash or a spark follows."""
    gap = min((abs(time_s - contact_s) for contact_s in contacts_s), default=width_s)
    return max(0.0, 1 - gap / width_s)
