"""The service stands alone: what it imports, and what it leaves until it is needed."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
MODULES = sorted((ROOT / "inference").glob("*.py"))
HEAVY = {"torch", "diffusers", "transformers", "safetensors", "av", "simplejpeg"}
MAY_BE_HEAVY = {"engine", "linear", "media", "previews", "tiers"}


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names


@pytest.mark.parametrize("path", sorted((ROOT / "inference").rglob("*.py")), ids=lambda path: path.stem)
def test_nothing_of_the_web_is_imported(path: Path) -> None:
    assert not imported(path) & {"django", "channels", "studio", "project"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_torch_stays_where_it_belongs(path: Path) -> None:
    assert path.stem in MAY_BE_HEAVY or not imported(path) & HEAVY


@pytest.mark.parametrize("module", ["inference.wire", "inference.manifest", "inference.source", "inference.__main__"])
def test_light_modules_load_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print({HEAVY | {'numpy'}!r} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
