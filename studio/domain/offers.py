"""What the model can be asked for, read from its manifest."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.db.models.functions import Now
from django.utils.translation import get_language

from studio.models import WorkerNode

Localised = TypeVar("Localised")


LONGEST_LOAD = timedelta(minutes=10)
"""A worker that has said nothing for so long since it began to load its model is taken for dead."""


@dataclass(frozen=True)
class Size:
    """A picture size, in pixels."""

    id: str
    width: int
    height: int
    label: str


@dataclass(frozen=True)
class Choice:
    """One value of a setting, with its label by language."""

    id: str
    labels: dict[str, str]

    @property
    def label(self) -> str:
        return local(self.labels, self.id)


@dataclass(frozen=True)
class Offer:
    """What can be asked for. ``lengths`` are frame counts at ``rate_hz``; ``steps`` are by quality."""

    model: str
    rate_hz: int
    sizes: tuple[Size, ...]
    lengths: tuple[int, ...]
    steps: dict[str, int]
    styles: tuple[Choice, ...]
    lights: tuple[Choice, ...]
    paces: tuple[Choice, ...]
    suggestions: dict[str, tuple[str, ...]]


def local(by_language: Mapping[str, Localised], otherwise: Localised) -> Localised:
    """The value in the reader's language, else in English."""
    language = (get_language() or "en").split("-")[0]
    return by_language.get(language, by_language.get("en", otherwise))


def current() -> Offer:
    """The offer of the newest living worker, else of the newest that ever was, else of the model's own folder."""
    nodes = WorkerNode.objects.filter(error_code="", is_ready=True).order_by("-seen_at")
    manifest = nodes.values_list("offer", flat=True).first()
    return parse(_shipped() if manifest is None else manifest)


@dataclass(frozen=True)
class Workers:
    """How it stands with the workers: how many are alive, how many load their model, and why none runs."""

    alive: int
    loading: int
    error: str


def workers() -> Workers:
    """The workers as they are now; ``error`` is what the newest failed start said, empty while one is alive."""
    # Postgres' time, by which they say that they are there: another machine's clock may be wrong.
    nodes = list(WorkerNode.objects.order_by("-seen_at").defer("offer").annotate(asked_at=Now()))
    sound = [(node, node.asked_at - node.seen_at) for node in nodes if not node.error_code]
    alive = sum(node.is_ready and silence <= timedelta(seconds=settings.LEASE_S) for node, silence in sound)
    loading = sum(not node.is_ready and silence <= LONGEST_LOAD for node, silence in sound)
    failed = next((node.error_message for node in nodes if node.error_code), "")
    return Workers(alive, loading, "" if alive else failed)


def workers_alive() -> int:
    """How many workers have been heard of within the lease."""
    return workers().alive


def parse(manifest: dict[str, Any]) -> Offer:
    """Read a manifest; what it leaves out is not on offer."""
    controls = manifest.get("controls", {})
    return Offer(
        model=manifest.get("name", settings.RUSHES_MODEL),
        rate_hz=manifest.get("rate_hz", 0),
        sizes=tuple(_size(each) for each in manifest.get("sizes", [])),
        lengths=tuple(manifest.get("lengths", [])),
        steps={quality: call["steps"] for quality, call in manifest.get("qualities", {}).items()},
        styles=_choices(controls.get("style", [])),
        lights=_choices(controls.get("light", [])),
        paces=_choices(controls.get("pace", [])),
        suggestions={language: tuple(words) for language, words in manifest.get("suggestions", {}).items()},
    )


def _size(each: dict[str, Any]) -> Size:
    return Size(each["id"], each["width"], each["height"], each.get("label", each["id"]))


def _choices(each: list[dict[str, Any]]) -> tuple[Choice, ...]:
    return tuple(Choice(choice["id"], dict(choice.get("label", {}))) for choice in each)


def _shipped() -> dict[str, Any]:
    path = settings.RUSHES_MODEL_FOLDER / "manifest.json"
    if not path.is_file():
        return {}
    manifest: dict[str, Any] = json.loads(path.read_text())
    return manifest
