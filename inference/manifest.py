"""What a model offers: the ``manifest.json`` beside its weights, read and checked. Standard library only.

The manifest keeps the call defaults of its model, which belong to the weights and not to their class: the stock
defaults of LTX-2's pipeline make noise of a small model of the same class, and the reverse.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference.errors import JobError, ModelError
from inference.wire import PROMPT_LIMIT, SEED_LIMIT, Job

FILE_NAME = "manifest.json"
QUALITIES = ("draft", "final")
CONTROLS = ("style", "light", "pace")
LANGUAGES = ("en", "fr")
PHRASE_PLACES = ("end", "first_clause")
MEL_NUMBERS = ("lowest_hz", "centre", "spread")


@dataclass(frozen=True)
class Size:
    """A picture size on offer, in pixels."""

    id: str
    width: int
    height: int


@dataclass(frozen=True)
class Manifest:
    """A checked manifest. ``data`` is all of it, as it goes out to the studio."""

    name: str
    version: str
    family: str
    rate_hz: int
    sample_rate_hz: int
    sizes: tuple[Size, ...]
    lengths: tuple[int, ...]
    calls: Mapping[str, Mapping[str, Any]]
    """For each quality, the arguments of the pipeline's call; ``steps`` among them."""
    phrases: Mapping[str, Mapping[str, str]]
    """For each control, what each of its values adds to the prompt."""
    phrase_place: str
    griffin_lim: Mapping[str, int | float] | None
    """The scale of the mels of a model whose sound is made by Griffin-Lim; None where its vocoder makes it."""
    files: Mapping[str, str]
    """Paths below the model's folder, each with the SHA-256 of what it must hold."""
    data: dict[str, Any]

    @property
    def title(self) -> str:
        """Name and version, as a take remembers its model."""
        return f"{self.name} {self.version}".strip()


def read(folder: Path) -> Manifest | None:
    """The manifest in ``folder``; None where there is none.

    Raises:
        ModelError: ``model.bad_manifest``, naming the field, what was expected and what was found.
    """
    path = folder / FILE_NAME
    if not path.exists():
        return None
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise _bad("the file", "JSON", str(error)) from error
    return parse(data)


def parse(data: Any) -> Manifest:
    """Check a manifest's fields.

    Raises:
        ModelError: ``model.bad_manifest``, naming the field, what was expected and what was found.
    """
    if not isinstance(data, dict):
        raise _bad("the file", "an object", data)
    rate_hz = _whole(data, "rate_hz", 1, 240)
    place = data.get("phrases", "end")
    if place not in PHRASE_PLACES:
        raise _bad("phrases", f"one of {', '.join(PHRASE_PLACES)}", place)
    return Manifest(
        name=_text(data, "name"),
        version=_text(data, "version"),
        family=_text(data, "family"),
        rate_hz=rate_hz,
        sample_rate_hz=_whole(data, "sample_rate_hz", 4000, 192_000),
        sizes=_sizes(data.get("sizes")),
        lengths=_lengths(data.get("lengths")),
        calls=_calls(data.get("qualities"), data.get("call", {})),
        phrases=_phrases(data.get("controls", {})),
        phrase_place=place,
        griffin_lim=_griffin_lim(data.get("griffin_lim")),
        files=_files(data.get("files", {})),
        data=data,
    )


def check(manifest: Manifest, job: Job) -> None:
    """Hold a job against what the model offers.

    Raises:
        JobError: names the input at fault, what is on offer and what was given.
    """
    if not job.prompt.strip() or len(job.prompt) > PROMPT_LIMIT:
        raise _refused("prompt", f"1 to {PROMPT_LIMIT} characters", f"{len(job.prompt.strip())}")
    _one_of("quality", job.quality, manifest.calls)
    _one_of("size", f"{job.width}x{job.height}", (f"{size.width}x{size.height}" for size in manifest.sizes))
    _one_of("frames", job.frames, manifest.lengths)
    if not 0 <= job.seed <= SEED_LIMIT:
        raise _refused("seed", f"a whole number from 0 to {SEED_LIMIT}", job.seed)
    for control in CONTROLS:
        value = getattr(job, control)
        if value:
            _one_of(control, value, manifest.phrases[control])


def compose(manifest: Manifest, job: Job) -> str:
    """The prompt as the text encoder reads it: the user's words, unchanged, with the phrases of the controls.

    A phrase that the prompt already has is not said twice. A model that was trained on one-clause captions has
    them at the end of the first clause ("a red ball bounces at night, boing sounds"), any other at the end.
    """
    prompt = " ".join(job.prompt.split())
    chosen = [manifest.phrases[control].get(getattr(job, control), "") for control in ("pace", "style", "light")]
    new = [phrase for phrase in chosen if phrase and not re.search(rf"\b{re.escape(phrase)}\b", prompt, re.IGNORECASE)]
    if not new:
        return prompt
    if manifest.phrase_place == "end":
        return ", ".join((prompt.rstrip(" .,"), *new))
    clause, comma, rest = prompt.partition(",")
    return " ".join((clause.rstrip(" .!"), *new)) + comma + rest


