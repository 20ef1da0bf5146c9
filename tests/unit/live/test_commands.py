"""How a room socket does what it is told: rules R-03, R-04 and R-16 of studio/live/SPEC-ROOM.md."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import pytest

from studio.domain.access import Access
from studio.domain.errors import DomainError
from studio.live import commands, consumers, protocol
from studio.live.consumers import INBOX_LIMIT, RoomConsumer


class Room(RoomConsumer):
    """A room socket whose person is in already, and has said hello."""

    async def _admit(self) -> None:
        self._admitted = True
        self.access = cast(Access, SimpleNamespace(user=SimpleNamespace(pk=7), project=SimpleNamespace(pk=uuid4())))
        self.scope |= {"cookies": {}, "headers": []}
        await self.opened()
        self._greeted = True
        self._patience.cancel()


class Page:
    """The other end of the socket."""

    def __init__(self) -> None:
        self.inward: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.outward: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.inward.put_nowait({"type": "websocket.connect"})
        scope = {"type": "websocket", "url_route": {"kwargs": {"project_id": uuid4()}}}
        self.task = asyncio.create_task(Room()(scope, self.inward.get, self.outward.put))

    def rename(self, command_id: str, **fields: Any) -> None:
        message = {"type": "project.rename", "v": 1, "id": command_id, "title": "Pier", **fields}
        self.inward.put_nowait({"type": "websocket.receive", "text": json.dumps(message)})

    async def next(self) -> dict[str, Any]:
        message = await asyncio.wait_for(self.outward.get(), 5)
        return message if message["type"] != "websocket.send" else dict(json.loads(message["text"]))


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    made = Page()
    assert await made.next() == {"type": "websocket.accept"}
    yield made
    made.inward.put_nowait({"type": "websocket.disconnect"})
    await asyncio.wait_for(made.task, 5)


async def test_commands_are_done_one_after_the_other_in_order(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    running, seen = threading.Lock(), []

    def perform(access: Access, command: protocol.Command) -> str | None:
        with running:
            seen.append(command.id)
        return None

    monkeypatch.setattr(commands, "perform", perform)
    for number in range(20):
        page.rename(str(number))
    replies = [await page.next() for _ in range(20)]
    assert [reply["id"] for reply in replies] == seen == [str(number) for number in range(20)]


async def test_what_the_rules_refuse_is_replied_with_code_and_field(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    def perform(access: Access, command: protocol.Command) -> str | None:
        raise DomainError("title.empty", "Expected 1 to 120 characters, got none.", field="title")

    monkeypatch.setattr(commands, "perform", perform)
    page.rename("c1", title="")
    error = (await page.next())["error"]
    assert error == {"code": "title.empty", "message": "Expected 1 to 120 characters, got none.", "field": "title"}


async def test_r16_a_fault_of_ours_is_replied_and_the_socket_goes_on(
    page: Page, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def perform(access: Access, command: protocol.Command) -> str | None:
        if command.id == "bad":
            raise RuntimeError("the disk is on fire")
        return None

    monkeypatch.setattr(commands, "perform", perform)
    page.rename("bad")
    page.rename("good")
    assert (await page.next())["error"]["code"] == "failed"
    assert await page.next() == {"type": "reply", "v": 1, "id": "good", "error": None, "take_id": None}
    assert "the disk is on fire" in caplog.text


async def test_r04_more_commands_than_can_wait_close_the_socket(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    going, free = threading.Event(), threading.Event()

    def perform(access: Access, command: protocol.Command) -> str | None:
        going.set()
        free.wait(10)
        return None

    monkeypatch.setattr(commands, "perform", perform)
    page.rename("first")
    await asyncio.to_thread(going.wait, 5)
    for number in range(INBOX_LIMIT + 1):
        page.rename(str(number))
    try:
        assert await page.next() == {"type": "websocket.close", "code": 4429}
    finally:
        free.set()


def test_an_id_that_is_none_is_named() -> None:
    with pytest.raises(DomainError, match="take_id: expected a UUID, got 'one'") as refused:
        commands._id("take_id", "one")
    assert refused.value.field == "take_id"


def test_the_page_and_the_socket_speak_the_same_language() -> None:
    scope: dict[str, Any] = {"cookies": {}, "headers": [(b"accept-language", b"fr-CA,fr;q=0.8,en;q=0.5")]}
    assert consumers._language(scope) == "fr"
    assert consumers._language({"cookies": {"django_language": "en"}, "headers": scope["headers"]}) == "en"
    assert consumers._language({"cookies": {}, "headers": []}) == "en"
