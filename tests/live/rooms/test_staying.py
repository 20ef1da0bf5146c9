"""What a socket may not do, and who may stay: SPEC-ROOM.md, rule by rule."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from websockets.asyncio.client import connect

from studio.domain import projects
from studio.live import protocol
from studio.live.threads import in_thread
from studio.models import Membership, Role
from tests.factories import Cast
from tests.helpers.studio import Studio
from tests.live.rooms.client import RoomClient, code_of, room


@asynccontextmanager
async def beside_an_editor(studio: Studio, cast: Cast, cookies: dict[str, str]) -> AsyncIterator[RoomClient]:
    """A viewer's socket, whose end an editor's in the same room must not notice."""
    async with (
        room(studio.url, cast.project.pk, cookies["viewer"]) as viewer,
        room(studio.url, cast.project.pk, cookies["editor"]) as editor,
    ):
        await viewer.hello()
        await editor.hello()
        yield viewer
        assert (await editor.command("project.rename", title="Still here"))["error"] is None


# What a socket may not do.


@pytest.mark.parametrize(
    "garbage",
    [b"\x00\xff\xfe" * 50, "{", "[]", '{"type": "film.nuke", "v": 1}', '{"type": "hello", "v": 99}', "[" * 10_000],
    ids=["binary", "json", "list", "type", "version", "deep"],
)
async def test_r08_garbage_is_refused_with_reasons_and_closed_after_ten(
    studio: Studio, cast: Cast, cookies: dict[str, str], garbage: str | bytes
) -> None:
    async with room(studio.url, cast.project.pk, cookies["viewer"]) as client:
        await client.hello()
        await client.socket.send(garbage)
        refused = protocol.OUTGOING.validate_python(await client.next("refused"))
        assert isinstance(refused, protocol.Refused)
        assert "xpected" in refused.error.message
        assert (await client.hello())["room"]["title"] == "Harbour"
        for _ in range(9):
            await client.socket.send(garbage)
        assert await client.closed() == 4429


async def test_r04_an_oversized_message_closes_its_socket_and_no_other(
    studio: Studio, cast: Cast, cookies: dict[str, str]
) -> None:
    async with beside_an_editor(studio, cast, cookies) as loud:
        await loud.socket.send("x" * (protocol.MAX_MESSAGE_BYTES + 1))
        assert await loud.closed() == 1009


async def test_r04_a_flood_closes_its_socket_and_no_other(studio: Studio, cast: Cast, cookies: dict[str, str]) -> None:
    async with beside_an_editor(studio, cast, cookies) as loud:
        for _ in range(2000):
            try:
                await loud.send(type="preview.ack", count=1)
            except Exception:
                break
        assert await loud.closed() == 4429


async def test_r04_a_person_has_at_most_twenty_sockets(studio: Studio, cast: Cast, cookies: dict[str, str]) -> None:
    address = f"{studio.url.replace('http', 'ws', 1)}/ws/rooms/{cast.project.pk}/"
    options: Any = {"additional_headers": {"Cookie": cookies["guest"]}, "origin": studio.url}
    sockets = [await connect(address, **options) for _ in range(20)]
    clients = [RoomClient(socket) for socket in sockets]
    for client in clients:
        await client.hello()
    assert await code_of(studio.url, cast.project.pk, cookies["guest"]) == 4429
    for socket in sockets:
        await socket.close()


# Staying in.


async def test_r15_a_removed_member_is_out_at_once(studio: Studio, cast: Cast, cookies: dict[str, str]) -> None:
    async with beside_an_editor(studio, cast, cookies) as removed, asyncio.timeout(1):
        membership = await in_thread(Membership.objects.get, user=cast.viewer, workspace=cast.workspace)
        await in_thread(membership.delete)
        assert await removed.closed() == 4403
    assert await code_of(studio.url, cast.project.pk, cookies["viewer"]) == 4404


async def test_r15_another_role_closes_the_socket(studio: Studio, cast: Cast, cookies: dict[str, str]) -> None:
    async with room(studio.url, cast.project.pk, cookies["editor"]) as demoted:
        await demoted.hello()
        membership = await in_thread(Membership.objects.get, user=cast.editor, workspace=cast.workspace)
        membership.role = Role.VIEWER
        await in_thread(membership.save)
        assert await demoted.closed() == 4410


async def test_r15_a_session_that_ends_in_the_middle_closes_the_socket(
    studio: Studio, cast: Cast, cookies: dict[str, str]
) -> None:
    async with beside_an_editor(studio, cast, cookies) as ended:
        session = await in_thread(Session.objects.get, pk=cookies["viewer"].partition("=")[2])
        assert session.get_decoded()[SESSION_KEY] == str(cast.viewer.pk)
        await in_thread(session.delete)
        assert await ended.closed() == 4401


async def test_r15_a_closed_account_closes_its_sockets(studio: Studio, cast: Cast, cookies: dict[str, str]) -> None:
    async with room(studio.url, cast.project.pk, cookies["viewer"]) as client:
        await client.hello()
        cast.viewer.is_active = False
        await in_thread(cast.viewer.save)
        assert await client.closed() == 4401


async def test_r14_a_command_is_done_with_the_rights_of_that_moment(
    studio: Studio, cast: Cast, cookies: dict[str, str]
) -> None:
    async with room(studio.url, cast.project.pk, cookies["editor"]) as client:
        await client.hello()
        # Not through a model instance: nobody is told, and the socket is still open.
        members = Membership.objects.filter(user=cast.editor, workspace=cast.workspace)
        await in_thread(members.update, role=Role.VIEWER)
        assert (await client.command("project.rename", title="Mine"))["error"]["code"] == "forbidden"


async def test_r09_a_project_that_is_deleted_while_open_is_told_and_closed(
    studio: Studio, cast: Cast, cookies: dict[str, str]
) -> None:
    async with room(studio.url, cast.project.pk, cookies["viewer"]) as client:
        await client.hello()
        await in_thread(projects.delete_project, await in_thread(cast.access, "owner"))
        await client.next("project.deleted")
        assert await client.closed() == 4404
    assert await code_of(studio.url, cast.project.pk, cookies["viewer"]) == 4404
