"""Where a model's files are, and whether they are whole: checked before anything heavy is imported.

A model is a folder, or the id of a repository on the hub. Weights are safetensors only; code that comes with a
model is never run.
"""

import hashlib
import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference import config, manifest
from inference.errors import ModelError

INDEX = "model_index.json"
LIBRARIES = ("diffusers", "transformers")
_MAX_HEADER_BYTES = 100 * 1024 * 1024  # the safetensors format's own limit
WANTED_FILES = [INDEX, manifest.FILE_NAME, "*/*.json", "*/*.safetensors", "*/*.model", "*/*.txt", "*/*.jinja"]


@dataclass(frozen=True)
class Source:
    """A model's folder whose files are whole. ``pipeline`` is its class by name; ``parameters`` a count."""

    name: str
    folder: Path
    pipeline: str
    parameters: int
    manifest: manifest.Manifest | None


def find(model: str, pipelines: tuple[str, ...]) -> Source:
    """Find a model, of one of the classes ``pipelines``, and check its files.

    Raises:
        ModelError: ``model.missing``, ``model.wrong_class``, ``model.broken`` or ``model.bad_manifest``.
    """
    folder = Path(model) if Path(model).is_dir() else _from_hub(model)
    index = _index(folder)
    pipeline = index.get("_class_name")
    if pipeline not in pipelines:
        raise ModelError("model.wrong_class", f"{model}: expected a {' or '.join(pipelines)}, found {pipeline!r}")
    _check_components(index, pipeline)
    offer = manifest.read(folder)
    for path, digest in (offer.files if offer else {}).items():
        _check_digest(folder, path, digest)
    return Source(model, folder, pipeline, _count_parameters(folder, index), offer)


def _from_hub(model: str) -> Path:
    if model.startswith((".", "/", "~")) or model.count("/") != 1:
        raise ModelError("model.missing", f"{model}: expected a folder or a hub id such as owner/name, found neither")
    from huggingface_hub import snapshot_download

    download = config.downloads_allowed()
    try:
        return Path(snapshot_download(model, allow_patterns=WANTED_FILES, local_files_only=not download))
    except Exception as error:  # the hub's client raises from four families of exceptions
        why = "the download failed" if download else "it is not on this machine and RUSHES_ALLOW_DOWNLOAD is off"
        raise ModelError("model.missing", f"{model}: {why} ({type(error).__name__})") from error


def _index(folder: Path) -> dict[str, Any]:
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelError("model.missing", f"{folder}: expected a diffusers model, found no {INDEX}") from error
    except ValueError as error:
        raise ModelError("model.broken", f"{folder / INDEX}: expected JSON: {error}") from error
    if not isinstance(index, dict):
        raise ModelError("model.broken", f"{folder / INDEX}: expected an object")
    return index


def _components(index: dict[str, Any]) -> dict[str, str]:
    """The index's parts that are there, each with the library its class is of."""
    named = {name: entry[0] for name, entry in index.items() if isinstance(entry, list) and entry}
    return {name: library for name, library in named.items() if library is not None}


def _check_components(index: dict[str, Any], pipeline: str) -> None:
    """Refuse an index that names code of its own: diffusers would look for it beside the weights."""
    own = pipeline.removesuffix("Pipeline").lower()  # how diffusers names the module of classes of this pipeline
    for name, library in _components(index).items():
        if library not in (*LIBRARIES, own):
            message = f"{name}: expected a class of {' or '.join(LIBRARIES)}, got one of {library!r}"
            raise ModelError("model.wrong_class", message)


def _check_digest(folder: Path, path: str, digest: str) -> None:
    try:
        found = hashlib.sha256((folder / path).read_bytes()).hexdigest()
    except FileNotFoundError as error:
        raise ModelError("model.broken", f"{path} is missing from {folder}") from error
    if found != digest:
        raise ModelError("model.broken", f"{path}: expected SHA-256 {digest[:12]}…, got {found[:12]}…")


def _count_parameters(folder: Path, index: dict[str, Any]) -> int:
    weights = [path for name in _components(index) for path in sorted((folder / name).glob("*.safetensors"))]
    if not weights:
        raise ModelError("model.broken", f"{folder}: expected safetensors below it, found none")
    return sum(map(_parameters_in, weights))


def _parameters_in(path: Path) -> int:
    """Count the numbers in a safetensors file by its header, and check that the file is not cut short."""
    size_bytes = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
        header_bytes = struct.unpack("<Q", start)[0] if len(start) == 8 else _MAX_HEADER_BYTES + 1
        if header_bytes > min(size_bytes, _MAX_HEADER_BYTES):
            raise ModelError("model.broken", f"{path}: expected safetensors, found {size_bytes} bytes of another kind")
        tensors = _header(path, file.read(header_bytes))
    end = max((tensor["data_offsets"][1] for tensor in tensors), default=0)
    if size_bytes != 8 + header_bytes + end:
        raise ModelError("model.broken", f"{path}: expected {8 + header_bytes + end} bytes, found {size_bytes}")
    return sum(_product(tensor["shape"]) for tensor in tensors)


def _header(path: Path, text: bytes) -> list[dict[str, Any]]:
    try:
        return [entry for name, entry in json.loads(text).items() if name != "__metadata__"]
    except ValueError as error:
        raise ModelError("model.broken", f"{path}: expected a safetensors header: {error}") from error


def _product(shape: list[int]) -> int:
    count = 1
    for side in shape:
        count *= side
    return count
