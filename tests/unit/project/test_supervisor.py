"""What the supervisor does with a server that ends."""

import errno
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from project import embedded, supervisor
from project.supervisor import HUNG_AFTER_S, START_TIMEOUT_S, Child, KeptServer
from studio.jobs import worker
from studio.management.commands import up

DEADLINE_S = 20.0


@pytest.fixture
def data() -> Iterator[Path]:
    """A folder that the servers' own user can enter, also when the tests run as root."""
    with TemporaryDirectory(prefix="rushes-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_a_server_that_cannot_start_again_is_tried_until_it_can(
    data: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(supervisor, "FIRST_PAUSE_S", 0.02)
    pauses: list[float] = []

    def start() -> embedded.Server:
        pauses.append(kept.pause_s)
        if len(pauses) < 4:
            raise embedded.EmbeddedError("Valkey did not start: no space left on device")
        return embedded.start_valkey(data)

    kept = KeptServer(embedded.start_valkey(data), start)
    kept.server.process.kill()
    kept.server.process.wait()
    with caplog.at_level(logging.INFO, logger=supervisor.__name__):
        deadline = time.monotonic() + DEADLINE_S
        while kept.server.process.poll() is not None and time.monotonic() < deadline:
            kept.watch()
    assert kept.server.process.poll() is None
    assert pauses == [0.02, 0.04, 0.08, 0.16], "what is waited before another try if this one fails"
    assert caplog.text.count("no space left on device") == 1, "said once, not at each try"
    kept.server.stop()


def test_a_stop_that_is_asked_for_while_a_server_starts_again_is_obeyed(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "FIRST_PAUSE_S", 0.0)
    kept = KeptServer(embedded.start_valkey(data), lambda: signal.raise_signal(signal.SIGTERM))  # type: ignore[arg-type, return-value]
    kept.server.process.kill()
    kept.server.process.wait()
    before = signal.signal(signal.SIGTERM, up.Stop().on_signal)
    try:
        with pytest.raises(up.StopRequestedError):
            kept.watch()
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_stop_that_is_asked_for_where_python_swallows_exceptions_is_obeyed_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stop, swallowed = up.Stop(), list[object]()
    monkeypatch.setattr(sys, "unraisablehook", swallowed.append)

    class Going:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, stop.on_signal)
    try:
        stop.check()
        Going()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert len(swallowed) == 1
    with pytest.raises(up.StopRequestedError):
        stop.check()


def test_a_process_that_cannot_be_started_is_tried_again_and_ends_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def no_room(*arguments: object, **options: object) -> None:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    child = Child("web 1", ("help",), pause_s=0.0)
    with monkeypatch.context() as full:
        full.setattr(subprocess, "Popen", no_room)
        child.start()
        child.watch()
    assert child.has_ended()
    assert caplog.text.count("web 1 cannot be started") == 2
    child.watch()
    assert child.process is not None
    child.reap(time.monotonic() + DEADLINE_S)
    assert child.process.returncode == 0


def test_a_server_that_runs_is_left_alone(data: Path) -> None:
    def start() -> embedded.Server:
        raise AssertionError("it runs already")

    kept = KeptServer(embedded.start_valkey(data), start)
    kept.watch()
    assert kept.server.process.poll() is None
    kept.server.stop()


def test_a_server_that_is_interrupted_while_it_starts_is_stopped(data: Path) -> None:
    server = embedded.start_valkey(data)

    def interrupted() -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        server.await_ready(interrupted)
    assert server.process.poll() is not None


class Clock:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def beating(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Child, Clock, Callable[[], None]]]:
    """A child that runs, the clock of its supervisor, and what gives a sign of its life."""
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock.monotonic)
    child = Child("web 1", (), has_pulse=True)
    theirs = child._new_pulse()
    child.process = subprocess.Popen(["sleep", "60"])
    child.looked_at_s, child.heard_at_s = clock.now_s, clock.now_s + START_TIMEOUT_S - HUNG_AFTER_S
    process = child.process
    yield child, clock, lambda: void(os.write(theirs, b"."))
    process.kill()
    process.wait()
    for descriptor in (theirs, child._pulse_fd):
        assert descriptor is not None
        os.close(descriptor)


def void(value: object) -> None:
    """Nothing, of anything."""


def passes(child: Child, clock: Clock, seconds: float) -> None:
    """Time goes by, and the supervisor looks five times a second, until it has ended the process."""
    for _ in range(round(seconds * 5)):
        clock.now_s += 0.2
        if not child.has_ended():
            child.watch()


def test_a_process_without_a_sign_of_life_is_ended(
    beating: tuple[Child, Clock, Callable[[], None]], caplog: pytest.LogCaptureFixture
) -> None:
    child, clock, beat = beating
    passes(child, clock, 30)
    assert not child.has_ended(), "it is still starting"
    for _ in range(20):
        beat()
        passes(child, clock, 2)
    assert not child.has_ended()
    passes(child, clock, HUNG_AFTER_S + 1)
    assert child.process is None or child.process.wait(DEADLINE_S) == -signal.SIGKILL
    assert "web 1 gave no sign of life for 15 s and is ended" in caplog.text


def test_a_process_that_never_gives_a_sign_of_life_is_ended(
    beating: tuple[Child, Clock, Callable[[], None]],
) -> None:
    child, clock, _ = beating
    passes(child, clock, START_TIMEOUT_S + 1)
    assert child.process is None or child.process.wait(DEADLINE_S) == -signal.SIGKILL


def test_a_machine_that_slept_ends_nobody(beating: tuple[Child, Clock, Callable[[], None]]) -> None:
    child, clock, beat = beating
    beat()
    child.watch()
    clock.now_s += 3600
    child.watch()
    passes(child, clock, HUNG_AFTER_S - 1)
    assert not child.has_ended()


def test_a_pipe_that_cannot_be_made_is_tried_again_and_closes_nothing_of_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    child = Child("web 1", ("help",), has_pulse=True, pause_s=0.0)
    os.close(child._new_pulse())
    ours = child._pulse_fd
    with monkeypatch.context() as full:
        full.setattr(os, "pipe", no_descriptors)
        child.start()
        child.start()
    assert child._pulse_fd == ours
    assert ours is not None
    os.close(ours)


def no_descriptors() -> tuple[int, int]:
    raise OSError(errno.EMFILE, "Too many open files")


def test_a_worker_ends_by_itself_before_it_is_killed() -> None:
    assert worker.STOP_TIMEOUT_S + worker.CLOSE_TIMEOUT_S < worker.END_S < supervisor.STOP_TIMEOUT_S
