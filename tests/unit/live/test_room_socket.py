"""The room socket's own task: rule R-19 of studio/live/SPEC-ROOM.md."""

import asyncio
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from studio.live import rooms
from studio.live.consumers import RoomConsumer


class Admitted(RoomConsumer):
    """A room socket whose person has been let in."""

    async def _admit(self) -> None:
        self.access: Any = SimpleNamespace(user=SimpleNamespace(pk=1), project=SimpleNamespace(pk=self.project_id))
        self._admitted = True
        await self.opened()


async def test_r19_a_socket_that_answers_no_more_is_closed_and_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def enter(*_given: object) -> None:
        raise ValueError("this room cannot be heard")

    monkeypatch.setattr(rooms.Rooms, "enter", enter)
    inward: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    outward: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    scope = {"type": "websocket", "url_route": {"kwargs": {"project_id": uuid4()}}, "cookies": {}, "headers": []}
    inward.put_nowait({"type": "websocket.connect"})
    inward.put_nowait({"type": "websocket.receive", "text": '{"type":"hello","v":1}'})
    task = asyncio.create_task(Admitted()(scope, inward.get, outward.put))
    assert (await asyncio.wait_for(outward.get(), 5))["type"] == "websocket.accept"
    assert await asyncio.wait_for(outward.get(), 5) == {"type": "websocket.close", "code": 4503}
    assert "this room cannot be heard" in caplog.text
    inward.put_nowait({"type": "websocket.disconnect", "code": 4503})
    await asyncio.wait_for(task, 5)
