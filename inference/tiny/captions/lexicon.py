"""The words of one language. Every list is of ways to say the same thing, the plainest first."""

from collections.abc import Mapping
from dataclasses import dataclass

Ways = tuple[str, ...]
Table = Mapping[str, Ways]


@dataclass(frozen=True)
class Noun:
    """A noun with its article; ``gender`` picks the form of its colour (English has one gender, "m")."""

    text: str
    article: str
    gender: str = "m"


@dataclass(frozen=True)
class Lexicon:
    """All that the grammar of a language needs. An empty text among the ways means that it may go unsaid."""

    nouns: Mapping[str, tuple[Noun, ...]]
    colours: Mapping[str, Mapping[str, str]]
    """For each colour, its form for each gender."""
    colour_first: bool
    verbs: Table
    sides: Table
    paces: Table
    relations: Ways
    styles: Table
    weathers: Table
    cameras: Table
    lights: Table
    sounds: Table
    openers: Ways
    """What may come before everything: "a film of"."""
    controls: Mapping[str, Mapping[str, str]]
    """Labels of what the room offers as controls."""
