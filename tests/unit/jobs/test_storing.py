"""What is stored of a take, what a storage that is away or full costs it, and what is swept."""

import asyncio
import errno
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage
from django.db import OperationalError

from inference.wire import Checkpointed, Failed
from studio.domain import takes
from studio.jobs import queue, reports, store, sweep
from studio.jobs.reports import Rig, database
from studio.models import Take
from tests.factories import Cast
from tests.unit.jobs.conftest import (
    CLIP,
    DEADLINE_S,
    FakeRenderer,
    events,
    files,
    folders,
    render,
    whole,
)


async def test_no_room_left_fails_the_take_plainly_and_leaves_no_half_file_j15(
    rig: Rig, renderer: FakeRenderer, take: Take, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: Any, name: str, content: Any) -> str:
        path = storage / name
        path.parent.mkdir(parents=True)
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(FileSystemStorage, "save", full)
    renderer.script = whole
    failed = await render(rig, take)
    assert (failed.state, failed.error_code) == ("failed", "storage.full")
    assert "no room left" in failed.error_message
    assert files(storage) == []


async def test_a_storage_that_was_away_gets_the_clip_without_a_second_rendering_j15(
    rig: Rig, renderer: FakeRenderer, take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    put, refusals = store.put, iter([True, True])

    def away(name: str, data: bytes) -> None:
        if next(refusals, False):
            raise ConnectionError("no answer")
        put(name, data)

    monkeypatch.setattr(store, "put", away)
    monkeypatch.setattr(reports, "STORE_PAUSES_S", (0.0, 0.0, 0.0))
    renderer.script = whole
    assert ((await render(rig, take)).state, len(renderer.jobs)) == ("done", 1)
    assert await events() == ["take.queued", "take.started", "take.stalled", "take.done"]


async def test_a_clip_in_hand_outlasts_a_database_that_is_away_with_the_storage_j15(
    rig: Rig, renderer: FakeRenderer, take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    put, stalled = store.put, takes.stalled
    refusals, hiccups = iter([True, True, True]), iter([True])

    def away(name: str, data: bytes) -> None:
        if next(refusals, False):
            raise ConnectionError("no answer")
        put(name, data)

    def hiccup(*given: Any) -> bool:
        if next(hiccups, False):
            raise OperationalError("no connection in time")
        return stalled(*given)

    monkeypatch.setattr(store, "put", away)
    monkeypatch.setattr(takes, "stalled", hiccup)
    monkeypatch.setattr(reports, "STORE_PAUSES_S", 4 * (0.0,))
    renderer.script = whole
    assert ((await render(rig, take)).state, len(renderer.jobs)) == ("done", 1)
    assert await events() == ["take.queued", "take.started", "take.stalled", "take.done"]


async def test_a_take_that_waits_for_the_storage_can_be_cancelled_j15(
    rig: Rig, renderer: FakeRenderer, take: Take, cast: Cast, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(name: str, data: bytes) -> None:
        raise ConnectionError("no answer")

    monkeypatch.setattr(store, "put", away)
    monkeypatch.setattr(reports, "STORE_PAUSES_S", 500 * (0.01,))
    renderer.script = whole
    task = asyncio.create_task(render(rig, take))
    async with asyncio.timeout(DEADLINE_S):
        while "take.stalled" not in await events():
            pass
    await database(lambda: queue.cancel(cast.access("owner"), take.pk))()
    assert (await task).state == "cancelled"
    assert await events() == ["take.queued", "take.started", "take.stalled", "take.cancelling", "take.cancelled"]
    assert files(storage) == []


async def test_what_a_killed_worker_stored_and_no_row_knows_goes_too_j16(
    rig: Rig, renderer: FakeRenderer, take: Take, storage: Path
) -> None:
    renderer.script = lambda job: [Checkpointed(2, b"two"), Failed("render.memory", "", retryable=True)]
    await render(rig, take)
    store.put(store.key(take.pk, 1, "step-3.safetensors"), b"three")
    renderer.script = whole
    await render(rig, take)
    assert files(storage) == [f"takes/{take.pk}/2/clip.mp4", f"takes/{take.pk}/2/poster.jpg"]


async def test_leftovers_of_a_take_that_was_cancelled_while_it_waited_are_swept_j16(
    rig: Rig, renderer: FakeRenderer, take: Take, cast: Cast, storage: Path
) -> None:
    renderer.script = lambda job: [Checkpointed(2, b"two"), Failed("render.memory", "", retryable=True)]
    await render(rig, take)
    await database(lambda: queue.cancel(cast.access(), take.pk))()
    assert len(files(storage)) == 1
    await sweep.once()
    assert files(storage) == []


def given_back(take: Take) -> Take:
    """The take, begun once by a worker that is gone, and waiting again without a checkpoint."""
    assert takes.begin(take.pk, take.job_id or 0) is not None
    takes.retry(take.pk, 1, queue.enqueue_again, code="worker.lost", message="")
    return Take.objects.get(pk=take.pk)


async def test_what_a_killed_worker_left_goes_though_no_worker_ends_the_take_j16(
    take: Take, cast: Cast, storage: Path
) -> None:
    waiting = await database(given_back)(take)
    assert (waiting.attempt, waiting.checkpoint_key) == (1, "")
    store.put(store.key(take.pk, 1, store.CLIP), CLIP)
    await sweep.once()
    assert len(files(storage)) == 1, "it waits, and may go on"
    await database(lambda: queue.cancel(cast.access(), take.pk))()
    await sweep.once()
    assert folders(storage) == []
    assert await database(takes.untidy)() == []


async def test_a_storage_that_refuses_to_be_listed_loses_what_is_known_and_is_not_asked_for_ever_j16(
    rig: Rig, renderer: FakeRenderer, take: Take, cast: Cast, storage: Path, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    renderer.script = lambda job: [Checkpointed(2, b"two"), Failed("render.memory", "", retryable=True)]
    for _ in range(2):
        await render(rig, take)
    store.put(store.key(take.pk, 1, store.CLIP), CLIP)
    store.put(store.key(take.pk, 2, store.POSTER), b"poster")
    await database(lambda: queue.cancel(cast.access(), take.pk))()

    def refuse(*_: object) -> Any:
        raise PermissionError("s3:ListBucket is not allowed")

    monkeypatch.setattr(FileSystemStorage, "listdir", refuse)
    assert len(files(storage)) == 3
    for _ in range(2):
        await sweep.once()
    assert files(storage) == []
    assert caplog.text.count("s3:ListBucket is not allowed") == 1
    assert await database(takes.untidy)() == []


async def test_a_take_that_a_worker_ends_is_tidy_at_once_j16(rig: Rig, renderer: FakeRenderer, take: Take) -> None:
    renderer.script = whole
    assert (await render(rig, take)).is_untidy is False


async def test_clips_are_their_owners_only(rig: Rig, renderer: FakeRenderer, take: Take, storage: Path) -> None:
    renderer.script = whole
    done = await render(rig, take)
    clip = storage / done.clip_key
    assert (clip.stat().st_mode & 0o777, clip.parent.stat().st_mode & 0o777) == (0o600, 0o700)


async def test_a_failed_take_leaves_no_folder_j16(rig: Rig, renderer: FakeRenderer, take: Take, storage: Path) -> None:
    renderer.script = lambda job: [Checkpointed(2, b"two"), Failed("prompt.refused", "")]
    assert (await render(rig, take)).state == "failed"
    assert folders(storage) == []
