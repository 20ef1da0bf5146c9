"""Who may have a socket, and who still may: rules R-04 and R-15 of studio/live/SPEC-ROOM.md."""

import asyncio
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.utils import timezone

from studio.domain import projects
from studio.domain.access import Access
from studio.live import admission, broadcast, groups, guard, shared, threads
from studio.live.guard import Guard
from studio.live.threads import in_guards_thread, in_thread
from studio.models import Membership, Role, User
from tests.factories import Cast

SignIn = Callable[[User], str]


@dataclass(eq=False)
class Door:
    """A socket, as far as the guard is concerned."""

    project_id: UUID
    session_key: str
    kind: str = "room"
    access: Access = field(init=False)
    closed: str = ""

    def close(self, reason: str) -> None:
        self.closed = reason


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    return Cast()


@pytest.fixture
def door(cast: Cast, sign_in: SignIn) -> Callable[..., Door]:
    cookie = f"{settings.SESSION_COOKIE_NAME}="
    keys = {part: sign_in(person).removeprefix(cookie) for part, person in cast.everybody.items()}

    def make(part: str = "viewer", kind: str = "room") -> Door:
        return Door(cast.project.pk, keys[part], kind)

    return make


MakeDoor = Callable[..., Door]


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


def _remove(cast: Cast) -> None:
    Membership.objects.filter(user=cast.viewer).delete()


def _promote(cast: Cast) -> None:
    Membership.objects.filter(user=cast.viewer).update(role=Role.EDITOR)


def _delete_project(cast: Cast) -> None:
    projects.delete_project(cast.access("owner"))


def _close_account(cast: Cast) -> None:
    User.objects.filter(pk=cast.viewer.pk).update(is_active=False)


def _change_password(cast: Cast) -> None:
    User.objects.filter(pk=cast.viewer.pk).update(password="!another")


def _expire_session(cast: Cast) -> None:
    Session.objects.update(expire_date=timezone.now())


def _nothing(cast: Cast) -> None:
    return


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_nothing, ""),
        (_remove, "revoked"),
        (_promote, "role_changed"),
        (_delete_project, "revoked"),
        (_close_account, "unauthenticated"),
        (_change_password, "unauthenticated"),
        (_expire_session, "unauthenticated"),
    ],
)
def test_r15_a_check_says_why_a_socket_has_to_close(
    cast: Cast, sign_in: SignIn, change: Callable[[Cast], None], reason: str
) -> None:
    session_key = sign_in(cast.viewer).removeprefix(f"{settings.SESSION_COOKIE_NAME}=")
    access = cast.access("viewer")
    change(cast)
    asked = session_key, cast.project.pk
    assert guard.standing(access, admission.find([asked])[asked]) == reason


async def test_r15_the_round_closes_what_no_message_told_of(
    door: MakeDoor, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "RECHECK_S", 0.0)
    keeper, removed, kept = Guard(), door("viewer"), door("editor")
    await keeper.admit(removed)
    await keeper.admit(kept)
    await in_thread(_remove, cast)
    assert keeper._rounds is not None
    await asyncio.wait({keeper._rounds}, timeout=0.5)
    assert (removed.closed, kept.closed) == ("revoked", "")
    keeper.forget(removed)
    keeper.forget(kept)


