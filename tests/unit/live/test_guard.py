"""Who still may have a socket: rule R-15 of studio/live/SPEC-ROOM.md."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.utils import timezone

from studio.domain import projects
from studio.live import admission, broadcast, groups, guard, threads
from studio.live.guard import Guard
from studio.live.threads import in_guards_thread, in_thread
from studio.models import Membership, Role, User
from tests.factories import Cast
from tests.unit.live.conftest import MakeDoor, SignIn, remove_viewer


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
        (remove_viewer, "revoked"),
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
    await in_thread(remove_viewer, cast)
    assert keeper._rounds is not None
    await asyncio.wait({keeper._rounds}, timeout=0.5)
    assert (removed.closed, kept.closed) == ("revoked", "")
    keeper.forget(removed)
    keeper.forget(kept)


async def test_r15_what_may_have_been_missed_concerns_everybody(door: MakeDoor, cast: Cast) -> None:
    keeper, removed, kept = Guard(), door("viewer"), door("editor")
    await keeper.admit(removed)
    await keeper.admit(kept)
    await in_thread(remove_viewer, cast)
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
    await in_thread(remove_viewer, cast)
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
    await in_thread(remove_viewer, cast)
    Broken(monkeypatch, 1)
    await keeper.revoked(groups.EVERYBODY)
    assert [each.closed for each in doors] == ["", "revoked"]
    for each in doors:
        keeper.forget(each)


async def test_r15_checks_wait_for_no_work_of_clients(door: MakeDoor, cast: Cast) -> None:
    keeper, one, goes_on = Guard(), door("viewer"), threading.Event()
    await keeper.admit(one)
    await in_thread(remove_viewer, cast)
    busy = [asyncio.create_task(in_thread(goes_on.wait, 10)) for _ in range(2 * threads.THREADS)]
    await asyncio.sleep(0)
    try:
        await asyncio.wait_for(keeper.revoked(f"user:{cast.viewer.pk}"), 5)
        assert one.closed == "revoked"
    finally:
        goes_on.set()
        await asyncio.gather(*busy)
    keeper.forget(one)


async def test_r15_a_message_closes_only_those_whom_it_names(door: MakeDoor, cast: Cast) -> None:
    keeper, viewer, editor = Guard(), door("viewer"), door("editor")
    await keeper.admit(viewer)
    await keeper.admit(editor)
    await in_thread(remove_viewer, cast)
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
