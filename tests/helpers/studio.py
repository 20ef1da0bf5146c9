"""A whole studio for live tests: the processes that ``make run`` starts, on data of their own."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

from django.conf import settings as own
from django.db import connections

from project import embedded
from project.env import ROOT


def free_port() -> int:
    """A port of loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Studio:
    """Runs ``manage.py up`` in a process of its own; ``url`` is where it serves."""

    def __init__(self, data: Path | None = None, **settings: str) -> None:
        self.data = data or Path(tempfile.mkdtemp(prefix="rushes-live-"))
        self.data.chmod(0o755)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings = settings
        self.log = self.data / "up.log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def database_url(self) -> str:
        return self.settings.get("DATABASE_URL", embedded.database_url(self.data))

    @property
    def redis_url(self) -> str:
        return self.settings.get("REDIS_URL", embedded.redis_url(self.data))

    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "RUSHES_ENV_FILE": "",
            "RUSHES_DATA": str(self.data),
            "RUSHES_PORT": str(self.port),
            **self.settings,
        }

    def start(self, timeout_s: float = 60.0) -> "Studio":
        """Start it and wait until its first page answers."""
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up"],
                cwd=ROOT, env=self.environment(), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + timeout_s
        while not self.answers("/healthz"):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise AssertionError(f"the studio did not start:\n{self.tail()}")
            time.sleep(0.05)
        return self

    def answers(self, path: str) -> bool:
        try:
            with urllib.request.urlopen(self.url + path, timeout=2) as response:
                return bool(response.status == 200)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def workers(self) -> int:
        """How many workers the web process knows to be alive."""
        try:
            with urllib.request.urlopen(self.url + "/readyz", timeout=2) as response:
                return int(json.load(response)["workers"])
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return 0

    def await_worker(self, timeout_s: float = 60.0, count: int = 1) -> None:
        """Wait until a worker, or so many, have their model loaded."""
        self._await(lambda: self.workers() >= count, timeout_s, f"not {count} workers came up")

    def await_no_worker(self, timeout_s: float = 5.0) -> None:
        """Wait until no worker is known; what ``/readyz`` answers holds for a second."""
        self._await(lambda: self.workers() == 0, timeout_s, "a worker is still there")

    def _await(self, holds: Callable[[], bool], timeout_s: float, otherwise: str) -> None:
        deadline = time.monotonic() + timeout_s
        while not holds():
            assert time.monotonic() < deadline, f"{otherwise}:\n{self.tail()}"
            time.sleep(0.1)

    def children(self, command: str) -> list[int]:
        """Process ids of this studio's own children whose command line names ``command``."""
        assert self.process is not None
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdecimal():
                continue
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
            if parent == self.process.pid and command.encode() in words:
                found.append(int(entry.name))
        return found

    def stop(self, timeout_s: float = 30.0) -> None:
        """Ctrl-C, and wait for everything to end."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"the studio did not stop:\n{self.tail()}") from None

    def log_lines(self) -> list[dict[str, str]]:
        """What it has logged, with RUSHES_LOG=json; what it tells people on the screen is not of that form."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return [json.loads(line) for line in text.splitlines() if line.startswith("{") and line.endswith("}")]

    def tail(self, size: int = 6000) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-size:] if self.log.exists() else ""


@contextmanager
def running(data: Path | None = None, /, **settings: str) -> Iterator[Studio]:
    """A studio for as long as the block lasts. What it wrote goes with it."""
    studio = Studio(data, **settings)
    try:
        yield studio.start()
    finally:
        studio.stop()
        shutil.rmtree(studio.data, ignore_errors=True)


@contextmanager
def running_with_rows(blocker: Any, **settings: str) -> Iterator[Studio]:
    """A running studio, whose own database Django's models read and write here; ``blocker`` is pytest-django's.

    Do not combine it with the ``db`` fixtures: nothing is rolled back here.
    """
    with running(RUSHES_SECRET_KEY=own.SECRET_KEY, **settings) as studio, database_of(studio, blocker):
        yield studio


class HasDatabase(Protocol):
    """A studio."""

    @property
    def database_url(self) -> str: ...


@contextmanager
def database_of(studio: HasDatabase, blocker: Any) -> Iterator[None]:
    """Point Django's default database at a studio's, and back."""
    query = parse_qs(urlsplit(studio.database_url).query)
    theirs = {"NAME": "rushes", "HOST": query["host"][0], "USER": query["user"][0]}
    ours = {key: connections.databases["default"][key] for key in theirs}
    with blocker.unblock():
        _point_at(theirs)
        try:
            yield
        finally:
            _point_at(ours)


def _point_at(database: dict[str, str]) -> None:
    connections.close_all()
    connections.databases["default"].update(database)
    connections["default"].settings_dict.update(database)
