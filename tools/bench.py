#!/usr/bin/env python3
"""The benches, with the Node and the Chromium that the tests have. Run by ``make bench``."""

import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import check
import setup

if __name__ == "__main__":
    command = [str(check.BIN / "python"), "-m", "tests.bench"]
    raise SystemExit(subprocess.run(command, cwd=setup.ROOT, env={**os.environ, **check.programs()}).returncode)
