"""A storage that is away, and one that is full: F-12 and F-13."""

import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from studio.models import Take
from tests.factories import Cast
from tests.faults.asking import ask
from tests.faults.light_worker import CLIP
from tests.faults.oracle import check_history, history, takes_hold
from tests.faults.part import Part
from tests.faults.stage import LIGHT, Stage, long, wait_until
from tests.helpers.studio import free_port

pytestmark = pytest.mark.timeout(long(120, 600))
AWAY_S = long(3, 60)
ASKED_AGAIN_S = 20.0
"""A storage that was away is asked again every 10 s at least."""
KEYS = {"aws_access_key_id": "key", "aws_secret_access_key": "secret", "region_name": "eu-west-1"}


def never_done(take: Take, for_s: float) -> None:
    """Watch a take for a while in which it cannot be stored."""
    until_s = time.monotonic() + for_s
    while time.monotonic() < until_s:
        take.refresh_from_db()
        assert take.state in ("queued", "running")
        time.sleep(0.1)
    assert take.state == "running"


@pytest.fixture
def media(stage: Stage) -> Path:
    folder = stage.data / "media"
    folder.mkdir(exist_ok=True)
    return folder


def test_f12_a_folder_that_is_away_gets_the_clip_when_it_is_back_and_it_is_rendered_once(
    stage: Stage, cast: Cast, media: Path, light: Part
) -> None:
    away = media.rename(media.with_name("media-away"))
    # Not a folder: nothing below it can be made, as with a mount that is gone.
    media.write_text("")
    try:
        take = ask(cast)
        wait_until(lambda: "not stored, trying again" in light.said(), 10, "the worker notices")
        never_done(take, AWAY_S)
    finally:
        media.unlink()
        away.rename(media)
    (ended,) = takes_hold(stage, [take], ASKED_AGAIN_S)
    assert (ended.state, ended.attempt) == ("done", 1)
    assert history(take).count("take.stalled") == 1
    assert (media / ended.clip_key).read_bytes() == CLIP


class Bucket:
    """An S3-compatible server that can be away, with one bucket."""

    def __init__(self) -> None:
        self.name, self.port = f"rushes-{uuid.uuid4().hex[:8]}", free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.client = boto3.client("s3", endpoint_url=self.url, **KEYS)
        self.come()
        place: Any = {"LocationConstraint": KEYS["region_name"]}
        self.client.create_bucket(Bucket=self.name, CreateBucketConfiguration=place)

    @property
    def address(self) -> str:
        return f"s3://key:secret@{self.name}?endpoint={self.url}&region={KEYS['region_name']}"

    def come(self) -> None:
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=self.port, verbose=False)
        self._server.start()

    def go(self) -> None:
        self._server.stop()

    def keys(self) -> list[str]:
        return sorted(item["Key"] for item in self.client.list_objects_v2(Bucket=self.name).get("Contents", []))


@pytest.fixture
def bucket(stage: Stage) -> Iterator[Bucket]:
    made = Bucket()
    yield made
    made.client.close()
    made.go()


def test_f12_an_object_store_that_is_away_gets_the_clip_when_it_is_back_and_it_is_rendered_once(
    stage: Stage, cast: Cast, bucket: Bucket
) -> None:
    stage.workers(0)
    worker = stage.worker(*LIGHT, STORAGE_URL=bucket.address)
    try:
        stage.await_worker(worker)
        bucket.go()
        take = ask(cast)
        wait_until(lambda: "take.stalled" in history(take), 20, "the room is told")
        never_done(take, AWAY_S)
        bucket.come()
        wait_until(lambda: history(take)[-1] == "take.done", ASKED_AGAIN_S, "it is done")
        take.refresh_from_db()
        check_history(take)
        assert take.attempt == 1
        assert history(take).count("take.stalled") == 1
        assert bucket.keys() == sorted([take.clip_key, take.poster_key])
    finally:
        worker.kill()


@contextmanager
def tiny_disk(folder: Path) -> Iterator[None]:
    """A file system of 256 KiB in the place of a folder; skips where we may not mount one."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip("only root may mount a tmpfs")
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


def test_f13_a_full_disk_fails_the_take_plainly_leaves_no_half_file_and_needs_nobody_to_recover(
    stage: Stage, cast: Cast, media: Path, light: Part
) -> None:
    with tiny_disk(media):
        filler = media / "filler"
        with pytest.raises(OSError, match="No space left"):
            filler.write_bytes(bytes(1024 * 1024))
        (failed,) = takes_hold(stage, [ask(cast)])
        assert (failed.state, failed.error_code, failed.attempt) == ("failed", "storage.full", 1)
        print(failed.error_message)
        assert [path for path in media.rglob("*") if path.is_file()] == [filler]
        filler.unlink()
        (done,) = takes_hold(stage, [ask(cast)])
        assert (done.state, done.attempt) == ("done", 1)
