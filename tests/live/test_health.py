"""``/readyz`` while the studio's own parts go away, one after the other, and come back."""

import json
import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
import pytest

from project import embedded
from tests.helpers.studio import Studio

DEADLINE_S = 30.0
ANSWER_S = 4.0
"""Two seconds for the parts, and as much for a machine that has other things to do."""


@pytest.fixture
def servers() -> Iterator[Path]:
    """A folder for a Postgres and a Valkey that nobody starts again."""
    with TemporaryDirectory(prefix="rushes-servers-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


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


def test_each_part_that_goes_away_is_named_and_its_return_too(servers: Path) -> None:
    postgres, valkey = embedded.start_postgres(servers), embedded.start_valkey(servers)
    database_url, redis_url = embedded.database_url(servers), embedded.redis_url(servers)
    studio = Studio(DATABASE_URL=database_url, REDIS_URL=redis_url, RUSHES_LEASE_S="2").start()
    try:
        until(studio, lambda status, told: ready(status, told) and told["workers"] == 1)
        (worker,) = studio.children("worker")
        os.kill(worker, signal.SIGSTOP)
        until(studio, lambda status, told: ready(status, told) and told["workers"] == 0)
        os.kill(worker, signal.SIGCONT)
        until(studio, lambda status, told: told["workers"] == 1)

        valkey.stop()
        until(studio, only("redis"))
        valkey = embedded.start_valkey(servers)
        until(studio, ready)

        media = studio.data / "media"
        kept = media.rename(studio.data / "media-elsewhere")
        media.touch()
        until(studio, only("storage"))
        media.unlink()
        kept.rename(media)
        until(studio, ready)

        for server in (valkey, postgres):
            _signal(server, signal.SIGSTOP)
        until(studio, lambda status, told: (status, told["postgres"], told["redis"]) == (503, "down", "down"))
        for server in (valkey, postgres):
            _signal(server, signal.SIGCONT)
        until(studio, ready)

        postgres.stop()
        until(studio, only("postgres"))
        assert studio.answers("/healthz")
        postgres = embedded.start_postgres(servers)
        until(studio, ready)
    finally:
        studio.stop()
        valkey.stop()
        postgres.stop()


def _signal(server: embedded.Server, number: signal.Signals) -> None:
    """Stop or wake a server with all its processes."""
    process = psutil.Process(server.process.pid)
    for each in (process, *process.children(recursive=True)):
        each.send_signal(number)
