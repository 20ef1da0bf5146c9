"""A worker's parts without a model: a renderer that plays a script, and a real Redis."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.db import connection
from redis.asyncio import Redis

from inference.wire import Cancelled, Finished, Job, PreviewPacket, Report, Started, Stepped
from studio.jobs import queue, tasks
from studio.jobs.reports import Rig, database
from studio.models import RoomEvent, Take
from tests.factories import MANIFEST, Cast, make_request, make_worker_node

CLIP = b"clip " * 100
DEADLINE_S = 10.0


class FakeRenderer:
    """Sends the reports of ``script`` for each job at once; without a script the test sends them."""

    manifest = MANIFEST
    device = "fake"

    def __init__(self) -> None:
        self.script: Callable[[Job], list[Report]] = lambda job: []
        self.jobs: list[tuple[Job, bytes | None]] = []
        self.sinks: dict[UUID, Callable[[Report], None]] = {}
        self.cancels: list[UUID] = []
        self.arrivals: asyncio.Queue[Job] = asyncio.Queue()

    def submit(self, job: Job, sink: Callable[[Report], None], state: bytes | None = None) -> None:
        self.jobs.append((job, state))
        self.sinks[job.take_id] = sink
        self.arrivals.put_nowait(job)
        for report in self.script(job):
            sink(report)

    def cancel(self, take_id: UUID) -> None:
        self.cancels.append(take_id)
        if take_id in self.sinks:
            self.sinks[take_id](Cancelled())

    def close(self) -> None:
        pass


def packet(job: Job, step: int) -> bytes:
    """A preview of one frame."""
    frames = ((0, b"jpeg"),)
    return PreviewPacket(job.take_id, job.attempt, step, 4, 25, 8, job.width, job.height, 100, frames).encode()


def finished() -> Finished:
    """A clip that took 900 ms."""
    return Finished(CLIP, b"poster", 96, 64, 25, 8, 16000, "Rushes Test", "a red ball", 900, (0, 128, 255))


def whole(job: Job) -> list[Report]:
    """All reports of a take that goes well."""
    steps: list[Report] = [Stepped(step, 4, 100 * (4 - step), packet(job, step)) for step in range(1, 5)]
    return [Started(job.prompt, 0, 4), *steps, finished()]


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    # Django does not flush these tables after a test: it does not manage them.
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE procrastinate_jobs, procrastinate_workers CASCADE")
    make_worker_node()
    return Cast()


@pytest.fixture
def take(cast: Cast) -> Take:
    return queue.submit(cast.access(), make_request(cast.shots[0]))


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    redis = Redis.from_url(settings.REDIS_URL)
    yield Rig(FakeRenderer(), redis)
    await redis.aclose()


@pytest.fixture
def renderer(rig: Rig) -> FakeRenderer:
    assert isinstance(rig.renderer, FakeRenderer)
    return rig.renderer


@pytest.fixture(autouse=True)
def storage(tmp_path: Path, settings: Any) -> Path:
    """Files go to a folder of the test's own; the fixture is that folder."""
    backend = "django.core.files.storage.FileSystemStorage"
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": backend, "OPTIONS": {"location": str(tmp_path), "base_url": None}},
    }
    return tmp_path


async def render(rig: Rig, take: Take, *, alone: bool = False) -> Take:
    """Run the take's current job as a worker would; returns the take as it is then."""
    current = await again(take)
    context = SimpleNamespace(job=SimpleNamespace(id=current.job_id), additional_context={"rig": rig})
    async with asyncio.timeout(DEADLINE_S):
        await tasks.render_take(context, take_id=str(take.pk), alone=alone)
    return await again(take)


async def again(take: Take) -> Take:
    """The take as it is now."""
    return await database(Take.objects.get)(pk=take.pk)


def files(storage: Path) -> list[str]:
    """What the storage holds, by their paths in it."""
    return sorted(str(path.relative_to(storage)) for path in storage.rglob("*") if path.is_file())


def folders(storage: Path) -> list[Path]:
    """Of the takes."""
    return list(storage.glob("takes/*"))


async def events() -> list[str]:
    """What was told of all rooms, in its order."""
    rows = RoomEvent.objects.order_by("seq").values_list("type", flat=True)
    return await database(lambda: list(rows))()
