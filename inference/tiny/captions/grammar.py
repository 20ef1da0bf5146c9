"""Writes a scene as a sentence: synonyms, word orders, parts that may go unsaid, and now and then a typo."""

import unicodedata
from collections.abc import Mapping

import numpy as np

from inference.tiny.captions.english import ENGLISH
from inference.tiny.captions.french import FRENCH
from inference.tiny.captions.lexicon import Lexicon, Noun, Ways
from inference.tiny.world.attributes import Scene

LANGUAGES: Mapping[str, Lexicon] = {"en": ENGLISH, "fr": FRENCH}
STYLE_FIRST_SHARE, STYLE_LATE_SHARE = 0.2, 0.3
CAPITAL_SHARE, STOP_SHARE = 0.3, 0.2
TYPO_LENGTH = 6
"""Shorter words are left whole: with a letter gone they become other words."""


def write(scene: Scene, language: str, rng: np.random.Generator, *, typo_share: float = 0.0) -> str:
    """One way of saying the scene. Attributes at their plain value may go unsaid, the others never do."""
    lexicon = LANGUAGES[language]
    clause = _clause(scene, lexicon, rng)
    tail = [
        _pick(rng, ways)
        for ways in (
            lexicon.weathers[scene.weather], lexicon.lights[scene.light],
            lexicon.cameras[scene.camera], lexicon.sounds[scene.sound],
        )
    ]  # fmt: skip
    text = ", ".join(part for part in _ordered(clause, _pick(rng, lexicon.styles[scene.style]), tail, rng) if part)
    return _typed(_mistyped(text, rng) if rng.random() < typo_share else text, rng, hasty=rng.random() < typo_share)


def _ordered(clause: str, style: str, tail: list[str], rng: np.random.Generator) -> list[str]:
    """The style comes first, among the tail, or at the end of the clause."""
    place = rng.random()
    if STYLE_FIRST_SHARE <= place < STYLE_FIRST_SHARE + STYLE_LATE_SHARE:
        tail = [*tail, style]
    rng.shuffle(tail)
    if place < STYLE_FIRST_SHARE:
        return [style, clause, *tail]
    if place < STYLE_FIRST_SHARE + STYLE_LATE_SHARE:
        return [clause, *tail]
    return [f"{clause} {style}".strip(), *tail]


def _typed(text: str, rng: np.random.Generator, *, hasty: bool) -> str:
    """With or without a capital and a full stop; without accents in haste."""
    if rng.random() < CAPITAL_SHARE:
        text = text[0].upper() + text[1:]
    if rng.random() < STOP_SHARE:
        text += "."
    if not hasty:
        return text
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def _clause(scene: Scene, lexicon: Lexicon, rng: np.random.Generator) -> str:
    moves = [_pick(rng, lexicon.paces[scene.pace])]
    if scene.side:
        moves.insert(int(rng.integers(2)), _pick(rng, lexicon.sides[scene.side]))
    words = [
        _pick(rng, lexicon.openers),
        _thing(scene.subject, scene.colour, lexicon, rng),
        _pick(rng, lexicon.verbs[scene.motion]),
        *moves,
    ]
    if scene.second:
        other = _thing(scene.second, scene.second_colour, lexicon, rng)
        relation = _pick(rng, lexicon.relations)
        words.append(f"{relation}{other}" if relation.endswith("'") else f"{relation} {other}")
    return " ".join(word for word in words if word)


def _thing(subject: str, colour: str, lexicon: Lexicon, rng: np.random.Generator) -> str:
    nouns = lexicon.nouns[subject]
    noun: Noun = nouns[int(rng.integers(len(nouns)))]
    tint = lexicon.colours[colour][noun.gender]
    if not lexicon.colour_first:
        return f"{noun.article} {noun.text} {tint}"
    article = noun.article and ("an" if tint[0] in "aeiou" else "a")
    return f"{article} {tint} {noun.text}".strip()


def _mistyped(text: str, rng: np.random.Generator) -> str:
    """One word with two letters swapped, one lost, or one doubled."""
    words = text.split(" ")
    long = [k for k, word in enumerate(words) if word.isalpha() and len(word) >= TYPO_LENGTH]
    if not long:
        return text
    k = long[int(rng.integers(len(long)))]
    word, at = words[k], int(rng.integers(1, len(words[k]) - 2))
    changed = (
        word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        word[:at] + word[at + 1 :],
        word[:at] + word[at] + word[at:],
    )
    words[k] = changed[int(rng.integers(3))]
    return " ".join(words)


def _pick(rng: np.random.Generator, ways: Ways) -> str:
    return ways[int(rng.integers(len(ways)))]
