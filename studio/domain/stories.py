"""The shots that a guest begins with, in words that the model that ships has learned."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Story:
    """A shot to begin with, and the seed of the take that comes with it."""

    name: str
    prompt: str
    """In English in either language: the model that ships reads nothing else."""
    seed: int


STORIES = (
    Story("ball", "a red ball bounces at sunset", 1),
    Story("bell", "a yellow bell ringing slowly at night, bell chimes", 1),
    Story("boat", "a white boat on fast sea waves on a sunny day, wave noise", 1),
)
