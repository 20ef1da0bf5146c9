"""Keeps the studio's own processes running: starts them, restarts what ends, ends them in order."""

import ctypes
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from project import embedded
from project.env import ROOT

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 15.0
STEADY_AFTER_S = 20.0
"""A process that ran this long is taken as healthy: its next restart starts with the short pause again."""

HUNG_AFTER_S = 15.0
"""Without a sign of life for so long, a process will not come back by itself; those that it serves have left."""
START_TIMEOUT_S = 60.0
"""For the first sign of life, on a slow machine."""
AWAY_AFTER_S = 3.0
"""A supervisor that did not look for so long was stopped itself, and so perhaps was what it looks after."""

STOP_TIMEOUT_S = 9.0
"""Web and worker drain within 7 s of SIGTERM, with the servers after them all ends within 10."""


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, int(signal.SIGTERM))


@dataclass
class Child:
    """One process of ours, started by a ``manage.py`` command, and its restarts."""

    name: str
    arguments: tuple[str, ...]
    descriptors: tuple[int, ...] = ()
    """Open ones that it inherits."""
    has_pulse: bool = False
    """It writes to ``--pulse-fd`` as long as it does not hang."""
    process: subprocess.Popen[bytes] | None = None
    started_at_s: float = 0.0
    pause_s: float = FIRST_PAUSE_S
    due_at_s: float = field(default=0.0)
    looked_at_s: float = 0.0
    heard_at_s: float = 0.0
    """When it last gave a sign of life; before the first one a time to come, so that a start may take longer."""
    _pulse_fd: int | None = None

    def start(self) -> None:
        """Start it in a session of its own, so that Ctrl-C reaches only the supervisor.

        A machine that has no room for another process just now is no reason to end those that run: ``watch`` tries
        again.
        """
        try:
            self._spawn()
        except (OSError, subprocess.SubprocessError) as error:
            log.warning("%s cannot be started (%s); trying again in %.1f s", self.name, error, self.pause_s)
            self._pause()
        self.started_at_s = self.looked_at_s = time.monotonic()
        self.heard_at_s = self.started_at_s + START_TIMEOUT_S - HUNG_AFTER_S

    def _spawn(self) -> None:
        arguments, descriptors = self.arguments, self.descriptors
        theirs = self._new_pulse() if self.has_pulse else None
        if theirs is not None:
            arguments, descriptors = (*arguments, "--pulse-fd", str(theirs)), (*descriptors, theirs)
        try:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", *arguments],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                pass_fds=descriptors,
                preexec_fn=_die_with_parent,
            )
        finally:
            if theirs is not None:
                os.close(theirs)

    def _new_pulse(self) -> int:
        """A pipe of which we keep the reading end; returns the other one."""
        ours, theirs = os.pipe()
        os.set_blocking(ours, False)
        before, self._pulse_fd = self._pulse_fd, ours
        if before is not None:
            os.close(before)
        return theirs

    def watch(self) -> None:
        """Start it again when it has ended, after a pause that doubles while it keeps ending at once. One that hangs
        is ended.
        """
        now = time.monotonic()
        if self.process is not None:
            code = self.process.poll()
            if code is None:
                self._end_if_hung(self.process, now)
                return
            if now - self.started_at_s > STEADY_AFTER_S:
                self.pause_s = FIRST_PAUSE_S
            log.warning("%s ended (%s); starting it again in %.1f s", self.name, _why(code), self.pause_s)
            self._pause()
        elif now >= self.due_at_s:
            self.start()

    def _end_if_hung(self, process: "subprocess.Popen[bytes]", now: float) -> None:
        if self._pulse_fd is None:
            return
        if self._has_beaten(self._pulse_fd):
            self.heard_at_s = now
        elif now - self.looked_at_s > AWAY_AFTER_S:
            self.heard_at_s = max(now, self.heard_at_s)
        self.looked_at_s = now
        if now - self.heard_at_s > HUNG_AFTER_S:
            log.warning("%s gave no sign of life for %.0f s and is ended", self.name, HUNG_AFTER_S)
            process.kill()
            self.heard_at_s = now  # one that the kernel holds ends later: killed again then, not at each look

    @staticmethod
    def _has_beaten(descriptor: int) -> bool:
        try:
            return bool(os.read(descriptor, 1 << 16))
        except BlockingIOError:
            return False

    def _pause(self) -> None:
        self.process, self.due_at_s = None, time.monotonic() + self.pause_s
        self.pause_s = min(self.pause_s * 2, LONGEST_PAUSE_S)

    def has_ended(self) -> bool:
        """Whether its process is not running now."""
        return self.process is None or self.process.poll() is not None

    def terminate(self) -> None:
        if self.process is not None and not self.has_ended():
            self.process.terminate()

    def reap(self, deadline_s: float) -> None:
        """Wait until it has ended; past the deadline it is killed."""
        if self.process is None:
            return
        try:
            self.process.wait(max(0.1, deadline_s - time.monotonic()))
        except subprocess.TimeoutExpired:
            log.warning("%s did not stop in time and was killed", self.name)
            self.process.kill()
            self.process.wait()


@dataclass
class KeptServer:
    """An embedded server and its restarts. ``start`` makes the next one, and may fail as often as it likes."""

    server: embedded.Server
    start: Callable[[], embedded.Server]
    tried_at_s: float = field(default_factory=time.monotonic)
    pause_s: float = 0.0
    is_away: bool = False

    def watch(self) -> None:
        """Start it again when it has ended: at once, and with pauses that double while that does not help."""
        now = time.monotonic()
        if self.server.process.poll() is None or now < self.tried_at_s + self.pause_s:
            return
        if now - self.tried_at_s > STEADY_AFTER_S:
            self.pause_s = 0.0
        self.pause_s = min(max(self.pause_s * 2, FIRST_PAUSE_S), LONGEST_PAUSE_S)
        self.tried_at_s = now
        self._try()

    def _try(self) -> None:
        if not self.is_away:
            log.warning("%s ended; starting it again", self.server.name)
        try:
            self.server = self.start()
        except Exception as error:
            # A full disk has room again some day; until then the pages say that a part is away.
            if not self.is_away:
                log.error("%s cannot be started again; trying until it can. %s", self.server.name, error)
            self.is_away = True
        else:
            log.warning("%s runs again", self.server.name)
            self.is_away = False


def _why(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def stop(children: list[Child]) -> None:
    """End all of them together, each with time to drain."""
    for child in children:
        child.terminate()
    deadline_s = time.monotonic() + STOP_TIMEOUT_S
    for child in children:
        child.reap(deadline_s)
