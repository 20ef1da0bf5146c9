"""Takes on the real parts: Postgres, Valkey, a worker process with the small model."""

import hashlib
import io
import os
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import av
import pytest
import redis
from django.db import connection

from inference.wire import PreviewPacket
from studio.domain import offers
from studio.jobs import queue
from studio.live import broadcast, groups
from studio.models import RoomEvent, Take
from tests.factories import Cast, make_request
from tests.helpers.ear import Ear
from tests.helpers.sessions import opened
from tests.helpers.studio import Studio

pytestmark = pytest.mark.timeout(240)
LEASE_S = 10


@pytest.fixture
def cast(studio: Studio, settings: Any) -> Iterator[Cast]:
    settings.REDIS_URL = studio.redis_url
    clients = (queue._client, broadcast._client)
    for client in clients:
        client.cache_clear()
    studio.await_worker()
    yield Cast()
    for client in clients:
        client.cache_clear()


@pytest.fixture
def ear(studio: Studio, cast: Cast) -> Iterator[Ear]:
    listening = Ear(studio, cast)
    yield listening
    listening.close()


def ask(cast: Cast, quality: str = "draft", **fields: Any) -> Take:
    offer = offers.current()
    request = make_request(cast.shots[0], quality=quality, size=offer.sizes[0].id, frames=offer.lengths[0], **fields)
    return queue.submit(cast.access(), request)


def states(*takes: Take) -> list[str]:
    rows = dict(Take.objects.filter(pk__in=[take.pk for take in takes]).values_list("pk", "state"))
    return [rows[take.pk] for take in takes]


def all_done(*takes: Take) -> Callable[[], bool]:
    return lambda: states(*takes) == ["done"] * len(takes)


def newest_preview(studio: Studio, take: Take) -> bytes | None:
    with redis.Redis.from_url(studio.redis_url) as client:
        kept = client.get(groups.preview(take.pk))
    return kept if isinstance(kept, bytes) else None


def files(studio: Studio, take: Take) -> list[str]:
    return sorted(path.name for path in (studio.data / "media" / "takes" / str(take.pk)).rglob("*.*"))


def kill_worker(studio: Studio) -> None:
    (worker,) = studio.children("worker")
    os.kill(worker, signal.SIGKILL)


def test_a_take_comes_with_previews_and_ends_as_a_clip_that_plays(studio: Studio, cast: Cast, ear: Ear) -> None:
    asked_s = time.monotonic()
    take = ask(cast)
    started_s = ear.until_event(take, "take.started", 10)
    ear.until(lambda: bool(ear.packets), 10)
    kept = newest_preview(studio, take)
    done_s = ear.until_event(take, "take.done", 30)
    first = ear.packets[0][0]
    print(f"request → started {started_s - asked_s:.3f} s, first preview {first - asked_s:.3f} s, "
          f"done {done_s - asked_s:.3f} s; previews of steps {ear.steps(take)}")  # fmt: skip

    assert kept is not None
    assert PreviewPacket.decode(kept).take_id == take.pk
    assert ear.types() == ["take.queued", "take.started", "take.done"]
    assert ear.steps(take) == sorted(set(ear.steps(take)))
    indices = [index for index, _ in ear.packets[-1][1].frames]
    assert indices[0] == 0
    assert indices[-1] >= 0.8 * (take.frames - 1)

    take.refresh_from_db()
    clip = (studio.data / "media" / take.clip_key).read_bytes()
    assert (hashlib.sha256(clip).hexdigest(), len(clip)) == (take.clip_sha256, take.clip_size_bytes)
    with av.open(io.BytesIO(clip), format="mp4") as played:
        assert sum(1 for _ in played.decode(video=0)) == take.frames
        assert played.streams.video[0].codec_context.name == "h264"
        assert played.streams.audio[0].codec_context.name == "aac"
    assert (studio.data / "media" / take.poster_key).read_bytes().startswith(b"\xff\xd8")
    ear.until(lambda: newest_preview(studio, take) is None, 5)


