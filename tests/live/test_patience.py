"""What is not waited for without end, in a studio that really runs: R-31 and R-34 of SPEC-ROOM.md."""

import http.client
import os
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from django.urls import reverse

from studio.models import Project, Take, TakeState, User
from tests.factories import Cast
from tests.helpers.studio import Studio, running_with_rows
from tests.live.rooms.client import room

DEADLINE_S = 15.0
SIZE_BYTES = 32 * 1024 * 1024
"""More than the buffers between a server and its reader hold."""


@pytest.fixture(scope="module")
def studio(django_db_setup: None, django_db_blocker: Any) -> Iterator[Studio]:
    """A studio in which nothing renders."""
    with running_with_rows(django_db_blocker, RUSHES_WORKERS="0") as server:
        yield server


async def test_r34_a_command_that_waits_for_a_row_is_told_so_and_works_when_tried_again(
    studio: Studio, cast: Cast, cookies: dict[str, str]
) -> None:
    async with room(studio.url, cast.project.pk, cookies["editor"]) as editor:
        await editor.hello()
        async with await psycopg.AsyncConnection.connect(studio.database_url) as other:
            table = Project._meta.db_table
            await other.execute(f"SELECT 1 FROM {table} WHERE id = %s FOR UPDATE", [cast.project.pk])
            begun_s = time.monotonic()
            refused = await editor.command("project.rename", title="Held")
            assert refused["error"]["code"] == "failed"
            assert time.monotonic() - begun_s > 4
        assert (await editor.command("project.rename", title="Free"))["error"] is None
        assert (await editor.next("project.renamed"))["title"] == "Free"


def test_r31_a_clip_that_breaks_off_is_cut_off_and_the_server_goes_on(
    studio: Studio, cast: Cast, sign_in: Callable[[User], str]
) -> None:
    path = studio.data / "media" / "clip.mp4"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(bytes(SIZE_BYTES))
    take = Take.objects.create(
        project=cast.project, shot=cast.shots[0], number=1, idempotency_key="k", state=TakeState.DONE,
        prompt="p", quality="draft", width=96, height=64, frames=25, seed=1,
        clip_key="clip.mp4", clip_sha256="ab" * 32, clip_size_bytes=SIZE_BYTES,
    )  # fmt: skip
    cookie = {"Cookie": sign_in(cast.viewer)}
    asked = urllib.request.Request(studio.url + reverse("clip", args=[take.pk]), headers=cookie)
    for _ in range(2):
        with urllib.request.urlopen(asked, timeout=DEADLINE_S) as clip:
            assert clip.read(1)
            os.truncate(path, 0)
            with pytest.raises((http.client.IncompleteRead, ConnectionError)):
                clip.read()
        path.write_bytes(bytes(SIZE_BYTES))
    assert studio.answers("/healthz")
