"""From the command to the first page, and what the web process weighs."""

import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psutil

from project.env import ROOT
from tests.bench.figures import RUNS, Figure
from tests.helpers.studio import Studio

VENV = ROOT / ".venv"
MIB = 2**20


def warm_start(studio: Studio) -> Figure:
    """Stop a studio and start it again on its data, as a warm ``make run`` does; until its first page is there."""
    prepared_s, taken_s = zip(*(_warm_start(studio) for _ in range(RUNS)), strict=True)
    detail = f"of it {statistics.median(prepared_s):.1f} s checking the set-up"
    return Figure.of_runs("warm start to the first page", taken_s, "s", 5.0, detail)


def _warm_start(studio: Studio) -> tuple[float, float]:
    """Seconds for the set-up, and for all of it."""
    studio.stop()
    begun = time.monotonic()
    if Path(sys.prefix) == VENV:  # as `make bench` runs it; in another environment the set-up is somebody else's
        subprocess.run([sys.executable, "tools/setup.py"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    prepared_s = time.monotonic() - begun
    studio.start()
    urllib.request.urlopen(studio.url, timeout=10).close()
    return prepared_s, time.monotonic() - begun


def memory(studio: Studio) -> list[Figure]:
    """Resident memory of the web process after use; its keeper is a process of its own."""
    (web,) = studio.children("serve")
    process = psutil.Process(web)
    keeper_mib = sum(child.memory_info().rss for child in process.children(recursive=True)) / MIB
    return [
        Figure("web process", process.memory_info().rss / MIB, "MiB", 250.0, "resident, after all of the above"),
        Figure("its keeper", keeper_mib, "MiB", None, "resident"),
    ]
