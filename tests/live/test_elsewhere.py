"""A worker on another machine: the code in a folder of its own, three settings, one command (docs/OPERATIONS.md)."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from project import embedded
from project.env import ROOT
from studio.live.threads import in_thread
from studio.models import Take
from tests.factories import Cast
from tests.helpers.studio import Studio, running_with_rows
from tests.live.rooms.client import room

STOP_S = 10.0


@pytest.fixture(scope="module")
def studio(django_db_setup: None, django_db_blocker: Any) -> Iterator[Studio]:
    with running_with_rows(django_db_blocker, RUSHES_WORKERS="0") as server:
        yield server


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """What another machine has of us: the code and the model, and none of the studio's files."""
    for part in ("project", "studio", "inference"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "manage.py", tmp_path)
    return tmp_path


def start(folder: Path, **given: str) -> "subprocess.Popen[bytes]":
    """``make worker`` after its set-up."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith("RUSHES_")}
    environment = {**mine, "RUSHES_ENV_FILE": "", "RUSHES_WEBS": "0", **given}
    with (folder / "up.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "manage.py", "up"], cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=log,
            stderr=log, start_new_session=True,
        )  # fmt: skip


@pytest.fixture
def worker(studio: Studio, elsewhere: Path) -> Iterator["subprocess.Popen[bytes]"]:
    three = {
        "DATABASE_URL": embedded.database_url(studio.data),
        "REDIS_URL": embedded.redis_url(studio.data),
        "STORAGE_URL": (studio.data / "media").as_uri(),
    }
    process = start(elsewhere, **three)
    studio.await_worker()
    yield process
    process.kill()
    process.wait()


async def test_a_worker_elsewhere_renders_into_the_room_and_the_studio_has_the_clip(
    studio: Studio,
    worker: "subprocess.Popen[bytes]",
    elsewhere: Path,
    cast: Cast,
    cookie: str,
    asked: Callable[[], dict[str, Any]],
) -> None:
    async with room(studio.url, cast.project.pk, cookie) as client:
        await client.hello()
        take_id = (await client.command("take.request", **asked()))["take_id"]
        assert (await client.preview()).take_id.hex == take_id.replace("-", "")
        await client.next("take.done")
    take = await in_thread(Take.objects.get, pk=take_id)
    assert len((studio.data / "media" / take.clip_key).read_bytes()) == take.clip_size_bytes
    assert not (elsewhere / ".rushes" / "media").exists()
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(STOP_S) == 0
    studio.await_no_worker()


def test_without_what_it_shares_with_the_studio_it_says_which_settings_are_missing(elsewhere: Path) -> None:
    process = start(elsewhere, DATABASE_URL="postgres:///rushes")
    assert process.wait(STOP_S) == 1
    assert "REDIS_URL, STORAGE_URL" in (elsewhere / "up.log").read_text()
