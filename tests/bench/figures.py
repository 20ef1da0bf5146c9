"""A measured figure beside its target, and the machine that it was measured on."""

import os
import platform
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from project.env import ROOT

RUNS = 5
"""Of whatever differs from one run to the next: their median is the figure, their least and most are told beside it."""
TABLE_HEAD = "| what | measured | target | reached | detail |\n| --- | ---: | ---: | --- | --- |"


@dataclass(frozen=True)
class Figure:
    """One line of the table. ``target`` is the most that it may be; None: told, not judged."""

    name: str
    value: float
    unit: str
    target: float | None
    detail: str = ""

    @property
    def verdict(self) -> str:
        if self.target is None:
            return ""
        return "yes" if self.value <= self.target else "NO"

    @classmethod
    def of_runs(cls, name: str, runs: Sequence[float], unit: str, target: float | None, detail: str = "") -> "Figure":
        """The median of several runs."""
        told = f"median of {len(runs)}, {min(runs):.4g} to {max(runs):.4g}"
        return cls(name, statistics.median(runs), unit, target, f"{told}; {detail}" if detail else told)

    def line(self) -> str:
        target = "" if self.target is None else f"≤ {self.target:g} {self.unit}"
        return f"| {self.name} | {self.value:.4g} {self.unit} | {target} | {self.verdict} | {self.detail} |"


def table(figures: Sequence[Figure]) -> str:
    """The figures as a Markdown table."""
    return "\n".join([TABLE_HEAD, *(figure.line() for figure in figures)])


def machine() -> str:
    """The machine, the versions and the commit, in one line."""
    memory_gib = psutil.virtual_memory().total / 2**30
    load = os.getloadavg()[0]
    return (
        f"{_processor()}, {os.cpu_count()} cores, {memory_gib:.0f} GiB, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}; load at the start {load:.1f}; commit {_commit()}"
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that has at least ``share`` of all below it: of twenty, 0.95 is the largest."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def _commit() -> str:
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip() or "unknown"
