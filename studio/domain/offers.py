"""What the model can be asked for, read from its manifest."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.utils import timezone
from django.utils.translation import get_language

from studio.models import WorkerNode

Localised = TypeVar("Localised")


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
    nodes = WorkerNode.objects.filter(error_code="").order_by("-seen_at")
    manifest = nodes.values_list("offer", flat=True).first()
    return parse(_shipped() if manifest is None else manifest)


def workers_alive() -> int:
    """How many workers have been heard of within the lease."""
    since = timezone.now() - timedelta(seconds=settings.LEASE_S)
    return WorkerNode.objects.filter(error_code="", seen_at__gte=since).count()


def worker_error() -> str:
    """Why no worker runs: what the newest failed start said; empty while one runs or none has failed."""
    if workers_alive():
        return ""
    failed = WorkerNode.objects.exclude(error_code="").order_by("-seen_at")
    return failed.values_list("error_message", flat=True).first() or ""


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
