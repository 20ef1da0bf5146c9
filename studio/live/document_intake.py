"""Finds out, with the keeper's help, which updates of a batch are good. Survives the keeper's death.

A batch that is refused, or that the keeper dies of, is halved until the one at fault stands alone. The keeper
comes back empty after a death: it is given the log again, and what it had accepted that is not durable yet.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar
from uuid import UUID

from studio.live.document_log import DocumentLog
from studio.live.document_work import Edit, Peer
from studio.live.keeper_client import Checked, KeeperClient, KeeperDiedError, UnknownRoomError
from studio.live.keeper_wire import Effect
from studio.live.prescan import UpdateError

logger = logging.getLogger(__name__)
MAX_LOADS = 5
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Refusal:
    """An update that was not taken in."""

    edit: Edit
    reason: str


@dataclass(slots=True)
class Taken:
    """What came of a batch. ``news`` is what others have to hear, and whose it is when it is of one connection;
    ``waiting`` is for other processes only: what it comes to, when its gap closes, may be bad. ``evicted`` came to
    that, and has to go once what came is a row."""

    effects: list[tuple[Edit, Effect]] = field(default_factory=list)
    news: list[tuple[bytes, Peer | None]] = field(default_factory=list)
    waiting: list[bytes] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    evicted: list[bytes] = field(default_factory=list)

    def add(self, edits: Sequence[Edit], checked: Checked) -> None:
        """A part of the batch was taken in."""
        pairs = list(zip(edits, checked.effects, strict=True))
        self.effects += pairs
        changes = [edit for edit, effect in pairs if effect in (Effect.CHANGED, Effect.CLOSED)]
        if checked.merged:
            peers = {edit.peer for edit in changes}
            is_of_one = len(peers) == 1 and Effect.CLOSED not in checked.effects
            self.news.append((checked.merged, peers.pop() if is_of_one else None))
        else:
            self.news += [(edit.update, edit.peer) for edit in changes]
        self.evicted += checked.evicted
        self.waiting += [edit.update for edit, effect in pairs if effect is Effect.WAITING]


class Persist(Protocol):
    """Does what needs Postgres, again and again until it is done."""

    async def __call__(self, action: Callable[[], Awaitable[T]], /) -> T: ...


class BrokenDocumentError(Exception):
    """The snapshot itself cannot be loaded."""


class Intake:
    """One room's way to the keeper."""

    def __init__(self, room: UUID, log: DocumentLog, keeper: KeeperClient, persist: Persist) -> None:
        self.rows = 0
        """Rows in the log, as far as is known here."""
        self.is_reloaded = False
        """The log was read for a new keeper; what another process wrote may have been in it before its message came."""
        self._room, self._log, self._keeper, self._persist = room, log, keeper, persist
        self._accepted: list[bytes] = []

    async def load(self) -> None:
        """Have the keeper hold what the log says, and what was accepted and is not durable yet.

        Raises:
            BrokenDocumentError: the snapshot cannot be loaded.
        """
        snapshot, rows = await self._persist(self._log.parts)
        self.rows = len(rows)
        try:
            left_out = await self._keeper.load(self._room, snapshot, [*rows, *self._accepted])
        except UpdateError as error:
            raise BrokenDocumentError(str(error)) from error
        except KeeperDiedError:
            logger.error("the log of project %s ended the keeper; row by row now", self._room)
            left_out = await self._load_row_by_row(snapshot, [*rows, *self._accepted])
        for update in left_out:
            logger.error("project %s: a row of the log was bad and is in quarantine", self._room)
            await self._remove(update, "it did not load")

    async def take_in(self, edits: Sequence[Edit]) -> Taken:
        """Sort a batch: what was taken in, and what was refused."""
        taken = Taken()
        await self._sift(edits, taken)
        return taken

    async def durable(self, rows: int, evicted: Sequence[bytes]) -> None:
        """All that was taken in is in the log, as so many rows; what was evicted goes from there."""
        self._accepted.clear()
        self.rows += rows
        for update in evicted:
            await self._remove(update, "what it waited for made it bad")

    async def diff(self, vector: bytes) -> tuple[bytes, bytes]:
        """The state vector, and what a client with ``vector`` lacks.

        Raises:
            UpdateError: the vector cannot be read.
            KeeperDiedError: twice; once may have been an accident.
        """
        return await self._twice(lambda: self._keeper.diff(self._room, vector))

    async def probe(self, update: bytes) -> bool:
        """Whether an update would change anything. Raises as ``diff`` does."""
        return await self._twice(lambda: self._keeper.probe(self._room, update))

    async def _twice(self, ask: Callable[[], Awaitable[T]]) -> T:
        try:
            return await self._loaded(ask)
        except KeeperDiedError:
            return await self._loaded(ask)

    async def _loaded(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask, and load the room first where the keeper does not hold it: it may go again before it is asked."""
        for _ in range(MAX_LOADS):
            try:
                return await ask()
            except UnknownRoomError:
                self.is_reloaded = True
                await self.load()
        raise KeeperDiedError(f"{MAX_LOADS} times in a row")

    async def _sift(self, edits: Sequence[Edit], taken: Taken) -> None:
        # What a peer sent after a refused update may build on it, and would wait for it for ever.
        faulty = {refusal.edit.peer for refusal in taken.refusals} - {None}
        edits = [edit for edit in edits if edit.peer not in faulty]
        if not edits:
            return
        try:
            await self._check(edits, taken)
        except (UpdateError, KeeperDiedError) as error:
            if len(edits) == 1:
                await self._look_again(edits[0], error, taken)
                return
            half = len(edits) // 2
            await self._sift(edits[:half], taken)
            await self._sift(edits[half:], taken)

    async def _look_again(self, edit: Edit, error: Exception, taken: Taken) -> None:
        """A single update gets a second chance, with more time, when the keeper died: it may have been killed."""
        if isinstance(error, KeeperDiedError):
            try:
                await self._check([edit], taken, patient=True)
                return
            except (UpdateError, KeeperDiedError) as again:
                error = again
        taken.refusals.append(Refusal(edit, f"{type(error).__name__}: {error}"))

    async def _check(self, edits: Sequence[Edit], taken: Taken, *, patient: bool = False) -> None:
        updates = [edit.update for edit in edits]
        checked = await self._loaded(lambda: self._keeper.check(self._room, updates, patient=patient))
        taken.add(edits, checked)
        effects = zip(updates, checked.effects, strict=True)
        self._accepted += [update for update, effect in effects if effect is not Effect.NOTHING]

    async def _load_row_by_row(self, snapshot: bytes, rows: Sequence[bytes]) -> list[bytes]:
        """Load a log that the keeper died of; returns the rows at fault."""
        try:
            await self._keeper.load(self._room, snapshot, [])
        except (UpdateError, KeeperDiedError) as error:
            raise BrokenDocumentError(str(error)) from error
        healed = Taken()
        accepted, self._accepted = self._accepted, []
        await self._sift([Edit(None, row) for row in rows], healed)
        self._accepted = accepted
        return [*healed.evicted, *(refusal.edit.update for refusal in healed.refusals)]

    async def _remove(self, update: bytes, reason: str) -> None:
        await self._persist(lambda: self._log.move_to_quarantine(update, reason))