async def test_r15_who_is_removed_while_being_let_in_is_not_let_in(
    door: MakeDoor, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper, removed = Guard(), door("viewer")

    async def slow(function: Callable[..., Any], *arguments: Any) -> Any:
        found = await in_thread(function, *arguments)
        await in_thread(_remove, cast)
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


async def test_r15_what_may_have_been_missed_concerns_everybody(door: MakeDoor, cast: Cast) -> None:
    keeper, removed, kept = Guard(), door("viewer"), door("editor")
    await keeper.admit(removed)
    await keeper.admit(kept)
    await in_thread(_remove, cast)
    await keeper.revoked(groups.EVERYBODY)
    assert (removed.closed, kept.closed) == ("revoked", "")
    keeper.forget(removed)
    keeper.forget(kept)


async def test_r15_everybody_is_checked_by_one_at_a_time_however_often_it_is_asked(
    door: MakeDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper, one = Guard(), door("viewer")
    await keeper.admit(one)
    goes_on, checks = asyncio.Event(), 0

    async def slow(function: Callable[..., Any], *arguments: Any) -> Any:
        nonlocal checks
        checks += 1
        await goes_on.wait()
        return await in_guards_thread(function, *arguments)

    monkeypatch.setattr(guard, "in_guards_thread", slow)
    asked = [asyncio.create_task(keeper.revoked(groups.EVERYBODY)) for _ in range(20)]
    await asyncio.sleep(0)
    goes_on.set()
    await asyncio.wait_for(asyncio.gather(*asked), 5)
    assert checks == 2, "the one that runs, and one for all who asked meanwhile"
    keeper.forget(one)


class Broken:
    """Checks of which the first few fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
        self.left = times
        monkeypatch.setattr(guard, "in_guards_thread", self)
        monkeypatch.setattr(guard, "AGAIN_S", 0.0)

    async def __call__(self, function: Callable[..., Any], *arguments: Any) -> Any:
        if self.left:
            self.left -= 1
            raise RuntimeError("no connection in time")
        return await in_guards_thread(function, *arguments)


async def test_r15_a_check_that_fails_is_made_again(
    door: MakeDoor, cast: Cast, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    keeper, doors = Guard(), [door("viewer"), door("viewer")]
    for each in doors:
        await keeper.admit(each)
    await in_thread(_remove, cast)
    Broken(monkeypatch, 3)
    await keeper.revoked(f"user:{cast.viewer.pk}")
    assert [each.closed for each in doors] == ["revoked", "revoked"]
    assert "no connection in time" in caplog.text
    for each in doors:
        keeper.forget(each)


async def test_r15_who_is_named_and_cannot_be_checked_does_not_stay(
    door: MakeDoor, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper, one = Guard(), door("viewer")
    await keeper.admit(one)
    Broken(monkeypatch, guard.AGAIN)
    await keeper.revoked(f"user:{cast.viewer.pk}")
    assert one.closed == "unavailable"
    keeper.forget(one)


async def test_r15_in_a_round_those_that_cannot_be_checked_keep_no_others_open(
    door: MakeDoor, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "CHECKED_AT_ONCE", 1)
    keeper, doors = Guard(), [door("viewer"), door("viewer")]
    for each in doors:
        await keeper.admit(each)
    await in_thread(_remove, cast)
    Broken(monkeypatch, 1)
    await keeper.revoked(groups.EVERYBODY)
    assert [each.closed for each in doors] == ["", "revoked"]
    for each in doors:
        keeper.forget(each)


async def test_r15_checks_wait_for_no_work_of_clients(door: MakeDoor, cast: Cast) -> None:
    keeper, one, goes_on = Guard(), door("viewer"), threading.Event()
    await keeper.admit(one)
    await in_thread(_remove, cast)
    busy = [asyncio.create_task(in_thread(goes_on.wait, 10)) for _ in range(2 * threads.THREADS)]
    await asyncio.sleep(0)
    try:
        await asyncio.wait_for(keeper.revoked(f"user:{cast.viewer.pk}"), 5)
        assert one.closed == "revoked"
    finally:
        goes_on.set()
        await asyncio.gather(*busy)
    keeper.forget(one)


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


async def test_r15_a_message_closes_only_those_whom_it_names(door: MakeDoor, cast: Cast) -> None:
    keeper, viewer, editor = Guard(), door("viewer"), door("editor")
    await keeper.admit(viewer)
    await keeper.admit(editor)
    await in_thread(_remove, cast)
    await keeper.revoked(f"user:{cast.editor.pk}")
    assert (viewer.closed, editor.closed) == ("", "")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(guard, "in_guards_thread", None)
        await keeper.revoked(f"user:{cast.stranger.pk}")  # nobody here: asks nothing
    await keeper.revoked(f"user:{cast.viewer.pk}")
    assert (viewer.closed, editor.closed) == ("revoked", "")
    await in_thread(Session.objects.all().delete)
    await keeper.revoked(f"session:{broadcast.digest(editor.session_key)}")
    assert editor.closed == "unauthenticated"
    keeper.forget(viewer)
    keeper.forget(editor)


def test_r15_changes_of_rows_are_said_on_the_channel(
    cast: Cast, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[bytes] = []
    monkeypatch.setattr(broadcast, "_publish", lambda channel, data: said.append(data))
    membership = Membership.objects.get(user=cast.viewer)
    membership.role = Role.EDITOR
    membership.save()
    membership.delete()
    cast.viewer.set_unusable_password()
    cast.viewer.save()
    cast.viewer.save(update_fields=["last_login"])
    key = sign_in(cast.viewer).removeprefix(f"{settings.SESSION_COOKIE_NAME}=")
    SessionStore(key).delete()
    assert said == [b"user:%d" % cast.viewer.pk] * 3 + [b"session:" + broadcast.digest(key).encode()]
    assert key.encode() not in b"".join(said)
