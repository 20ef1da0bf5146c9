"""The rules of import, read from the code itself."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from project.env import ROOT

HEAVY = {"torch", "diffusers", "transformers", "accelerate", "safetensors"}
HEAVY_HOMES = (
    "inference/engine", "inference/previews", "inference/media", "inference/pipelines", "inference/tiny",
    "inference/config", "inference/checkpoints", "inference/linear", "inference/tiers",
)  # fmt: skip
COMPOSITION_ROOT = "studio/management/commands/up.py"


def modules() -> list[Path]:
    found = [p for part in ("project", "studio", "inference") for p in (ROOT / part).rglob("*.py")]
    return [p for p in found if "migrations" not in p.parts]


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, inside functions too, as absolute dotted names."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def under(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


def offences(inside: str, forbidden: tuple[str, ...], allowed: tuple[str, ...] = ()) -> list[str]:
    return [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules()
        if under(name_of(path), inside) and str(path.relative_to(ROOT)) != COMPOSITION_ROOT
        for name in imports(path)
        if under(name, *forbidden) and not under(name, *allowed)
    ]


def test_inference_knows_nothing_of_the_web() -> None:
    assert not offences("inference", ("django", "channels", "studio", "project", "procrastinate"))


def test_studio_imports_only_the_wire_of_inference() -> None:
    found = offences("studio", ("inference",), ("inference.wire",))
    assert [f for f in found if not f.startswith("studio/jobs/tasks.py imports inference.worker")] == []


def test_domain_imports_models_django_and_the_standard_library() -> None:
    allowed = (
        "studio.models", "studio.domain", "inference.wire", "pycrdt", *sys.stdlib_module_names,
        "django.db", "django.utils", "django.conf", "django.contrib.auth", "django.core.exceptions",
        "django.core.validators", "django.core.files",
    )  # fmt: skip
    found = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules()
        if under(name_of(path), "studio.domain")
        for name in imports(path)
        if not under(name, *allowed) and name not in ("studio", "inference", "django")
    ]
    assert found == []


def test_live_and_web_never_import_each_other() -> None:
    assert not offences("studio.live", ("studio.web",))
    assert not offences("studio.web", ("studio.live",))


def test_nobody_imports_the_project() -> None:
    assert not offences("studio", ("project",))
    assert not offences("inference", ("project",))


def test_heavy_packages_stay_in_their_homes() -> None:
    found = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules()
        if not str(path.relative_to(ROOT)).startswith(HEAVY_HOMES)
        for name in imports(path)
        if under(name, *HEAVY)
    ]
    assert found == []


def test_there_are_no_import_cycles() -> None:
    names = {name_of(path) for path in modules()}
    graph = {name_of(path): {n for n in imports(path) if n in names} - {name_of(path)} for path in modules()}
    while leaves := {name for name, needs in graph.items() if not needs & graph.keys()}:
        graph = {name: needs for name, needs in graph.items() if name not in leaves}
    assert graph == {}


@pytest.mark.timeout(60)
def test_the_web_process_never_loads_torch() -> None:
    program = "import project.asgi, sys; print([m for m in ('torch', 'diffusers', 'transformers') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_tells_one_story(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400
