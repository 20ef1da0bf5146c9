"""One attempt of one take, with a renderer that plays a script."""

import asyncio
import errno
import hashlib
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage
from django.db import OperationalError

from inference.wire import Checkpointed, Failed, Job, Started, Stepped
from studio.domain import takes
from studio.jobs import queue, reports, store, sweep, worker
from studio.jobs.reports import Mailbox, Rig, database
from studio.live import groups
from studio.models import RoomEvent, Take
from tests.factories import Cast, make_request
from tests.unit.jobs.conftest import CLIP, DEADLINE_S, FakeRenderer, again, finished, packet, render, whole


def files(storage: Path) -> list[str]:
    return sorted(str(path.relative_to(storage)) for path in storage.rglob("*") if path.is_file())


def folders(storage: Path) -> list[Path]:
    return list(storage.glob("takes/*"))


async def events() -> list[str]:
    rows = RoomEvent.objects.order_by("seq").values_list("type", flat=True)
    return await database(lambda: list(rows))()


async def test_a_take_ends_done_with_its_files_stored_j15(
    rig: Rig, renderer: FakeRenderer, take: Take, storage: Path
) -> None:
    renderer.script = whole
    done = await render(rig, take)
    assert (done.state, done.attempt, done.model_prompt) == ("done", 1, "a red ball")
    assert done.clip_sha256 == hashlib.sha256(CLIP).hexdigest()
    assert store.get(done.clip_key) == CLIP
    assert files(storage) == [f"takes/{take.pk}/1/clip.mp4", f"takes/{take.pk}/1/poster.jpg"]
    assert await events() == ["take.queued", "take.started", "take.done"]


async def test_previews_reach_the_room_and_the_newest_is_kept_until_the_end_j17(
    rig: Rig, renderer: FakeRenderer, take: Take
) -> None:
    async with rig.redis.pubsub(ignore_subscribe_messages=True) as room:
        await room.subscribe(groups.room(take.project_id))
        task = asyncio.create_task(render(rig, take))
        job = await renderer.arrivals.get()
        sent = packet(job, 1)
        renderer.sinks[take.pk](Stepped(1, 4, 300, sent))
        async with asyncio.timeout(DEADLINE_S):
            heard = [message["data"] async for message in _until(room, sent)]
        assert await rig.redis.get(groups.preview(take.pk)) == sent == heard[-1]
        renderer.sinks[take.pk](finished())
        await task
    assert await rig.redis.get(groups.preview(take.pk)) is None


async def _until(room: Any, wanted: bytes) -> Any:
    async for message in room.listen():
        yield message
        if message["data"] == wanted:
            return


async def test_rendering_goes_on_without_redis_j17(rig: Rig, renderer: FakeRenderer, take: Take) -> None:
    rig.redis.connection_pool.connection_kwargs["path"] = "/nowhere"
    renderer.script = whole
    assert (await render(rig, take)).state == "done"


async def test_a_slow_reader_gets_the_newest_step_and_never_misses_an_end_j17() -> None:
    mailbox = Mailbox()
    for report in (Started("p", 0, 4), Stepped(1, 4, 3), Checkpointed(1, b"a"), Stepped(2, 4, 2), finished()):
        mailbox.put(report)
    await asyncio.sleep(0)
    read = [await mailbox.get() for _ in range(4)]
    assert read == [Started("p", 0, 4), Checkpointed(1, b"a"), Stepped(2, 4, 2), finished()]


async def test_a_step_that_is_not_shown_leaves_the_preview_before_it() -> None:
    mailbox = Mailbox()
    for report in (Stepped(1, 9, 8, b"first"), Stepped(2, 9, 7, b"second"), Stepped(3, 9, 6), Stepped(4, 9, 5)):
        mailbox.put(report)
    await asyncio.sleep(0)
    assert await mailbox.get() == Stepped(4, 9, 5, b"second")