def test_a_worker_keeps_its_connections_to_postgres(cast: Cast, ear: Ear) -> None:
    ear.until(all_done(ask(cast)), 30)
    before = opened()
    takes = [ask(cast, "final", seed=seed) for seed in range(4)]
    ear.until(all_done(*takes), 90)
    assert opened() - before <= 12, "each asks a dozen times, and pools may grow"


def test_two_takes_are_rendered_side_by_side(cast: Cast, ear: Ear) -> None:
    first, second = ask(cast, "final", seed=1), ask(cast, "final", seed=2)
    ear.until(all_done(first, second), 90)
    order = [packet.take_id for _, packet in ear.packets]
    assert order.index(second.pk) < len(order) - 1 - order[::-1].index(first.pk)
    first.refresh_from_db()
    second.refresh_from_db()
    assert first.clip_sha256 != second.clip_sha256


def test_a_cancelled_take_stops_at_its_next_step_and_its_neighbour_goes_on_j13(cast: Cast, ear: Ear) -> None:
    unwanted, wanted = ask(cast, "final", seed=1), ask(cast, "final", seed=2)
    ear.until(lambda: len(ear.steps(unwanted)) >= 2, 30)
    seen = ear.steps(unwanted)[-1]
    asked_s = time.monotonic()
    queue.cancel(cast.access("owner"), unwanted.pk)
    ended_s = ear.until_event(unwanted, "take.cancelled", 10)
    print(f"cancelled within {ended_s - asked_s:.3f} s, {ear.steps(unwanted)[-1] - seen} steps later")
    ear.until(all_done(wanted), 60)
    assert states(unwanted) == ["cancelled"]
    assert ear.steps(unwanted)[-1] < 24
    assert max(ear.steps(wanted)) > ear.steps(unwanted)[-1]


def test_a_take_whose_worker_is_killed_is_tried_again_and_done_j9(studio: Studio, cast: Cast, ear: Ear) -> None:
    takes = [ask(cast, "final", seed=seed) for seed in range(4)]
    ear.until(lambda: all(len(ear.steps(take)) >= 2 for take in takes), 30)
    kill_worker(studio)
    killed_s = time.monotonic()
    retried_s = max(ear.until_event(take, "take.retried", LEASE_S + 20) for take in takes)
    again_s = max(ear.until_event(take, "take.started", 30, attempt=2) for take in takes)
    print(f"worker killed → retried {retried_s - killed_s:.1f} s, running again {again_s - killed_s:.1f} s")
    assert retried_s - killed_s <= LEASE_S + 5
    ear.until(all_done(*takes), 90)
    for take in takes:
        take.refresh_from_db()
        assert (take.attempt, take.tries) == (2, 2)
    ear.until(lambda: all(files(studio, take) == ["clip.mp4", "poster.jpg"] for take in takes), 5)


def test_everything_stops_and_starts_again_and_waiting_takes_run_j11(studio: Studio, cast: Cast, ear: Ear) -> None:
    takes = [ask(cast, seed=seed) for seed in range(12)]
    ear.until(lambda: "running" in states(*takes), 20)
    connection.close()
    stopped_s = time.monotonic()
    studio.stop()
    print(f"everything stopped within {time.monotonic() - stopped_s:.1f} s")
    studio.start()
    again = Ear(studio, cast)
    again.until(all_done(*takes), 120)
    again.close()
    tries = Take.objects.filter(pk__in=[take.pk for take in takes]).values_list("attempt", "spared_attempts")
    assert all(attempt - spared == 1 for attempt, spared in tries)
    assert any(spared for _, spared in tries)
    assert offers.workers_alive() == 1
    assert RoomEvent.objects.filter(project=cast.project, type="take.done").count() == len(takes)


def test_no_take_waits_for_a_model_that_will_not_come_up_j19(cast: Cast, studio: Studio) -> None:
    connection.close()
    studio.stop()
    studio.settings["RUSHES_MODEL"] = str(studio.data / "no-such-model")
    studio.start()
    ear = Ear(studio, cast)
    take = ask(cast)
    ear.until_event(take, "take.failed", 60)
    ear.close()
    take.refresh_from_db()
    print(f"{take.error_code}: {take.error_message}")
    assert (take.state, take.error_code) == ("failed", "model.missing")
    assert "no-such-model" in take.error_message
    assert "no-such-model" in offers.workers().error
