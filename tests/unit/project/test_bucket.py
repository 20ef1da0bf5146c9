"""Storage in a bucket: the real client and backend against an S3-compatible server on loopback."""

import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from django.core.files.storage import default_storage
from django.test import override_settings
from moto.server import ThreadedMotoServer

from project import values
from project.settings import storage_backend
from studio.jobs import store

CLIP = b"clip " * 50_000


@pytest.fixture
def bucket() -> Iterator[None]:
    """A bucket as STORAGE_URL names it, used as Django's default storage."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    name = f"rushes-{uuid.uuid4().hex[:8]}"
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret/+", "region_name": "eu-west-1"}
    place = {"LocationConstraint": "eu-west-1"}
    boto3.client("s3", endpoint_url=endpoint, **keys).create_bucket(Bucket=name, CreateBucketConfiguration=place)
    given = f"s3://key:secret%2F%2B@{name}?endpoint={endpoint}&region=eu-west-1"
    backend = storage_backend(values.storage("STORAGE_URL", given, Path("unused")))
    with override_settings(STORAGES={"default": backend, "staticfiles": {"BACKEND": "x"}}):
        yield
    server.stop()


def test_files_of_a_take_are_stored_read_and_removed(bucket: None) -> None:
    store.put("takes/one/1/clip.mp4", CLIP)
    assert store.get("takes/one/1/clip.mp4") == CLIP
    store.remove("takes/one/1/clip.mp4", "takes/one/1/never-was")
    assert not default_storage.exists("takes/one/1/clip.mp4")


def test_a_store_that_says_nothing_is_not_waited_for_long(bucket: None) -> None:
    config = default_storage.connection.meta.client.meta.config  # type: ignore[attr-defined]
    assert (config.connect_timeout, config.read_timeout) == (5, 20)
    assert config.retries["total_max_attempts"] == 2


def test_a_signed_address_gives_the_file_and_ranges_of_it(bucket: None) -> None:
    store.put("takes/one/1/clip.mp4", CLIP)
    address = default_storage.url("takes/one/1/clip.mp4")
    assert "Signature" in address
    with urllib.request.urlopen(urllib.request.Request(address, headers={"Range": "bytes=5-9"})) as answer:
        assert (answer.status, answer.read()) == (206, b"clip ")


def test_a_clip_stored_again_replaces_the_one_before(bucket: None) -> None:
    store.put("takes/one/1/clip.mp4", b"first")
    store.put("takes/one/1/clip.mp4", b"second")
    assert store.get("takes/one/1/clip.mp4") == b"second"
    with pytest.raises(FileNotFoundError):
        store.get("takes/one/2/clip.mp4")
