"""Reads a sentence back to attributes: longest phrases first, one letter wrong forgiven, unknown words skipped."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

from inference.tiny.captions.grammar import LANGUAGES
from inference.tiny.captions.lexicon import Lexicon
from inference.tiny.world.attributes import ACTIONS, SECONDS, Scene

DEFAULTS = {
    "side": "", "pace": "normal", "style": "day", "weather": "clear", "camera": "still", "light": "plain",
    "sound": "natural",
}  # fmt: skip


@dataclass
class Reading:
    """What a sentence says; unsaid attributes have their plain value, unsaid things are empty."""

    subject: str = ""
    colour: str = ""
    motion: str = ""
    second: str = ""
    second_colour: str = ""
    attributes: dict[str, str] = field(default_factory=lambda: dict(DEFAULTS))

    def agrees(self, scene: Scene) -> bool:
        """Whether it says exactly this scene."""
        said = (self.subject, self.colour, self.motion, self.second, self.second_colour)
        return said == (scene.subject, scene.colour, scene.motion, scene.second, scene.second_colour) and all(
            getattr(scene, name) == value for name, value in self.attributes.items()
        )


def read(text: str, language: str) -> Reading:
    """The attributes that a sentence names."""
    reading = Reading()
    for area, value in _found(plain_words(text), language):
        match area:
            case "noun":
                _add_noun(reading, value)
            case "colour":
                _add_colour(reading, value, LANGUAGES[language].colour_first)
            case "motion":
                reading.motion = _motion(reading, value)
            case _:
                reading.attributes[area] = value
    return reading


def plain_words(text: str) -> list[str]:
    """Lower case, without accents or punctuation."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(c))
    return re.findall(r"[a-z]+", bare)


def _add_noun(reading: Reading, value: str) -> None:
    if not reading.subject:
        reading.subject = value
    elif value in SECONDS:
        reading.second = value


def _add_colour(reading: Reading, value: str, colour_first: bool) -> None:
    """A colour belongs to the noun after it in English, to the one before it in French."""
    belongs_to_second = bool(reading.colour) if colour_first else bool(reading.second)
    if belongs_to_second:
        reading.second_colour = value
    else:
        reading.colour = value


def _motion(reading: Reading, value: str) -> str:
    """Some words fit two motions ("roule"): the one that the subject can do."""
    motions = value.split("|")
    able = {action.motion for action in ACTIONS.get(reading.subject, ())}
    return next((motion for motion in motions if motion in able), motions[0])


def _found(words: list[str], language: str) -> Iterator[tuple[str, str]]:
    phrases = _phrases(language)
    longest = max(len(phrase) for phrase in phrases)
    words = [_corrected(word, language) for word in words]
    at = 0
    while at < len(words):
        sizes = range(min(longest, len(words) - at), 0, -1)
        size = next((n for n in sizes if tuple(words[at : at + n]) in phrases), 0)
        if size:
            yield phrases[tuple(words[at : at + size])]
        at += max(1, size)


@cache
def _phrases(language: str) -> dict[tuple[str, ...], tuple[str, str]]:
    found: dict[tuple[str, ...], tuple[str, str]] = {}
    for area, value, text in _entries(LANGUAGES[language]):
        key = tuple(plain_words(text))
        if not key:
            continue
        if area == "motion" and key in found and found[key][1] != value:
            value = f"{found[key][1]}|{value}"
        found[key] = (area, value)
    return found


def _entries(lexicon: Lexicon) -> Iterator[tuple[str, str, str]]:
    for subject, nouns in lexicon.nouns.items():
        yield from (("noun", subject, noun.text) for noun in nouns)
    for colour, forms in lexicon.colours.items():
        yield from (("colour", colour, form) for form in forms.values())
    tables = {
        "motion": lexicon.verbs, "side": lexicon.sides, "pace": lexicon.paces, "style": lexicon.styles,
        "weather": lexicon.weathers, "camera": lexicon.cameras, "light": lexicon.lights, "sound": lexicon.sounds,
    }  # fmt: skip
    for area, table in tables.items():
        for value, ways in table.items():
            yield from ((area, value, way) for way in ways)


@cache
def _known(language: str) -> frozenset[str]:
    lexicon = LANGUAGES[language]
    extra = plain_words(" ".join((*lexicon.relations, *lexicon.openers, "a an the un une de d of")))
    return frozenset(word for phrase in _phrases(language) for word in phrase) | frozenset(extra)


def _corrected(word: str, language: str) -> str:
    known = _known(language)
    if word in known or len(word) < 5:
        return word
    return next((other for other in sorted(known) if len(other) >= 5 and _one_slip(word, other)), word)


def _one_slip(word: str, other: str) -> bool:
    """Whether one letter lost, added or changed, or two swapped, makes the one from the other."""
    if abs(len(word) - len(other)) > 1:
        return False
    start = next((k for k, (a, b) in enumerate(zip(word, other, strict=False)) if a != b), min(len(word), len(other)))
    rest, wanted = word[start:], other[start:]
    return rest[1:] == wanted or rest == wanted[1:] or rest[1:] == wanted[1:] or (
        rest[:2] == wanted[1::-1] and rest[2:] == wanted[2:]
    )  # fmt: skip
