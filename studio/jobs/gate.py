"""Who may be rendered beside whom in one worker process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum, auto
from uuid import UUID


class _Place(Enum):
    WAITING = auto()
    INSIDE = auto()
    SENT_AWAY = auto()


@dataclass(eq=False)
class _Visit:
    take_id: UUID
    alone: bool
    place: _Place = _Place.WAITING


class Gate:
    """Lets attempts in side by side, or one alone.

    One that is to be alone waits until those inside have ended; who comes after it waits behind it.
    """

    def __init__(self) -> None:
        self._changed = asyncio.Event()
        self._visits: list[_Visit] = []

    @property
    def waiting(self) -> set[UUID]:
        """The takes whose attempts wait to be let in."""
        return {visit.take_id for visit in self._visits if visit.place is _Place.WAITING}

    def send_away(self, take_id: UUID) -> None:
        """Have a take wait no more, and hold up nobody."""
        for visit in self._visits:
            if visit.take_id == take_id and visit.place is _Place.WAITING:
                visit.place = _Place.SENT_AWAY
        self._changed.set()

    @asynccontextmanager
    async def entered(self, take_id: UUID, *, alone: bool) -> AsyncIterator[bool]:
        """Wait to be let in; the block's end lets the next in. False when the take was sent away instead."""
        visit = _Visit(take_id, alone)
        self._visits.append(visit)
        try:
            yield await self._let_in(visit)
        finally:
            self._visits.remove(visit)
            self._changed.set()

    async def _let_in(self, visit: _Visit) -> bool:
        while visit.place is _Place.WAITING:
            if self._is_open(visit):
                visit.place = _Place.INSIDE
            else:
                self._changed.clear()
                await self._changed.wait()
        return visit.place is _Place.INSIDE

    def _is_open(self, visit: _Visit) -> bool:
        """One alone waits for all that are inside, the others for each that is alone or waits to be."""
        present = [other for other in self._visits if other is not visit and other.place is not _Place.SENT_AWAY]
        return not any(other.place is _Place.INSIDE if visit.alone else other.alone for other in present)
