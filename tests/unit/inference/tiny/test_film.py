"""Films: the same for the same seed, true to their ground truth, legible."""

from dataclasses import replace

import numpy as np
import pytest

from inference.tiny.evaluation import physics, sync
from inference.tiny.world.attributes import ACTIONS, CAMERAS, STYLES, SUBJECTS, WEATHERS, Cut, Scene
from inference.tiny.world.casting import FULL, cast
from inference.tiny.world.film import render

SCENES = [cast(k, replace(FULL, subjects=(subject,))) for k, subject in enumerate(SUBJECTS)]


@pytest.mark.parametrize("scene", SCENES, ids=SUBJECTS)
def test_the_same_seed_draws_the_same_film(scene: Scene) -> None:
    first, second = render(scene), render(scene)
    assert np.array_equal(first.frames, second.frames)
    assert first.contacts == second.contacts


@pytest.mark.parametrize("subject", SUBJECTS)
def test_every_action_can_be_drawn(subject: str) -> None:
    for action in ACTIONS[subject]:
        film = render(Scene(5, subject, "red", action.motion, "left" if action.sided else ""))
        assert film.frames.std() > 5
        assert not np.isnan(film.centres).any()


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("weather", WEATHERS)
def test_every_style_and_weather_looks_different_from_a_clear_day(style: str, weather: str) -> None:
    plain = Scene(3, "ball", "red", "bounce")
    if (style, weather) == ("day", "clear"):
        return
    film, day = render(replace(plain, style=style, weather=weather)), render(plain)
    assert np.abs(film.frames.astype(int) - day.frames).mean() > 1.5


def test_the_tracked_centre_is_where_the_colour_is() -> None:
    scene = Scene(11, "ball", "red", "bounce")
    film = render(scene)
    found = sync.track(film.frames, scene)
    assert np.nanmedian(np.abs(found - film.centres)) < 1.5


def test_a_bounce_is_seen_at_its_contacts() -> None:
    scene = Scene(12, "ball", "blue", "bounce", pace="slow")
    film = render(scene)
    seen = sync.seen_s(sync.track(film.frames, scene), scene, film.cut.rate_hz)
    gaps = [np.abs(seen - contact.time_s).min() for contact in film.contacts if 0.2 < contact.time_s < 2.9]
    assert max(gaps) < 1 / film.cut.rate_hz


def test_a_drawn_bounce_passes_the_fit_of_the_evaluation() -> None:
    scene = Scene(13, "ball", "red", "bounce", pace="slow")
    film = render(scene)
    fit = physics.fall_fit(film.frames, scene, film.cut.rate_hz)
    assert fit is not None
    assert fit > 0.95


@pytest.mark.parametrize("camera", CAMERAS)
def test_the_camera_moves_everything(camera: str) -> None:
    film = render(Scene(7, "ball", "red", "roll", "right", camera=camera))
    sky = film.frames[:, :12]
    moved = bool(np.abs(sky[-1].astype(int) - sky[0]).mean() > 1)
    assert moved == (camera != "still")


def test_a_following_camera_keeps_the_subject_in_the_middle() -> None:
    film = render(Scene(8, "car", "blue", "drive", "left", camera="follow"))
    assert film.centres[:, 0] == pytest.approx([film.cut.width / 2] * film.cut.frames)


def test_faster_words_are_faster() -> None:
    speeds = [
        abs(render(Scene(9, "car", "red", "drive", "right", pace=pace)).script.speed)
        for pace in ("slow", "normal", "fast")
    ]
    assert speeds == sorted(speeds)


@pytest.mark.parametrize(
    ("width", "height", "frames", "rate_hz"), [(64, 64, 9, 8), (160, 96, 37, 12), (192, 128, 49, 16)]
)
def test_any_size_can_be_drawn(width: int, height: int, frames: int, rate_hz: int) -> None:
    for style in ("day", "pixel"):
        film = render(Scene(4, "bell", "yellow", "ring", style=style), Cut(width, height, frames, rate_hz))
        assert film.frames.shape == (frames, height, width, 3)


def test_casting_keeps_the_held_out_combinations_apart() -> None:
    assert not any(cast(k).held_out for k in range(200))
    assert all(cast(k, held_out=True).held_out for k in range(200))


def test_held_out_combinations_still_show_every_attribute() -> None:
    held = [cast(k, held_out=True) for k in range(600)]
    assert {scene.subject for scene in held} == set(SUBJECTS)
    assert {scene.style for scene in held} == set(STYLES)


@pytest.mark.parametrize("camera", ["still", "pan_left"])
def test_the_second_thing_is_where_it_makes_a_difference(camera: str) -> None:
    scene = Scene(3, "bell", "red", "ring", second="house", second_colour="blue", camera=camera)
    film, without = render(scene), render(replace(scene, second=""))
    for k in (0, 12, 24):
        rows, columns = np.nonzero(np.abs(film.frames[k].astype(int) - without.frames[k]).sum(-1) > 60)
        assert film.behind[k] == pytest.approx((columns.mean(), rows.mean()), abs=6)
    assert np.isnan(without.behind).all()


def test_tickets_are_chances_and_whoever_measures_gives_one_to_each() -> None:
    casting = replace(FULL, tickets=(("ball", 9),))
    counts = [sum(cast(k, each).subject == "ball" for k in range(400)) for each in (casting, casting.even, FULL)]
    assert counts[0] > 3 * counts[1]
    assert counts[1] == counts[2]
