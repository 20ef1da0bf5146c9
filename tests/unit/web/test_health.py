"""Health: true about each part, and silent about secrets."""

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from studio.web import health
from tests.factories import make_worker_node


def test_the_process_answers_without_asking_anything() -> None:
    assert Client().get("/healthz").json() == {"status": "up"}


@pytest.mark.django_db
def test_ready_when_every_part_is_up_and_says_how_many_workers_live() -> None:
    make_worker_node()
    make_worker_node(seen_at=timezone.now() - timedelta(hours=1))
    response = Client().get("/readyz")
    expected = {"status": "ready", "postgres": "up", "redis": "up", "storage": "up", "workers": 1}
    assert (response.status_code, response.json()) == (200, expected)


@pytest.mark.django_db
def test_not_ready_without_redis_and_no_address_is_told(settings: Settings) -> None:
    settings.REDIS_URL = "redis://:hunter2@127.0.0.1:1/0"
    response = Client().get("/readyz")
    assert (response.status_code, response.json()["redis"]) == (503, "down")
    assert "hunter2" not in response.content.decode()


@pytest.mark.django_db
def test_not_ready_without_postgres(monkeypatch: pytest.MonkeyPatch) -> None:
    class Away:
        def cursor(self) -> None:
            raise OperationalError("connection refused: password=hunter2")

    monkeypatch.setattr(health, "connection", Away())
    response = Client().get("/readyz")
    assert (response.status_code, response.json()["postgres"], response.json()["workers"]) == (503, "down", None)
    assert "hunter2" not in response.content.decode()


@pytest.mark.django_db
def test_not_ready_without_room_on_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "MIN_FREE_BYTES", 1 << 62)
    assert Client().get("/readyz").json()["storage"] == "down"


@pytest.mark.django_db
def test_a_page_says_so_in_plain_words_when_redis_is_away(settings: Settings) -> None:
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1/0"}
    }
    response = Client().post(reverse("try"))
    assert response.status_code == 503
    assert "A part of the studio is away" in response.content.decode()
