"""One studio whose processes are broken and mended test by test, and its cast."""

import itertools
import os
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connections

from studio.jobs import queue
from studio.live import broadcast
from tests.factories import Cast
from tests.faults.company import Company, company
from tests.faults.editors import Editor, letters
from tests.faults.part import Part
from tests.faults.stage import LEASE_S, LIGHT, Stage, long
from tests.helpers.studio import database_of

SignIn = Callable[[Any], str]
Room = Callable[..., Any]


@pytest.fixture(scope="package")
def running(django_db_setup: None, django_db_blocker: Any) -> Iterator[Stage]:
    """The studio of all these tests. Django's models read and write its database."""
    stage = Stage(RUSHES_SECRET_KEY=django_settings.SECRET_KEY)
    try:
        stage.start()
        with database_of(stage, django_db_blocker):
            yield stage
    finally:
        stage.stop()


@pytest.fixture
def stage(running: Stage, settings: Any, request: pytest.FixtureRequest) -> Iterator[Stage]:
    """The studio, whole again; the logs of its processes are printed when a test fails."""
    running.mend()
    settings.REDIS_URL, settings.LEASE_S = running.redis_url, LEASE_S
    for client in (queue._client, broadcast._client):
        client.cache_clear()
    connections.close_all()
    yield running
    connections.close_all()
    for client in (queue._client, broadcast._client):
        client.cache_clear()
    print(running.tail())


@pytest.fixture
def chance() -> random.Random:
    """Chance of a fresh seed, which is printed; RUSHES_FUZZ_SEED brings one back."""
    seed = int(os.environ.get("RUSHES_FUZZ_SEED", random.randrange(2**31)))
    print(f"RUSHES_FUZZ_SEED={seed}")
    return random.Random(seed)


@pytest.fixture
def cast(stage: Stage) -> Cast:
    return Cast()


@pytest.fixture
def cookies(cast: Cast, sign_in: SignIn) -> dict[str, str]:
    return {part: sign_in(person) for part, person in cast.everybody.items()}


@pytest.fixture
def shot(cast: Cast) -> str:
    return str(cast.shots[0].pk)


@pytest.fixture
def editor(stage: Stage, cast: Cast, cookies: dict[str, str], chance: random.Random) -> Callable[..., Editor]:
    """Opens a tab: of the editor unless another ``part`` is named, every other one at the other address first unless
    told otherwise.
    """
    return tabs_of(stage, cast, cookies, chance)


def tabs_of(stage: Stage, cast: Cast, cookies: dict[str, str], chance: random.Random) -> Callable[..., Editor]:
    ink, turns, shot = letters(), itertools.cycle([stage.urls, stage.urls[::-1]]), str(cast.shots[0].pk)

    def open_tab(part: str = "editor", urls: list[str] | None = None) -> Editor:
        own = random.Random(chance.randrange(2**31))
        return Editor(urls or next(turns), cast.project.pk, cookies[part], shot, ink, own)

    return open_tab


@pytest.fixture
def light(stage: Stage) -> Iterator[Part]:
    """The only worker: one that loads no model, for faults that are not the model's."""
    stage.workers(0)
    worker = stage.worker(*LIGHT)
    stage.await_worker(worker)
    yield worker
    worker.kill()


@pytest.fixture
def typing(editor: Callable[..., Editor]) -> Room:
    """So many editors of two people, typing in one prompt."""
    return typing_with(editor)


@pytest.fixture
def elsewhere(stage: Stage, sign_in: SignIn, chance: random.Random) -> list[tuple[Cast, Room]]:
    """Two further rooms with people of their own, and ``typing`` in each; none unless the counts are long."""
    casts = [Cast() for _ in range(long(0, 2))]
    cookies = [{part: sign_in(person) for part, person in cast.everybody.items()} for cast in casts]
    tabs = [tabs_of(stage, *each, chance) for each in zip(casts, cookies, strict=True)]
    return [(cast, typing_with(open_tab)) for cast, open_tab in zip(casts, tabs, strict=True)]


def typing_with(open_tab: Callable[..., Editor]) -> Room:
    @asynccontextmanager
    async def start(count: int, rate_hz: float = 3.0, urls: list[str] | None = None) -> AsyncIterator[Company]:
        # Two by two, so that each has tabs at both addresses.
        tabs = [open_tab(("editor", "owner")[number // 2 % 2], urls) for number in range(count)]
        async with company(tabs, rate_hz) as together:
            yield together

    return start
