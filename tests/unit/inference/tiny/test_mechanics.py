"""The world's motions against the formulas of mechanics."""

import math
from itertools import pairwise

import numpy as np
import pytest

from inference.tiny.world.mechanics import Flights, Gait, Pendulum, nearness


def test_bounce_touches_the_ground_at_every_contact() -> None:
    flights = Flights.bounce(first_s=0.3, apex=0.4, period_s=0.7, restitution=0.9, until_s=5)
    assert [flights.height(time_s) for time_s in flights.times_s] == pytest.approx(
        [0] * len(flights.times_s), abs=1e-12
    )


def test_bounce_has_constant_acceleration_between_contacts() -> None:
    flights = Flights.bounce(first_s=0.2, apex=0.4, period_s=0.8, restitution=0.9, until_s=5)
    start, end = flights.times_s[1:3]
    times = np.linspace(start + 0.01, end - 0.01, 40)
    bend = 2 * np.polyfit(times, [flights.height(t) for t in times.tolist()], 2)[0]
    assert bend == pytest.approx(-flights.gravity)


def test_each_apex_is_lower_by_the_square_of_the_restitution() -> None:
    flights = Flights.bounce(first_s=0.1, apex=0.4, period_s=0.7, restitution=0.8, until_s=4)
    apexes = [speed**2 / (2 * flights.gravity) for speed in (flights.landing_speed, *flights.speeds)]
    ratios = [later / sooner for sooner, later in pairwise(apexes[:5])]
    assert apexes[0] == pytest.approx(0.4)
    assert ratios == pytest.approx([0.64] * 4)


def test_flight_time_is_that_of_free_fall() -> None:
    flights = Flights.bounce(first_s=0.0, apex=0.4, period_s=0.7, restitution=1.0, until_s=3)
    gaps = np.diff(flights.times_s)
    assert gaps == pytest.approx(2 * math.sqrt(2 * 0.4 / flights.gravity))


def test_pendulum_period_follows_its_length() -> None:
    pendulum = Pendulum(period_s=1.4, phase_s=0.2, swing=0.5)
    assert 2 * math.pi * math.sqrt(pendulum.length() / 9.81) == pytest.approx(1.4)
    assert pendulum.angle(0.3) == pytest.approx(pendulum.angle(0.3 + 1.4))


def test_pendulum_turns_round_at_its_extremes() -> None:
    pendulum = Pendulum(period_s=1.2, phase_s=0.25, swing=0.5)
    extremes = pendulum.extremes(until_s=4)
    assert [abs(pendulum.angle(t)) for t in extremes] == pytest.approx([0.5] * len(extremes))
    assert min(extremes) >= 0
    assert max(extremes) < 4


def test_feet_land_where_the_legs_are_furthest_apart_and_do_not_slip() -> None:
    gait = Gait(step_s=0.4, phase_s=0.1, stride=0.2)
    assert [abs(math.cos(gait.phase(t))) for t in gait.landings(3)] == pytest.approx([1] * 8)
    assert gait.speed * gait.step_s == pytest.approx(gait.stride)


def test_a_contact_shows_around_its_moment_only() -> None:
    assert nearness(1.0, (1.0,), 0.1) == 1
    assert nearness(1.05, (1.0,), 0.1) == pytest.approx(0.5)
    assert nearness(1.2, (1.0,), 0.1) == 0
    assert nearness(1.2, (), 0.1) == 0
