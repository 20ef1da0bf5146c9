"""A model's files, checked before anything heavy: each way of being wrong has its own code and message."""

import json
import struct
from pathlib import Path
from typing import Any

import pytest

from inference import source
from inference.errors import ModelError
from tests.unit.inference.conftest import WEIGHTS, CopyModel, replace, weights_of

WANTED = ("LTX2Pipeline",)


def refusal(model: str | Path) -> ModelError:
    with pytest.raises(ModelError) as refused:
        source.find(str(model), WANTED)
    return refused.value


def test_r13_the_shipped_model_is_whole() -> None:
    found = source.find(str(WEIGHTS), WANTED)
    assert (found.pipeline, found.folder) == ("LTX2Pipeline", WEIGHTS)
    assert 5_000_000 < found.parameters < 20_000_000


@pytest.mark.parametrize("model", ["/nowhere/at/all", "./nowhere", "nowhere", "a/b/c"])
def test_r13_a_model_that_is_nowhere_is_missing(model: str) -> None:
    error = refusal(model)
    assert error.code == "model.missing"
    assert "expected a folder or a hub id" in error.message


def test_r13_a_hub_id_is_never_downloaded_unasked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("RUSHES_ALLOW_DOWNLOAD", raising=False)
    error = refusal("rushes-tests/no-such-model")
    assert error.code == "model.missing"
    assert "RUSHES_ALLOW_DOWNLOAD is off" in error.message


def test_r13_a_folder_that_is_no_model_is_missing(tmp_path: Path) -> None:
    assert "found no model_index.json" in refusal(tmp_path).message


def index_with(folder: Path, **changes: Any) -> None:
    index = {**json.loads((WEIGHTS / "model_index.json").read_text()), **changes}
    replace(folder / "model_index.json", json.dumps(index).encode())


def test_r13_another_class_is_refused(copy_model: CopyModel) -> None:
    folder = copy_model()
    index_with(folder, _class_name="WanPipeline")
    error = refusal(folder)
    assert error.code == "model.wrong_class"
    assert "expected a LTX2Pipeline, found 'WanPipeline'" in error.message


def test_r13_code_that_comes_with_a_model_is_refused(copy_model: CopyModel) -> None:
    folder = copy_model()
    index_with(folder, transformer=["my_transformer", "Mine"])
    (folder / "transformer" / "my_transformer.py").write_text("raise SystemExit")
    error = refusal(folder)
    assert error.code == "model.wrong_class"
    assert "got one of 'my_transformer'" in error.message


@pytest.mark.parametrize("text", [b"{", b"[]"])
def test_r13_a_damaged_index_is_broken(copy_model: CopyModel, text: bytes) -> None:
    folder = copy_model()
    replace(folder / "model_index.json", text)
    assert refusal(folder).code == "model.broken"


def test_r13_a_truncated_file_is_broken(copy_model: CopyModel) -> None:
    path = weights_of(copy_model(), "vae")
    size_bytes = path.stat().st_size
    replace(path, path.read_bytes()[:-1000])
    error = refusal(path.parents[1])
    assert error.code == "model.broken"
    assert f"expected {size_bytes} bytes, found {size_bytes - 1000}" in error.message


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "expected safetensors, found 0 bytes"),
        (b"\x80\x02}q\x00.pickle", "of another kind"),
        (struct.pack("<Q", 4) + b"{{{{", "expected a safetensors header"),
    ],
)
def test_r13_a_file_of_another_kind_is_broken(copy_model: CopyModel, data: bytes, message: str) -> None:
    path = weights_of(copy_model(), "vae")
    replace(path, data)
    error = refusal(path.parents[1])
    assert error.code == "model.broken"
    assert message in error.message


def test_r13_a_model_without_safetensors_is_broken(copy_model: CopyModel) -> None:
    folder = copy_model()
    for path in folder.glob("*/*.safetensors"):
        path.rename(path.with_suffix(".bin"))
    assert "expected safetensors below it, found none" in refusal(folder).message


def test_r13_a_changed_byte_is_broken_where_the_manifest_lists_hashes(copy_model: CopyModel) -> None:
    files = json.loads((WEIGHTS / "manifest.json").read_text())["files"]
    path = weights_of(copy_model(files=files), "vocoder")
    name = f"vocoder/{path.name}"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    replace(path, bytes(data))
    error = refusal(path.parents[1])
    assert error.code == "model.broken"
    assert f"{name}: expected SHA-256 {files[name][:12]}" in error.message


def test_r13_a_listed_file_that_is_not_there_is_broken(copy_model: CopyModel) -> None:
    files = json.loads((WEIGHTS / "manifest.json").read_text())["files"]
    folder = copy_model(files=files)
    (folder / "tokenizer" / "tokenizer.json").unlink()
    assert "tokenizer/tokenizer.json is missing" in refusal(folder).message