def _bad(field: str, expected: str, got: object) -> ModelError:
    return ModelError("model.bad_manifest", f"{FILE_NAME}: {field}: expected {expected}, got {got!r}")


def _refused(field: str, expected: str, got: object) -> JobError:
    return JobError(f"take.bad_{field}", f"{field}: expected {expected}, got {got}")


def _one_of(field: str, value: object, offer: Iterable[object]) -> None:
    choices = list(offer)
    if value not in choices:
        raise _refused(field, f"one of {', '.join(map(str, choices)) or 'none'}", value)


def _text(data: Mapping[str, Any], field: str) -> str:
    value = data.get(field)
    if not isinstance(value, str) or not value:
        raise _bad(field, "text", value)
    return value


def _is_whole(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _whole(data: Mapping[str, Any], field: str, low: int, high: int) -> int:
    value = data.get(field)
    if not isinstance(value, int) or not _is_whole(value, low, high):
        raise _bad(field, f"a whole number from {low} to {high}", value)
    return value


def _sizes(value: Any) -> tuple[Size, ...]:
    if not isinstance(value, list) or not value:
        raise _bad("sizes", "a list of at least one size", value)
    for number, size in enumerate(value):
        sides: list[Any] = [size.get(side) for side in ("width", "height")] if isinstance(size, dict) else []
        if len(sides) != 2 or not all(_is_whole(side, 32, 8192) and side % 32 == 0 for side in sides):
            raise _bad(f"sizes[{number}]", "a width and a height that are multiples of 32", size)
        if size.get("id") != f"{sides[0]}x{sides[1]}" or not isinstance(size.get("label"), str):
            raise _bad(f"sizes[{number}]", f'id "{sides[0]}x{sides[1]}" and a label', size)
    return tuple(Size(size["id"], size["width"], size["height"]) for size in value)


def _lengths(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list) or not value or not all(_is_whole(length, 1, 10_000) for length in value):
        raise _bad("lengths", "a list of frame counts from 1 to 10000", value)
    return tuple(value)


def _calls(qualities: Any, common: Any) -> dict[str, dict[str, Any]]:
    if not isinstance(common, dict):
        raise _bad("call", "an object", common)
    if not isinstance(qualities, dict) or set(qualities) != set(QUALITIES):
        raise _bad("qualities", f"an object with {' and '.join(QUALITIES)}", qualities)
    for quality, call in qualities.items():
        if not isinstance(call, dict) or not _is_whole(call.get("steps"), 1, 1000):
            raise _bad(f"qualities.{quality}.steps", "a whole number from 1 to 1000", call)
    return {quality: {**common, **qualities[quality]} for quality in QUALITIES}


def _phrases(controls: Any) -> dict[str, dict[str, str]]:
    if not isinstance(controls, dict) or not set(controls) <= set(CONTROLS):
        raise _bad("controls", f"an object with some of {', '.join(CONTROLS)}", controls)
    return {control: _choices(control, controls.get(control, [])) for control in CONTROLS}


def _choices(control: str, value: Any) -> dict[str, str]:
    if not isinstance(value, list):
        raise _bad(f"controls.{control}", "a list", value)
    for number, choice in enumerate(value):
        where = f"controls.{control}[{number}]"
        if not isinstance(choice, dict) or not all(isinstance(choice.get(key), str) for key in ("id", "phrase")):
            raise _bad(where, "an id and a phrase", choice)
        label = choice.get("label")
        if not isinstance(label, dict) or not set(LANGUAGES) <= set(label):
            raise _bad(f"{where}.label", f"a text for each of {', '.join(LANGUAGES)}", label)
    return {choice["id"]: choice["phrase"] for choice in value}


def _griffin_lim(value: Any) -> dict[str, int | float] | None:
    if value is None:
        return None
    if not isinstance(value, dict) or set(value) != {"window", "hop", *MEL_NUMBERS}:
        raise _bad("griffin_lim", f"an object with window, hop, {', '.join(MEL_NUMBERS)}", value)
    if not _is_whole(value["window"], 16, 65_536) or not _is_whole(value["hop"], 1, value["window"]):
        raise _bad("griffin_lim", "a window from 16 to 65536 samples and a hop within it", value)
    for name in MEL_NUMBERS:
        if not isinstance(value[name], int | float) or isinstance(value[name], bool) or not math.isfinite(value[name]):
            raise _bad(f"griffin_lim.{name}", "a number", value[name])
    return dict(value)


def _files(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise _bad("files", "an object of paths and SHA-256", value)
    for path, digest in value.items():
        if not re.fullmatch(r"[0-9a-f]{64}", str(digest)) or Path(path).is_absolute() or ".." in Path(path).parts:
            raise _bad(f"files.{path}", "a path below the folder, with a SHA-256 in small letters", digest)
    return dict(value)
