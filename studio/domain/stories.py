"""The shots that a guest begins with, in words that the model that ships has learned."""

from dataclasses import dataclass

LANGUAGES = ("en", "fr")


@dataclass(frozen=True)
class Story:
    """A shot to begin with. ``prompts`` are by language; ``seed`` is that of the take that comes with it."""

    name: str
    prompts: dict[str, str]
    seed: int


STORIES = (
    Story(
        "ball",
        {
            "en": "a red ball bounces on a sunny day",
            "fr": "une balle rouge rebondit par une journée ensoleillée",
        },
        4,
    ),
    Story(
        "bell",
        {
            "en": "a yellow bell rings slowly at night",
            "fr": "une cloche jaune sonne lentement la nuit",
        },
        1,
    ),
    Story(
        "boat",
        {
            "en": "a white boat sails to the right at sunset",
            "fr": "un bateau blanc navigue vers la droite au coucher du soleil",
        },
        1,
    ),
)
