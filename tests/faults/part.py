"""One process of a studio, in a test's hands."""

import os
import signal
import subprocess
import time
from pathlib import Path

import psutil

from project import supervisor
from project.env import ROOT


class Part:
    """One process of the studio. Start it from the main thread: it ends with the thread that began it."""

    def __init__(self, name: str, command: list[str], environment: dict[str, str], folder: Path) -> None:
        self.name, self.log = name, folder / f"{name}.log"
        self.inherits: tuple[int, ...] = ()
        """Open descriptors that it has too."""
        self._command, self._environment = command, environment
        self._process: subprocess.Popen[bytes] | None = None
        self._read_from = 0

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> "Part":
        """Start it, and return at once."""
        self._read_from = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command, cwd=ROOT, env=self._environment, stdin=subprocess.DEVNULL, stdout=output,
                stderr=output, start_new_session=True, pass_fds=self.inherits,
                preexec_fn=supervisor._die_with_parent,
            )  # fmt: skip
        return self

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        """End it without a word."""
        if self.is_alive:
            self.signal(signal.SIGKILL)
            self.wait()

    def stop(self, timeout_s: float = 15.0) -> float:
        """Tell it to end; how long it took."""
        if not self.is_alive:
            return 0.0
        self.signal(signal.SIGTERM)
        return self.wait(timeout_s)

    def wait(self, timeout_s: float = 15.0) -> float:
        """Wait for its end; how long it took."""
        assert self._process is not None
        begun_s = time.monotonic()
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise AssertionError(f"{self.name} did not end within {timeout_s} s:\n{self.said()}") from None
        return time.monotonic() - begun_s

    def said(self) -> str:
        """What it has printed since its last start."""
        with self.log.open(errors="replace") as log:
            log.seek(self._read_from)
            return log.read()

    def children(self, module: str) -> list[int]:
        """Its child processes that run a module."""
        found = psutil.Process(self.pid).children()
        return [child.pid for child in found if module in _command_of(child)]


def _command_of(process: psutil.Process) -> list[str]:
    try:
        words: list[str] = process.cmdline()
    except psutil.NoSuchProcess:
        return []
    return words
