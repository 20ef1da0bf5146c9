"""One document in several web processes: rule D-14 of studio/live/SPEC.md."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID

import pytest

from studio.domain.access import Access
from studio.live import broadcast, document, keeper_client
from studio.live.keeper_client import KeeperClient, KeeperDiedError
from studio.models import DocumentUpdate
from tests.factories import Cast
from tests.helpers.document import Client
from tests.helpers.yjs import struct_update
from tests.unit.live.document.writing import SEED, in_database, type_at_start


@pytest.fixture
async def elsewhere() -> AsyncIterator[Callable[[Access], Awaitable[Client]]]:
    """Joins as another web process would have it: with rooms and a keeper of its own."""
    rooms_here, keeper_here = document.rooms(), keeper_client.get()
    rooms_there, keeper_there = document.Rooms(), KeeperClient()

    async def join(person: Access) -> Client:
        document.use(rooms_there)
        keeper_client.use(keeper_there)
        client = await Client.joined(person)
        document.use(rooms_here)
        keeper_client.use(keeper_here)
        return client

    yield join
    await rooms_there.close()
    await keeper_there.close()


async def test_d14_another_processs_updates_and_presence_arrive(
    editor: Access, owner: Access, shot: str, elsewhere: Callable[[Access], Awaitable[Client]]
) -> None:
    here = await Client.joined(editor)
    here.say(8, 1, "{}")
    there = await elsewhere(owner)
    await there.until(lambda: 8 in there.states)
    there.say(9, 1, "{}")
    type_at_start(there, shot, "far ")
    await here.until(lambda: here.text(shot) == f"far {SEED}" and 9 in here.states)
    type_at_start(here, shot, "near ")
    await there.until(lambda: there.text(shot) == f"near far {SEED}")


async def test_d14_what_was_lost_on_the_way_comes_with_a_resync(cast: Cast, editor: Access, shot: str) -> None:
    one = await Client.joined(editor)
    await one.all_saved()
    other = Client(editor)
    await other.until(lambda: other.asked)
    await write_unheard(cast)
    one.session._room.on_resync()
    await one.until(lambda: "unheard" in one.shots)


class Mortal(KeeperClient):
    """A keeper that still dies so often of the question what somebody lacks."""

    deaths = 0

    async def diff(self, room: UUID, vector: bytes) -> tuple[bytes, bytes]:
        if self.deaths:
            self.deaths -= 1
            await self.close()
            raise KeeperDiedError
        return await super().diff(room, vector)


async def write_unheard(cast: Cast) -> None:
    """What another process committed, and Redis lost."""
    update = struct_update(0x27, b"\x01", key="unheard")
    await in_database(lambda: DocumentUpdate.objects.create(project=cast.project, epoch=1, payload=update))


@pytest.mark.parametrize("deaths", [1, 2, 3])
async def test_d14_a_resync_that_the_keeper_dies_of_is_not_lost(cast: Cast, editor: Access, deaths: int) -> None:
    mortal = Mortal()
    keeper_client.use(mortal)
    one = await Client.joined(editor)
    await one.all_saved()
    await write_unheard(cast)
    mortal.deaths = deaths
    one.session._room.on_resync()
    await one.until(lambda: "unheard" in one.shots)
    assert (mortal.deaths, one.close_code) == (0, None)


async def test_d14_what_a_new_keeper_finds_in_the_log_is_told_to_who_is_here(
    cast: Cast, editor: Access, owner: Access, shot: str
) -> None:
    """It may have been on its way: the message is no news then to a keeper that has the row."""
    one, two = await Client.joined(editor), await Client.joined(owner)
    await asyncio.gather(one.all_saved(), two.all_saved())
    await write_unheard(cast)
    await keeper_client.get().close()
    type_at_start(one, shot, "A")
    await one.until(lambda: "unheard" in one.shots)
    await two.until(lambda: "unheard" in two.shots)
    assert (one.close_code, two.close_code) == (None, None)


async def test_d14_a_new_shots_seed_reaches_who_is_here(cast: Cast, editor: Access) -> None:
    one = await Client.joined(editor)
    await in_database(broadcast.publish_document, cast.project.pk, struct_update(0x27, b"\x01", key="new"))
    await one.until(lambda: "new" in one.shots)
