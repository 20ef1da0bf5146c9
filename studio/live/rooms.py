"""The rooms that are open in this process: their audiences, and the notices that no row change announces."""

import asyncio
import logging
from collections.abc import Collection
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from studio import trace
from studio.domain import events, views
from studio.domain.access import Access
from studio.live import broadcast, hub, protocol
from studio.live.audience import Audience, Viewer
from studio.live.threads import in_thread

logger = logging.getLogger(__name__)

TICK_S = 1.5
"""How late a room may learn that workers came or went, that takes moved up in the queue or, without Redis, anything."""

Places = dict[UUID, dict[str, int]]
Workers = dict[str, Any]
Newest = dict[UUID, int]


class Rooms:
    """Audiences by project; a clock runs while there is one."""

    def __init__(self) -> None:
        self._audiences: dict[UUID, Audience] = {}
        self._said: dict[UUID, tuple[Workers, dict[str, int]]] = {}
        self._clock: asyncio.Task[None] | None = None

    async def enter(self, access: Access, viewer: Viewer) -> None:
        """Have the viewer hear its room. Returns when nothing that is said from now on can be missed."""
        project_id = access.project.pk
        if project_id not in self._audiences:
            self._audiences[project_id] = Audience(project_id, access.project.event_seq)
        audience = self._audiences[project_id]
        audience.viewers.add(viewer)
        self._clock = self._clock or asyncio.create_task(self._tick_always(), context=trace.only())
        await hub.get().join(project_id, audience)

    async def leave(self, project_id: UUID, viewer: Viewer) -> None:
        """The viewer is gone; with the last one, the room is closed here."""
        audience = self._audiences.get(project_id)
        if audience is None:
            return
        audience.viewers.discard(viewer)
        if audience.viewers:
            return
        del self._audiences[project_id]
        self._said.pop(project_id, None)
        audience.close()
        if not self._audiences and self._clock is not None:
            self._clock.cancel()
            self._clock = None
        await hub.get().leave(project_id, audience)

    async def _tick_always(self) -> None:
        while True:
            try:
                await self.tick()
            except Exception:
                logger.exception("workers and places were not read")
            await asyncio.sleep(TICK_S)

    async def tick(self) -> None:
        """Tell each room what has changed since it was last told, and what Redis did not: in three queries for all."""
        workers, places, newest = await in_thread(_read, tuple(self._audiences))
        for project_id, audience in self._audiences.items():
            audience.expect(newest.get(project_id, 0))
            before = self._said.get(project_id)
            now = (workers, places.get(project_id, {}))
            self._said[project_id] = now
            if before is None or before[0] != now[0]:
                audience.notice(_encode("workers.changed", workers=workers))
            if before is None or before[1] != now[1]:
                audience.notice(_encode("queue.moved", places=now[1]))


def _read(project_ids: Collection[UUID]) -> tuple[Workers, Places, Newest]:
    return views.workers_view(), views.places(), events.newest_of(project_ids)


def _encode(type_: str, **fields: Any) -> str:
    return broadcast.encode({"type": type_, "v": protocol.VERSION, **fields})


_rooms: "WeakKeyDictionary[asyncio.AbstractEventLoop, Rooms]" = WeakKeyDictionary()


def get() -> Rooms:
    """The rooms of the running loop, which is the process's but in tests."""
    return _rooms.setdefault(asyncio.get_running_loop(), Rooms())
