#!/usr/bin/env python3
"""Finds a Chromium for the browser tests and prints its path; gets one where there is none.

The system's own comes first, then Debian's package when we are root, then Playwright's download.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PLAYWRIGHT = Path(__file__).resolve().parent.parent / ".venv" / "bin" / "playwright"


def system() -> str | None:
    """The path of an installed Chromium, if there is one."""
    given = os.environ.get("RUSHES_CHROMIUM")
    return given or next((path for name in NAMES if (path := shutil.which(name))), None)


def debian() -> str | None:
    """Debian's package, when we may install one."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return None
    print("· Installing Debian's chromium for the browser tests (a minute)", file=sys.stderr, flush=True)
    quiet = {"stdout": subprocess.DEVNULL, "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}}
    subprocess.run(["apt-get", "update", "-qq"], **quiet)  # type: ignore[call-overload]
    subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"], **quiet)  # type: ignore[call-overload]
    return system()


def playwright() -> str | None:
    """Playwright's own build, downloaded."""
    print("· Downloading Playwright's Chromium for the browser tests", file=sys.stderr, flush=True)
    if subprocess.run([str(PLAYWRIGHT), "install", "chromium"], stdout=sys.stderr).returncode:
        return None
    from playwright.sync_api import sync_playwright

    with sync_playwright() as api:
        return api.chromium.executable_path


def main() -> None:
    path = system() or debian() or playwright()
    if path is None:
        raise SystemExit(
            "No Chromium was found and none could be installed: install one, or set RUSHES_CHROMIUM to its path"
        )
    print(path)


if __name__ == "__main__":
    main()
