"""The clips on the front page: made by the model that ships with Rushes, and only by it."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.templatetags.static import static


@dataclass(frozen=True)
class Clip:
    """One sample: what was asked for, and what came out."""

    prompt: str
    clip_url: str
    poster_url: str
    width: int
    height: int
    duration_s: float


@dataclass(frozen=True)
class Frame:
    """One frame of the preview after a denoise step."""

    url: str
    step: int
    steps: int
    width: int
    height: int


@dataclass(frozen=True)
class Samples:
    """The clips and the model that made them; ``steps`` are previews on the way to one of them."""

    model: str = ""
    clips: tuple[Clip, ...] = ()
    steps_prompt: str = ""
    steps: tuple[Frame, ...] = ()


@cache
def samples() -> Samples:
    """What ``static/public/samples/samples.json`` lists; it is written by the run that rendered the clips."""
    listing = Path(settings.BASE_DIR) / "static" / "public" / "samples" / "samples.json"
    if not listing.exists():
        return Samples()
    listed: dict[str, Any] = json.loads(listing.read_text())
    return Samples(
        model=listed["model"],
        clips=tuple(_clip(entry) for entry in listed["clips"]),
        steps_prompt=listed["steps_prompt"],
        steps=tuple(_frame(entry) for entry in listed["steps"]),
    )


def _clip(entry: dict[str, Any]) -> Clip:
    return Clip(
        prompt=entry["prompt"],
        clip_url=_url(entry["clip"]),
        poster_url=_url(entry["poster"]),
        width=entry["width"],
        height=entry["height"],
        duration_s=entry["duration_s"],
    )


def _frame(entry: dict[str, Any]) -> Frame:
    return Frame(_url(entry["image"]), entry["step"], entry["steps"], entry["width"], entry["height"])


def _url(name: str) -> str:
    return static(f"samples/{name}")