async def test_a_failure_that_another_try_can_help_is_tried_three_times_j8(
    rig: Rig, renderer: FakeRenderer, take: Take
) -> None:
    renderer.script = lambda job: [Failed("render.memory", "Out of memory.", retryable=True)]
    states = [(await render(rig, take)).state for _ in range(3)]
    assert states == ["queued", "queued", "failed"]
    failed = await again(take)
    assert (failed.attempt, failed.error_code, failed.error_message) == (3, "render.memory", "Out of memory.")
    assert await events() == [
        "take.queued", "take.started", "take.retried", "take.started", "take.retried", "take.started", "take.failed",
    ]  # fmt: skip


async def test_a_failure_that_no_try_can_help_ends_the_take_j8(rig: Rig, renderer: FakeRenderer, take: Take) -> None:
    renderer.script = lambda job: [Failed("render.nan", "The weights give NaN.")]
    assert ((await render(rig, take)).state, len(renderer.jobs)) == ("failed", 1)


async def test_a_further_attempt_goes_on_from_the_checkpoint_j9(
    rig: Rig, renderer: FakeRenderer, take: Take, storage: Path
) -> None:
    renderer.script = lambda job: [
        Checkpointed(1, b"one"),
        Checkpointed(2, b"two"),
        Failed("render.memory", "", retryable=True),
    ]
    assert (await render(rig, take)).state == "queued"
    assert files(storage) == [f"takes/{take.pk}/1/step-2.safetensors"]
    renderer.script = whole
    done = await render(rig, take)
    assert [state for _, state in renderer.jobs] == [None, b"two"]
    assert files(storage) == [f"takes/{take.pk}/2/clip.mp4", f"takes/{take.pk}/2/poster.jpg"]
    assert done.checkpoint_key == ""


async def test_a_job_that_is_not_the_takes_own_starts_nothing_j7(rig: Rig, renderer: FakeRenderer, take: Take) -> None:
    stale = await again(take)
    await database(takes.requeue)(take.pk, stale.job_id, queue.enqueue_again)
    assert await database(takes.begin)(take.pk, stale.job_id or 0) is None
    renderer.script = whole
    assert (await render(rig, take)).state == "done"


async def test_a_worker_that_lost_its_take_changes_nothing_and_its_upload_is_deleted_j6(
    rig: Rig, renderer: FakeRenderer, take: Take, storage: Path
) -> None:
    task = asyncio.create_task(render(rig, take))
    await renderer.arrivals.get()
    await database(takes.retry)(take.pk, 1, queue.enqueue_again, code="worker.lost", message="")
    renderer.sinks[take.pk](finished())
    lost = await task
    assert (lost.state, lost.clip_key) == ("queued", "")
    assert files(storage) == []


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


async def test_a_clean_stop_gives_the_take_back_at_no_cost_of_a_try_j11(
    rig: Rig, renderer: FakeRenderer, take: Take, storage: Path
) -> None:
    renderer.script = lambda job: [Checkpointed(3, b"state")]
    for stops in range(1, 5):
        rig.stopping = False
        task = asyncio.create_task(render(rig, take))
        await renderer.arrivals.get()
        rig.stop()
        back = await task
        assert (back.state, back.attempt, back.tries) == ("queued", stops, 0)
    assert store.get(back.checkpoint_key) == b"state"
    rig.stopping, renderer.script = False, whole
    assert ((await render(rig, take)).state, renderer.jobs[-1][0].attempt) == ("done", 1)


async def test_a_take_that_begins_while_the_worker_stops_is_given_back_too_j11(
    rig: Rig, renderer: FakeRenderer, take: Take
) -> None:
    rig.stop()
    assert (await render(rig, take)).state == "queued"


async def test_a_running_take_is_cancelled_and_its_neighbour_goes_on_j13(
    rig: Rig, renderer: FakeRenderer, take: Take, cast: Cast
) -> None:
    other = await database(lambda: queue.submit(cast.access(), make_request(cast.shots[1])))()
    both = [asyncio.create_task(render(rig, each)) for each in (take, other)]
    assert {(await renderer.arrivals.get()).take_id for _ in both} == {take.pk, other.pk}
    await database(lambda: queue.cancel(cast.access("owner"), take.pk))()
    unwanted = await database(takes.cancel_wanted)([take.pk, other.pk])
    assert unwanted == {take.pk}
    renderer.cancel(take.pk)
    renderer.sinks[other.pk](finished())
    assert [(await task).state for task in both] == ["cancelled", "done"]


