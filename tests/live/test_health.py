"""``/readyz`` while the studio's own parts go away, one after the other, and come back."""

import contextlib
import json
import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
import pytest

from project import embedded
from tests.helpers.studio import Studio, running

DEADLINE_S = 30.0
ANSWER_S = 4.0
"""Two seconds for the parts, and as much for a machine that has other things to do."""


@dataclass
class Servers:
    """A Postgres and a Valkey that nobody starts again."""

    folder: Path

    def __post_init__(self) -> None:
        self.postgres, self.valkey = embedded.start_postgres(self.folder), embedded.start_valkey(self.folder)

    def stop(self) -> None:
        self.valkey.stop()
        self.postgres.stop()


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with TemporaryDirectory(prefix="rushes-servers-") as folder:
        Path(folder).chmod(0o755)
        both = Servers(Path(folder))
        yield both
        both.stop()


@pytest.fixture(scope="module")
def studio(servers: Servers) -> Iterator[Studio]:
    """A studio on those servers; each test leaves it ready."""
    database_url, redis_url = embedded.database_url(servers.folder), embedded.redis_url(servers.folder)
    with running(DATABASE_URL=database_url, REDIS_URL=redis_url, RUSHES_LEASE_S="2") as server:
        yield server


def readiness(studio: Studio) -> tuple[int, dict[str, Any]]:
    begun_s = time.monotonic()
    try:
        with urllib.request.urlopen(studio.url + "/readyz", timeout=DEADLINE_S) as response:
            answer = response.status, json.load(response)
    except urllib.error.HTTPError as refused:
        with refused:
            answer = refused.code, json.load(refused)
    assert time.monotonic() - begun_s < ANSWER_S
    return answer


def until(studio: Studio, holds: Callable[[int, dict[str, Any]], bool]) -> None:
    """Ask until the answer is as it should be; every answer on the way came in time."""
    deadline_s = time.monotonic() + DEADLINE_S
    while not holds(*(answer := readiness(studio))):
        assert time.monotonic() < deadline_s, f"{answer}\n{studio.tail()}"
        time.sleep(0.05)


def only(missing: str) -> Callable[[int, dict[str, Any]], bool]:
    """Exactly this part is down, and with Postgres the number of workers is not known."""

    def holds(status: int, told: dict[str, Any]) -> bool:
        down = [part for part in ("postgres", "redis", "storage") if told[part] == "down"]
        return status == 503 and down == [missing] and (told["workers"] is None) == (missing == "postgres")

    return holds


def ready(status: int, told: dict[str, Any]) -> bool:
    return status == 200 and told["status"] == "ready"


def test_a_worker_counts_while_it_is_heard_of(studio: Studio) -> None:
    until(studio, lambda status, told: ready(status, told) and told["workers"] == 1)
    (worker,) = studio.children("worker")
    os.kill(worker, signal.SIGSTOP)
    until(studio, lambda status, told: ready(status, told) and told["workers"] == 0)
    os.kill(worker, signal.SIGCONT)
    until(studio, lambda status, told: told["workers"] == 1)


def test_a_valkey_that_goes_away_is_named_and_its_return_too(studio: Studio, servers: Servers) -> None:
    servers.valkey.stop()
    until(studio, only("redis"))
    servers.valkey = embedded.start_valkey(servers.folder)
    until(studio, ready)


def test_a_storage_that_goes_away_is_named_and_its_return_too(studio: Studio) -> None:
    media = studio.data / "media"
    kept = media.rename(studio.data / "media-elsewhere")
    media.touch()
    until(studio, only("storage"))
    media.unlink()
    kept.rename(media)
    until(studio, ready)


def test_servers_that_hang_are_named_and_their_waking_too(studio: Studio, servers: Servers) -> None:
    for server in (servers.valkey, servers.postgres):
        _signal(server, signal.SIGSTOP)
    until(studio, lambda status, told: (status, told["postgres"], told["redis"]) == (503, "down", "down"))
    for server in (servers.valkey, servers.postgres):
        _signal(server, signal.SIGCONT)
    until(studio, ready)


def test_a_postgres_that_goes_away_is_named_and_its_return_too(studio: Studio, servers: Servers) -> None:
    servers.postgres.stop()
    until(studio, only("postgres"))
    assert studio.answers("/healthz")
    servers.postgres = embedded.start_postgres(servers.folder)
    until(studio, ready)


def _signal(server: embedded.Server, number: signal.Signals) -> None:
    """Stop or wake a server with all its processes; one that ends meanwhile needs no signal."""
    process = psutil.Process(server.process.pid)
    process.send_signal(number)
    for child in process.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            child.send_signal(number)
