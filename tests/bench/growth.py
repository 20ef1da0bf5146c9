"""What the processes of a studio hold over time, and whether any of it grows.

Memory is judged by its slope: the least squares line through all samples after the first third, which is warming up.
It may rise by the larger of 10 MiB and 5 % of the process's size an hour, and besides once by the larger of 2 MiB and
2 % of it: allocators keep some of what was freed, in steps that a short watch cannot tell from a slope. So the bound is
the closer the longer one watches.

Descriptors and connections are counts: the most of the last third against the most of the middle third, which may be 5
descriptors or a tenth of them more, or 2 connections: requests and sweeps happen to meet.
"""

import contextlib
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import psutil

from tests.bench.figures import Figure

MIB = 2**20
RATE_MIB_H, RATE_SHARE_H = 10.0, 0.05
STEP_MIB, STEP_SHARE = 2.0, 0.02
MORE_DESCRIPTORS, MORE_DESCRIPTORS_SHARE, MORE_CONNECTIONS = 5, 0.1, 2

CHILDREN = {"postgres": "postgres", "web": "keeper"}
"""Whose children are what."""


@dataclass
class Series:
    """What one process, or one kind of them together, held, sample by sample."""

    at_s: list[float] = field(default_factory=list)
    resident_mib: list[float] = field(default_factory=list)
    descriptors: list[int] = field(default_factory=list)

    def add(self, now_s: float, resident_bytes: int, descriptors: int) -> None:
        """Add a sample."""
        self.at_s.append(now_s)
        self.resident_mib.append(resident_bytes / MIB)
        self.descriptors.append(descriptors)

    def slope_mib_h(self) -> float:
        """By how much memory rises an hour, along a line through all after warming up."""
        kept = slice(len(self.at_s) // 3, None)
        slope, _ = statistics.linear_regression(self.at_s[kept], self.resident_mib[kept])
        return slope * 3600

    def bound_mib_h(self) -> float:
        """By how much it may."""
        size, watched_h = statistics.median(self.resident_mib), (self.at_s[-1] - self.at_s[len(self.at_s) // 3]) / 3600
        return max(RATE_MIB_H, RATE_SHARE_H * size) + max(STEP_MIB, STEP_SHARE * size) / watched_h

    def figures(self, name: str) -> Iterator[Figure]:
        """Memory and descriptors; nothing of a process that was seen too few times, which is told as started again."""
        if len(self.at_s) < 6:
            return
        detail = f"{self.resident_mib[len(self.at_s) // 3]:.1f} MiB when warm, {self.resident_mib[-1]:.1f} at the end"
        yield Figure(f"{name}: memory", self.slope_mib_h(), "MiB/h", round(self.bound_mib_h(), 1), detail)
        most = max(MORE_DESCRIPTORS, round(MORE_DESCRIPTORS_SHARE * self.descriptors[-1]))
        rise, detail = more(self.descriptors), f"{self.descriptors[-1]} at the end"
        yield Figure(f"{name}: more descriptors in the last third", rise, "", most, detail)


def more(counts: Sequence[int]) -> int:
    """How many more there were at most in the last third than in the middle one."""
    third = len(counts) // 3
    return max(counts[-third:]) - max(counts[third : 2 * third])


@dataclass(frozen=True)
class Member:
    """A process of a studio. Of ``postgres`` there are many, which come and go; they count together."""

    role: str
    process: psutil.Process

    @property
    def is_transient(self) -> bool:
        return self.role == "postgres"

    def held(self) -> tuple[int, int]:
        """Bytes and descriptors. Of Postgres what is its processes' own: its shared buffers fill up by design."""
        memory = self.process.memory_info()
        own = memory.rss - memory.shared if self.is_transient else memory.rss
        return own, self.process.num_fds()


def family(supervisor: psutil.Process) -> list[Member]:
    """Every process of a studio, the supervisor first."""
    found = [Member("supervisor", supervisor)]
    for child in supervisor.children():
        with contextlib.suppress(psutil.NoSuchProcess):
            found += _branch(child)
    return found


def _branch(child: psutil.Process) -> list[Member]:
    role = _role(child)
    name = CHILDREN.get(role, f"child of {role}")
    return [
        Member("postmaster" if role == "postgres" else role, child),
        *(Member(name, each) for each in child.children(recursive=True)),
    ]


def _role(process: psutil.Process) -> str:
    """By its command line: ``manage.py serve`` is web."""
    words = process.cmdline()
    for word, role in (("serve", "web"), ("worker", "worker")):
        if word in words:
            return role
    name: str = process.name()
    return name
