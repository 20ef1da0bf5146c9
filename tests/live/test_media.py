"""Clips over a real connection: ranges, and a memory that does not grow with a clip's size."""

import hashlib
import os
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.urls import reverse

from studio.models import Take, TakeState, User
from tests.factories import Cast
from tests.helpers.studio import Studio, running_with_rows

SIZE_BYTES = 64 * 1024 * 1024
MAY_GROW_BYTES = 24 * 1024 * 1024
"""Without pacing, Daphne takes a whole clip of this size into memory, and more."""


@pytest.fixture(scope="module")
def studio(django_db_setup: None, django_db_blocker: Any) -> Iterator[Studio]:
    """A studio in which nothing renders."""
    with running_with_rows(django_db_blocker, RUSHES_WORKERS="0") as server:
        yield server


def make_take(studio: Studio, cast: Cast, clip: bytes) -> Take:
    folder = studio.data / "media"
    folder.mkdir(exist_ok=True)
    (folder / "clip.mp4").write_bytes(clip)
    return Take.objects.create(
        project=cast.project, shot=cast.shots[0], number=1, idempotency_key="k", state=TakeState.DONE,
        prompt="p", quality="draft", width=96, height=64, frames=25, seed=1,
        clip_key="clip.mp4", clip_sha256=hashlib.sha256(clip).hexdigest(), clip_size_bytes=len(clip),
    )  # fmt: skip


def memory_bytes(pid: int, line: str) -> int:
    found = next(row for row in Path(f"/proc/{pid}/status").read_text().splitlines() if row.startswith(line))
    return int(found.split()[1]) * 1024


def test_a_large_clip_arrives_whole_and_in_ranges_without_filling_the_servers_memory(
    studio: Studio, sign_in: Callable[[User], str]
) -> None:
    cast, clip = Cast(), os.urandom(SIZE_BYTES)
    take = make_take(studio, cast, clip)
    url, cookie = studio.url + reverse("clip", args=[take.pk]), {"Cookie": sign_in(cast.viewer)}
    (web,) = studio.children("serve")
    with urllib.request.urlopen(urllib.request.Request(url, headers={**cookie, "Range": "bytes=7-16"})) as part:
        assert (part.status, part.read()) == (206, clip[7:17])
    before = memory_bytes(web, "VmRSS")
    with urllib.request.urlopen(urllib.request.Request(url, headers=cookie)) as whole:
        assert hashlib.file_digest(whole, "sha256").hexdigest() == take.clip_sha256
    assert memory_bytes(web, "VmHWM") - before < MAY_GROW_BYTES


def test_many_who_download_slowly_leave_the_database_to_others(studio: Studio, sign_in: Callable[[User], str]) -> None:
    cast = Cast()
    take = make_take(studio, cast, os.urandom(SIZE_BYTES // 2))
    url, cookie = studio.url + reverse("clip", args=[take.pk]), {"Cookie": sign_in(cast.viewer)}
    request = urllib.request.Request(url, headers=cookie)
    with ExitStack() as open_downloads:
        for _ in range(settings.WEB_POOL["max_size"] + 1):
            assert open_downloads.enter_context(urllib.request.urlopen(request, timeout=10)).read(1)
        another = urllib.request.Request(url, headers={**cookie, "Range": "bytes=0-9"})
        with urllib.request.urlopen(another, timeout=10) as part:
            assert part.status == 206
