"""Who may have a socket: rules R-04, R-25, and R-15 of those who are just coming in, of studio/live/SPEC-ROOM.md."""

import asyncio
import threading
from collections.abc import Callable, Collection
from typing import Any

import pytest

from studio.domain.access import Access
from studio.live import admission, guard, shared
from studio.live.guard import Guard
from studio.live.threads import in_thread
from studio.models import Role
from tests.factories import Cast
from tests.unit.live.conftest import Door, MakeDoor, remove_viewer


async def test_a_member_is_let_in_and_a_stranger_is_not(door: MakeDoor, cast: Cast) -> None:
    keeper = Guard()
    member, stranger = door("reviewer"), door("stranger")
    assert await keeper.admit(member) == ""
    assert member.access.role == Role.REVIEWER
    assert await keeper.admit(stranger) == "not_found"
    nobody = Door(cast.project.pk, "")
    assert await keeper.admit(nobody) == "unauthenticated"
    keeper.forget(member)


async def test_r04_sockets_are_counted_by_person_and_by_room_and_kind(
    door: MakeDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "SOCKETS_PER_PERSON", 3)
    monkeypatch.setattr(guard, "SOCKETS_PER_ROOM", 4)
    monkeypatch.setattr(guard, "KEPT_PLACES", 0)
    keeper = Guard()
    doors = [door("viewer", kind) for kind in ("room", "document", "room")]
    assert [await keeper.admit(each) for each in doors] == ["", "", ""]
    assert await keeper.admit(door("viewer")) == "too_much"
    assert [await keeper.admit(door("editor")) for _ in range(3)] == ["", "", "too_much"]
    assert await keeper.admit(door("owner", "document")) == ""
    keeper.forget(doors[0])
    assert await keeper.admit(door("viewer")) == ""


async def test_r04_who_only_looks_keeps_nobody_out_who_may_edit(
    door: MakeDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "SOCKETS_PER_ROOM", 2)
    monkeypatch.setattr(guard, "KEPT_PLACES", 1)
    keeper = Guard()
    assert [await keeper.admit(door("viewer")) for _ in range(3)] == ["", "", "too_much"]
    assert [await keeper.admit(door("editor")) for _ in range(2)] == ["", "too_much"]


async def test_r15_who_is_removed_while_being_let_in_is_not_let_in(
    door: MakeDoor, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper, removed = Guard(), door("viewer")

    async def slow(function: Callable[..., Any], *arguments: Any) -> Any:
        found = await in_thread(function, *arguments)
        await in_thread(remove_viewer, cast)
        await keeper.revoked(f"user:{cast.viewer.pk}")
        return found

    monkeypatch.setattr(shared, "in_thread", slow)
    assert await keeper.admit(removed) == "not_found"
    assert not keeper._counts


async def test_r25_who_comes_meanwhile_is_found_together(
    door: MakeDoor, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper, goes_on, batches = Guard(), asyncio.Event(), list[int]()

    async def slow(function: Callable[..., Any], *arguments: Any) -> Any:
        batches.append(len(arguments[1]))
        await goes_on.wait()
        return await in_thread(function, *arguments)

    monkeypatch.setattr(shared, "in_thread", slow)
    first = asyncio.create_task(keeper.admit(door("viewer")))
    while not batches:  # noqa: ASYNC110 - nothing is told of a batch that begins
        await asyncio.sleep(0)
    parts = ["viewer", "stranger", "editor", "owner"]
    later = [asyncio.create_task(keeper.admit(door(part))) for part in parts]
    await asyncio.sleep(0)
    goes_on.set()
    assert await asyncio.gather(first, *later) == ["", "", "not_found", "", ""]
    assert batches == [1, 4]


async def test_r25_who_comes_while_a_reading_hangs_is_found_beside_it(
    door: MakeDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper, goes_on, find = Guard(), threading.Event(), admission.find
    hanging = asyncio.Event()
    loop = asyncio.get_running_loop()

    def hang(asked: Collection[admission.Asked]) -> dict[admission.Asked, Access | str]:
        loop.call_soon_threadsafe(hanging.set)
        goes_on.wait(10)
        return find(asked)

    monkeypatch.setattr(guard, "HANGS_S", 0.0)
    monkeypatch.setattr(admission, "find", hang)
    first = asyncio.create_task(keeper.admit(door("viewer")))
    await asyncio.wait_for(hanging.wait(), 5)
    monkeypatch.setattr(admission, "find", find)
    assert await asyncio.wait_for(keeper.admit(door("editor")), 5) == ""
    goes_on.set()
    assert await first == ""


async def test_r25_who_has_gone_is_not_looked_for(door: MakeDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "LANES", 1)
    keeper, goes_on, asked = Guard(), asyncio.Event(), list[int]()

    async def slow(function: Callable[..., Any], *arguments: Any) -> Any:
        asked.append(len(arguments[1]))
        await goes_on.wait()
        return await in_thread(function, *arguments)

    monkeypatch.setattr(shared, "in_thread", slow)
    first, gone, stays = (asyncio.create_task(keeper.admit(door("viewer"))) for _ in range(3))
    while not asked:  # noqa: ASYNC110 - nothing is told of a batch that begins
        await asyncio.sleep(0)
    gone.cancel()
    late = asyncio.create_task(keeper.admit(door("editor")))
    leaves = asyncio.create_task(keeper.admit(door("editor")))
    await asyncio.sleep(0)
    leaves.cancel()
    await asyncio.sleep(0)
    goes_on.set()
    assert [await coming for coming in (first, stays, late)] == ["", "", ""]
    assert asked == [3, 1]


async def test_r15_others_who_are_removed_meanwhile_keep_nobody_waiting(
    door: MakeDoor, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper, comes = Guard(), door("viewer")
    reads = 0

    async def slow(function: Callable[..., Any], *arguments: Any) -> Any:
        nonlocal reads
        reads += 1
        await keeper.revoked(f"user:{cast.viewer.pk}")  # it waits for a thread: what it will read is newer
        found = await in_thread(function, *arguments)
        await keeper.revoked(f"user:{cast.editor.pk}")
        return found

    monkeypatch.setattr(shared, "in_thread", slow)
    assert await keeper.admit(comes) == ""
    assert reads == 1
    keeper.forget(comes)


@pytest.mark.parametrize("key", ["", "x" * 8, "A" * 32, "a" * 31 + "\0", "a" * 33])
async def test_what_is_no_session_is_nobodys_and_costs_no_thread(
    door: MakeDoor, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setattr(shared, "in_thread", None)
    one = door()
    one.session_key = key
    assert await Guard().admit(one) == "unauthenticated"


async def test_r04_a_session_that_opens_many_at_once_is_counted_before_anything_is_read(
    door: MakeDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "SOCKETS_PER_PERSON", 3)
    keeper, goes_on, asked = Guard(), asyncio.Event(), 0

    async def slow(function: Callable[..., Any], *arguments: Any) -> Any:
        nonlocal asked
        asked += len(arguments[1])
        await goes_on.wait()
        return await in_thread(function, *arguments)

    monkeypatch.setattr(shared, "in_thread", slow)
    doors = [door("viewer") for _ in range(5)]
    coming = [asyncio.create_task(keeper.admit(each)) for each in doors]
    await asyncio.wait(coming, return_when=asyncio.FIRST_COMPLETED)
    goes_on.set()
    assert await asyncio.gather(*coming) == ["", "", "", "too_much", "too_much"]
    assert asked == 3
    for each in doors:
        keeper.forget(each)
    assert not keeper._counts