async def test_a_cancelled_take_is_not_tried_again_j14(
    rig: Rig, renderer: FakeRenderer, take: Take, cast: Cast
) -> None:
    task = asyncio.create_task(render(rig, take))
    await renderer.arrivals.get()
    await database(lambda: queue.cancel(cast.access(), take.pk))()
    renderer.sinks[take.pk](Failed("render.memory", "", retryable=True))
    assert (await task).state == "cancelled"


async def test_a_take_that_breaks_the_worker_ends_alone_j20(rig: Rig, renderer: FakeRenderer, take: Take) -> None:
    def broken(job: Job) -> Any:
        raise ZeroDivisionError

    renderer.script = broken
    assert [(await render(rig, take)).state for _ in range(3)] == ["queued", "queued", "failed"]
    assert (await again(take)).error_code == "worker.error"
    assert rig.running == {}


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


async def test_a_last_try_that_is_cancelled_while_it_waits_to_be_alone_holds_up_nobody_j20(
    rig: Rig, renderer: FakeRenderer, take: Take, cast: Cast
) -> None:
    others = [await database(lambda: queue.submit(cast.access(), make_request(cast.shots[1])))() for _ in range(2)]
    first = asyncio.create_task(render(rig, others[0]))
    await renderer.arrivals.get()
    last = asyncio.create_task(render(rig, take, alone=True))
    third = asyncio.create_task(render(rig, others[1]))
    async with asyncio.timeout(DEADLINE_S):
        while rig.gate.waiting != {take.pk, others[1].pk}:  # noqa: ASYNC110 - the gate tells nobody who comes
            await asyncio.sleep(0)
    await worker.drop_unwanted(rig)
    assert rig.gate.waiting == {take.pk, others[1].pk}, "both are wanted"
    await database(lambda: takes.cancel(cast.access(), take.pk))()
    await worker.drop_unwanted(rig)
    assert (await last).state == "cancelled"
    async with asyncio.timeout(DEADLINE_S):
        assert (await renderer.arrivals.get()).take_id == others[1].pk
    assert not first.done()
    for other in others:
        renderer.sinks[other.pk](finished())
    assert [(await task).state for task in (first, third)] == ["done", "done"]
    assert renderer.cancels.count(take.pk) == 0


async def test_a_wake_reaches_a_last_try_that_waits_to_be_alone_j13(
    rig: Rig, renderer: FakeRenderer, take: Take, cast: Cast
) -> None:
    other = await database(lambda: queue.submit(cast.access(), make_request(cast.shots[1])))()
    first = asyncio.create_task(render(rig, other))
    await renderer.arrivals.get()
    last = asyncio.create_task(render(rig, take, alone=True))
    hearing = asyncio.create_task(worker._hear_cancels(rig))
    async with asyncio.timeout(DEADLINE_S):
        while rig.gate.waiting != {take.pk}:  # noqa: ASYNC110 - the gate tells nobody who comes
            await asyncio.sleep(0)
        while not await rig.redis.publish(groups.WORKERS, "cancel:of no take"):
            pass
        await database(lambda: queue.cancel(cast.access(), take.pk))()
        assert (await last).state == "cancelled"
    assert not first.done()
    renderer.sinks[other.pk](finished())
    await first
    hearing.cancel()
    await asyncio.gather(hearing, return_exceptions=True)


async def test_clips_are_their_owners_only(rig: Rig, renderer: FakeRenderer, take: Take, storage: Path) -> None:
    renderer.script = whole
    done = await render(rig, take)
    clip = storage / done.clip_key
    assert (clip.stat().st_mode & 0o777, clip.parent.stat().st_mode & 0o777) == (0o600, 0o700)


async def test_a_failed_take_leaves_no_folder_j16(rig: Rig, renderer: FakeRenderer, take: Take, storage: Path) -> None:
    renderer.script = lambda job: [Checkpointed(2, b"two"), Failed("prompt.refused", "")]
    assert (await render(rig, take)).state == "failed"
    assert folders(storage) == []
