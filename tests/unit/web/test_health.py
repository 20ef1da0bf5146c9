"""Health: true about each part, and silent about secrets. The parts really go away in ``tests/live/test_health.py``."""

import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from studio.live import threads
from studio.web import health
from tests.factories import make_worker_node

# Each part is asked on a thread of its own, which sees only what is committed.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def storage(tmp_path: Path, settings: Settings) -> Path:
    """Files go to a folder of the test's own; the fixture is that folder."""
    options = {"location": str(tmp_path / "media"), "base_url": None}
    backend = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "default": backend}
    return tmp_path / "media"


@pytest.fixture(autouse=True)
def always_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "FRESH_S", 0.0)


def ready() -> tuple[int, dict[str, Any]]:
    response = Client().get("/readyz")
    return response.status_code, response.json()


def test_the_process_answers_without_asking_anything() -> None:
    assert Client().get("/healthz").json() == {"status": "up"}


def test_ready_when_every_part_is_up_and_says_how_many_workers_live(storage: Path) -> None:
    make_worker_node()
    make_worker_node(seen_at=timezone.now() - timedelta(hours=1))
    expected = {"status": "ready", "postgres": "up", "redis": "up", "storage": "up", "sockets": "up", "workers": 1}
    assert ready() == (200, expected)
    assert [path for path in storage.rglob("*") if path.is_file()] == [], "what was written to try is gone"


def test_not_ready_without_redis_and_no_address_is_told(settings: Settings) -> None:
    settings.REDIS_URL = "redis://:hunter2@127.0.0.1:1/0"
    status, told = ready()
    assert (status, told["redis"], told["postgres"]) == (503, "down", "up")
    assert "hunter2" not in str(told)


def test_not_ready_without_a_storage_that_can_be_written(storage: Path) -> None:
    storage.write_text("in the way")
    status, told = ready()
    assert (status, told["storage"], told["redis"]) == (503, "down", "up")


def test_not_ready_without_room_on_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "MIN_FREE_BYTES", 1 << 62)
    assert ready()[1]["storage"] == "down"


def test_a_part_that_hangs_is_down_in_time_and_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    goes_on, asked = threading.Event(), []

    def hang() -> int:
        asked.append(1)
        goes_on.wait(30)
        return 1

    others = [probe for probe in health.PROBES if probe.name != "storage"]
    monkeypatch.setattr(health, "PROBES", [*others, health.Probe("storage", hang)])
    monkeypatch.setattr(health, "PROBE_TIMEOUT_S", 0.3)
    begun_s = time.monotonic()
    assert [ready()[1]["storage"] for _ in range(3)] == ["down"] * 3
    assert time.monotonic() - begun_s < 3
    assert asked == [1]
    goes_on.set()
    health.PROBES[-1].ask().result(5)
    assert ready()[1]["storage"] == "up"


def test_not_ready_while_every_thread_of_the_sockets_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    goes_on = threading.Event()
    stuck = [threads._THREADS.submit(goes_on.wait, 30) for _ in range(threads.THREADS)]
    monkeypatch.setattr(health, "PROBE_TIMEOUT_S", 0.3)
    try:
        status, told = ready()
        assert (status, told["sockets"], told["postgres"]) == (503, "down", "up")
    finally:
        goes_on.set()
    assert all(each.result(5) for each in stuck)
    next(probe for probe in health.PROBES if probe.name == "sockets").ask().result(5)
    assert ready()[1]["sockets"] == "up"


def test_a_part_for_which_there_was_no_thread_is_down_and_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_to_be_had(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    probe = health.Probe("storage", lambda: 7)
    with monkeypatch.context() as short:
        short.setattr(threading.Thread, "start", none_to_be_had)
        assert isinstance(probe.ask().exception(0), RuntimeError)
    assert probe.ask().result(5) == 7


def test_a_part_is_not_asked_twice_in_a_second_however_often_strangers_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def check() -> int:
        asked.append(1)
        return 1

    monkeypatch.setattr(health, "PROBES", [health.Probe("postgres", check)])
    monkeypatch.setattr(health, "FRESH_S", 60.0)
    assert [ready()[0] for _ in range(20)] == [200] * 20
    assert asked == [1]


def test_a_page_says_so_in_plain_words_when_redis_is_away(settings: Settings) -> None:
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1/0"}
    }
    response = Client().post(reverse("try"))
    assert response.status_code == 503
    assert "A part of the studio is away" in response.content.decode()
