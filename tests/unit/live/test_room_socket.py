"""The room socket's own task: rules R-04, R-15 and R-19 of studio/live/SPEC-ROOM.md."""

import asyncio
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest

from studio.live import arrival, hub, rooms
from studio.live.consumers import RoomConsumer
from studio.live.limits import HELLO_BURST
from studio.models import Role


class Admitted(RoomConsumer):
    """A room socket whose person has been let in."""

    async def opened(self) -> None:
        self.greeted = asyncio.Event()
        await super().opened()

    async def _greet(self, last_seq: int | None) -> None:
        await super()._greet(last_seq)
        self.greeted.set()

    async def _admit(self) -> None:
        self.access: Any = SimpleNamespace(
            user=SimpleNamespace(pk=1), project=SimpleNamespace(pk=self.project_id), role=Role.EDITOR
        )
        self._admitted = True
        await self.opened()


SCOPE = {"type": "websocket", "url_route": {"kwargs": {"project_id": uuid4()}}, "cookies": {}, "headers": []}


class Greeting:
    """What a greeting asks for, one part of which is answered when the test says so."""

    def __init__(self, slow: str) -> None:
        self._slow = slow
        self.asked, self.goes_on = asyncio.Event(), asyncio.Event()

    async def enter(self, *_given: object) -> None:
        await self._part("enter")

    async def read(self, *_given: object) -> arrival.Arrival:
        await self._part("read")
        return arrival.Arrival(("the room",), 7, (uuid4(),), Role.EDITOR)

    async def newest_previews(self, take_ids: list[UUID]) -> list[tuple[UUID, bytes]]:
        await self._part("previews")
        return [(take_id, b"preview") for take_id in take_ids]

    async def _part(self, name: str) -> None:
        if name == self._slow:
            self.asked.set()
            await self.goes_on.wait()


class SlowPeer:
    """Reads what is sent to it when the test says so."""

    def __init__(self) -> None:
        self.sending, self.reads = asyncio.Event(), asyncio.Event()
        self.read: list[dict[str, Any]] = []
        self.closed = asyncio.Event()

    async def take(self, message: dict[str, Any]) -> None:
        if message["type"] == "websocket.send":
            self.sending.set()
            await self.reads.wait()
        self.read.append(message)
        if message["type"] == "websocket.close":
            self.closed.set()


@pytest.mark.parametrize("slow", ["enter", "read", "previews"])
async def test_r15_a_viewer_that_is_closed_while_it_is_greeted_is_shown_nothing_more(
    monkeypatch: pytest.MonkeyPatch, slow: str
) -> None:
    greeting, peer, viewer = Greeting(slow), SlowPeer(), Admitted()
    monkeypatch.setattr(rooms.Rooms, "enter", greeting.enter)
    monkeypatch.setattr(arrival.Arrivals, "read", greeting.read)
    monkeypatch.setattr(hub.Hub, "newest_previews", lambda _, take_ids: greeting.newest_previews(take_ids))
    inward: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    inward.put_nowait({"type": "websocket.connect"})
    task = asyncio.create_task(viewer(SCOPE, inward.get, peer.take))
    inward.put_nowait({"type": "websocket.receive", "text": '{"type":"hello","v":1}'})
    async with asyncio.timeout(5):
        await greeting.asked.wait()
        viewer.push("said before")
        await peer.sending.wait()
        viewer.close("revoked")
        greeting.goes_on.set()
        await viewer.greeted.wait()
        peer.reads.set()
        await peer.closed.wait()
        inward.put_nowait({"type": "websocket.disconnect", "code": 4403})
        await task
    assert [message for message in peer.read if "bytes" in message] == []
    assert peer.read[-1] == {"type": "websocket.close", "code": 4403}


async def test_r19_a_socket_that_answers_no_more_is_closed_and_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def enter(*_given: object) -> None:
        raise ValueError("this room cannot be heard")

    monkeypatch.setattr(rooms.Rooms, "enter", enter)
    inward: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    outward: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    inward.put_nowait({"type": "websocket.connect"})
    inward.put_nowait({"type": "websocket.receive", "text": '{"type":"hello","v":1}'})
    task = asyncio.create_task(Admitted()(SCOPE, inward.get, outward.put))
    assert (await asyncio.wait_for(outward.get(), 5))["type"] == "websocket.accept"
    assert await asyncio.wait_for(outward.get(), 5) == {"type": "websocket.close", "code": 4503}
    assert "this room cannot be heard" in caplog.text
    inward.put_nowait({"type": "websocket.disconnect", "code": 4503})
    await asyncio.wait_for(task, 5)


async def test_r04_hello_has_a_rate_for_each_has_the_room_read(monkeypatch: pytest.MonkeyPatch) -> None:
    greeting, peer = Greeting("enter"), SlowPeer()
    monkeypatch.setattr(rooms.Rooms, "enter", greeting.enter)
    peer.reads.set()
    inward: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    inward.put_nowait({"type": "websocket.connect"})
    for _ in range(HELLO_BURST + 1):
        inward.put_nowait({"type": "websocket.receive", "text": '{"type":"hello","v":1}'})
    task = asyncio.create_task(Admitted()(SCOPE, inward.get, peer.take))
    await asyncio.wait_for(peer.closed.wait(), 5)
    assert peer.read[-1] == {"type": "websocket.close", "code": 4429}
    greeting.goes_on.set()
    inward.put_nowait({"type": "websocket.disconnect", "code": 4429})
    await asyncio.wait_for(task, 5)
