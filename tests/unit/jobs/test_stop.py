"""A renderer that is slow to end does not hold up its process: rule J11."""

import asyncio
import os
import signal
import threading
import time
import uuid
from typing import Any

import pytest

from studio.jobs import worker
from tests.factories import Cast
from tests.unit.jobs.conftest import FakeRenderer


class AtAStep(FakeRenderer):
    """Its step in hand ends when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.step_ends, self.closed = threading.Event(), threading.Event()

    def close(self) -> None:
        self.step_ends.wait(30)
        self.closed.set()


@pytest.mark.parametrize("ends_at_once", [True, False])
async def test_j11_a_worker_does_not_wait_for_a_step_that_takes_minutes(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, ends_at_once: bool
) -> None:
    monkeypatch.setattr(worker, "CLOSE_TIMEOUT_S", 0.2)
    renderer: Any = AtAStep()
    if ends_at_once:
        renderer.step_ends.set()
    ready = asyncio.Event()
    running = asyncio.create_task(worker.run(renderer, uuid.uuid4(), ready.set))
    async with asyncio.timeout(10):
        await ready.wait()
    begun_s = time.monotonic()
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(running, 10)
    assert renderer.closed.is_set() is ends_at_once
    assert time.monotonic() - begun_s < 5
    renderer.step_ends.set()
