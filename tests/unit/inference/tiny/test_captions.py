"""Captions: said and read back, in both languages."""

import numpy as np
import pytest

from inference.tiny.captions.grammar import LANGUAGES, write
from inference.tiny.captions.reader import read
from inference.tiny.world.attributes import (
    ACTIONS,
    CAMERAS,
    COLOURS,
    LIGHTS,
    PACES,
    SIDES,
    SOUNDS,
    STYLES,
    SUBJECTS,
    WEATHERS,
    Scene,
)
from inference.tiny.world.casting import cast


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_said_is_read_back(language: str) -> None:
    for seed in range(800):
        scene = cast(seed)
        text = write(scene, language, np.random.default_rng(seed))
        assert read(text, language).agrees(scene), text


@pytest.mark.parametrize("language", LANGUAGES)
def test_typos_and_lost_accents_are_mostly_forgiven(language: str) -> None:
    right = 0
    for seed in range(400):
        scene = cast(seed)
        right += read(write(scene, language, np.random.default_rng(seed), typo_share=1.0), language).agrees(scene)
    assert right >= 0.95 * 400


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_value_has_words(language: str) -> None:
    lexicon = LANGUAGES[language]
    motions = {action.motion for actions in ACTIONS.values() for action in actions}
    tables = (lexicon.nouns, lexicon.colours, lexicon.verbs, lexicon.sides, lexicon.paces, lexicon.styles)
    more = (lexicon.weathers, lexicon.cameras, lexicon.lights, lexicon.sounds)
    wanted = (SUBJECTS, COLOURS, motions, SIDES, PACES, STYLES, WEATHERS, CAMERAS, LIGHTS, SOUNDS)
    for table, values in zip((*tables, *more), wanted, strict=True):
        assert set(table) == set(values)


def test_one_scene_is_said_in_many_ways() -> None:
    scene = cast(5)
    assert len({write(scene, "en", np.random.default_rng(k)) for k in range(50)}) > 25


def test_french_colours_agree_with_their_noun() -> None:
    scene = Scene(1, "car", "green", "drive", "left")
    assert all("verte" in write(scene, "fr", np.random.default_rng(k)) for k in range(20))


@pytest.mark.parametrize("text", ["", "🎈🎈🎈", "كرة حمراء", "zxq wvu", "a ball", "x" * 4000])
def test_any_text_can_be_read(text: str) -> None:
    for language in LANGUAGES:
        assert read(text, language).attributes["style"] == "day"


def test_unknown_words_are_skipped() -> None:
    reading = read("an extraordinarily shiny red ball bounces over my keyboard at night", "en")
    assert (reading.subject, reading.colour, reading.motion) == ("ball", "red", "bounce")
    assert reading.attributes["style"] == "night"
