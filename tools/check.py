#!/usr/bin/env python3
"""Every check and test, in the order in which they fail fastest. Run by ``make test``."""

import os
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import setup

BIN = setup.VENV / "bin"


def step(name: str, command: list[str], **environment: str) -> None:
    """Run one check; the first that fails ends the run with its exit code."""
    print(f"\n== {name}", flush=True)
    begun = time.monotonic()
    code = subprocess.run(command, cwd=setup.ROOT, env={**os.environ, **environment}).returncode
    print(f"== {name}: {'ok' if code == 0 else 'FAILED'} ({time.monotonic() - begun:.0f} s)", flush=True)
    if code:
        raise SystemExit(code)


def programs() -> dict[str, str]:
    """The environment in which tests and benches find Node and a Chromium."""
    browser = subprocess.run([BIN / "python", "tools/browser.py"], cwd=setup.ROOT, stdout=subprocess.PIPE, text=True)
    if browser.returncode:
        raise SystemExit(browser.returncode)
    path = f"{setup.node_folder()}{os.pathsep}{os.environ.get('PATH', '')}"
    return {"PATH": path, "RUSHES_CHROMIUM": browser.stdout.strip()}


def main() -> None:
    found = programs()
    step("ruff", [str(BIN / "ruff"), "check", "."])
    step("ruff format", [str(BIN / "ruff"), "format", "--check", "."])
    step("mypy", [str(BIN / "mypy")])
    step("vitest", ["npm", "test", "--silent"], **found)
    step("pytest", [str(BIN / "python"), "-m", "pytest", *sys.argv[1:]], **found)


if __name__ == "__main__":
    main()
