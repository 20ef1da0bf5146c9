"""One attempt of one take, with a renderer that plays a script."""

import asyncio
import hashlib
from pathlib import Path
from typing import Any

from inference.wire import Checkpointed, Failed, Job, Started, Stepped
from studio.domain import takes
from studio.jobs import queue, store, worker
from studio.jobs.reports import Mailbox, Rig, database
from studio.live import groups
from studio.models import Take
from tests.factories import Cast, make_request
from tests.unit.jobs.conftest import (
    CLIP,
    DEADLINE_S,
    FakeRenderer,
    again,
    events,
    files,
    finished,
    packet,
    render,
    whole,
)


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
