"""One project's document in this web process: what comes in is checked, made durable, acknowledged, passed on.

One task does it all in the order in which it came (SPEC.md, D-7), so nothing falls between the state that a
joining client is given and the updates that it hears from then on. Work that comes while a batch is on its way to
Postgres makes up the next batch: that is the group commit.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from itertools import groupby
from typing import Any, TypeVar
from uuid import UUID
from weakref import WeakSet

import psycopg

from studio.live import groups
from studio.live.document_intake import Intake, Refusal
from studio.live.document_log import DocumentLog
from studio.live.document_wire import (
    State,
    awareness_frame,
    awareness_payload,
    decode_awareness,
    step_1,
    step_2,
    update_frame,
)
from studio.live.document_work import Edit, Join, Peer, Probe, Question, Resync, Work
from studio.live.hub import Hub
from studio.live.keeper_client import KeeperClient, KeeperDiedError
from studio.live.keeper_wire import Effect
from studio.live.prescan import EMPTY, UpdateError
from studio.live.presence import Presence, Speaker

logger = logging.getLogger(__name__)

WINDOW_S, LAST_WINDOW_S = 0.025, 0.15
"""Batches start this far apart at least; the first after a pause does not wait."""
WINDOW_PER_WORK = 4
"""Where a document is costly to check, batches are further apart: a room takes a fifth of the keeper at most."""
COMPACT_ROWS = 500
MAX_QUEUED = 4000
MAX_QUEUED_BYTES = 16 * 1024 * 1024
MAX_TO_SAY = 1000
SAY_TIMEOUT_S = 2.0
FIRST_BACKOFF_S, LAST_BACKOFF_S = 0.1, 1.0
TROUBLE = (psycopg.Error, OSError, TimeoutError)
"""Postgres is away, or cannot write: worth another try."""
NOTHING_KNOWN = b"\x00"
"""The state vector of an empty document."""
T = TypeVar("T")


class FencedError(Exception):
    """The project is gone or has another epoch: nothing more is written here."""


class DocumentRoom:
    """The connections of a project and epoch in this process, and the task that serves them."""

    def __init__(self, project_id: UUID, log: DocumentLog, keeper: KeeperClient, hub: Hub, origin: bytes) -> None:
        self.project_id, self.peers = project_id, set[Peer]()
        self.presence = Presence(self._tell)
        self._log, self._keeper, self._hub, self._origin = log, keeper, hub, origin
        self._intake = Intake(project_id, log, keeper, self._persist)
        self._compact_at = COMPACT_ROWS
        self._queue: list[Work] = []
        self._queued_bytes = 0
        self._wake, self._stalled = asyncio.Event(), False
        self._faulty: WeakSet[Peer] = WeakSet()
        self._to_say: asyncio.Queue[bytes] = asyncio.Queue(MAX_TO_SAY)

    # For connections: none of these waits.

    def join(self, peer: Peer) -> None:
        """A connection begins."""
        self.peers.add(peer)
        self.put(Join(peer))
        self.introduce(peer)

    def introduce(self, peer: Peer) -> None:
        """Tell a connection who is here."""
        if frame := self.presence.frame():
            peer.push(frame)

    def leave(self, peer: Peer) -> None:
        """A connection has gone; what it sent is still served."""
        self.peers.discard(peer)
        peer.speaker.leave()
        self._wake.set()

    def put(self, work: Work, size_bytes: int = 0) -> None:
        """Queue work. Over the bound, the connection that brings it is closed; while Postgres is away, all are."""
        if len(self._queue) >= MAX_QUEUED or self._queued_bytes + size_bytes > MAX_QUEUED_BYTES:
            self._overflow(work)
            return
        self._queue.append(work)
        self._queued_bytes += size_bytes
        self._wake.set()

    def close_all(self, reason: str) -> None:
        """Close every connection."""
        for peer in tuple(self.peers):
            peer.close(reason)

    # For the hub: neither of these waits.

    def on_message(self, data: bytes) -> None:
        """Something was said in this room, perhaps by this process."""
        kind, origin, payload = data[:1], data[1:17], data[17:]
        if kind == groups.EVENT and b'"type":"project.deleted"' in data[:80]:
            self.close_all("not_found")
        if origin == self._origin:
            return
        if kind == groups.DOCUMENT:
            self.put(Edit(None, payload), len(payload))
        elif kind == groups.AWARENESS:
            self._hear(payload)
        elif kind == groups.AWARENESS_QUERY:
            self._say_presence()

    def on_resync(self) -> None:
        """Messages may have been lost."""
        self.put(Resync())

    # The room's one task.

    async def live(self, ended: Callable[[], None]) -> bool:
        """Serve until nobody is here and nothing is left to do. ``ended`` is called when no more is served.

        False when the room failed: who comes back at once would only make it fail again.
        """
        speaking = asyncio.create_task(self._speak())
        try:
            await self._hub.join(self.project_id, self)
            await self._intake.load()
            self._say(groups.AWARENESS_QUERY + self._origin)
            while self.peers or self._queue:
                await self._serve()
        except FencedError:
            self.close_all("not_found" if await self._persist(self._log.epoch) is None else "stale_epoch")
        except Exception:
            logger.exception("the document room of project %s failed", self.project_id)
            return False
        finally:
            # Nothing is awaited between the last look at the queue and this: who joins now gets a new room.
            ended()
            self.close_all("unavailable")
            await self._hub.leave(self.project_id, self)
            await self._stop(speaking)
        return True

    async def _stop(self, speaking: "asyncio.Task[None]") -> None:
        """Let what was committed be said, then say no more."""
        saying = asyncio.create_task(self._to_say.join())
        await asyncio.wait([saying], timeout=SAY_TIMEOUT_S)
        for task in (saying, speaking):
            task.cancel()

    async def _serve(self) -> None:
        await self._wake.wait()
        self._wake.clear()
        work, self._queue, self._queued_bytes = self._queue, [], 0
        if not work:
            return
        now = asyncio.get_running_loop().time
        started = now()
        for _kind, same in groupby(work, key=type):
            await self._do(list(same))
        worked_s = now() - started
        if self._intake.rows > self._compact_at:
            await self._compact()
        await asyncio.sleep(min(LAST_WINDOW_S, max(WINDOW_S - worked_s, WINDOW_PER_WORK * worked_s)))

    async def _do(self, work: Sequence[Work]) -> None:
        """A run of work of one kind: edits go together, the rest one by one."""
        if edits := [item for item in work if isinstance(item, Edit)]:
            await self._edit(edits)
            return
        steps: dict[type[Work], Callable[[Any], Awaitable[None]]] = {
            Join: self._greet,
            Question: self._answer,
            Probe: self._probe,
            Resync: self._resync,
        }
        for item in work:
            try:
                await steps[type(item)](item)
            except (UpdateError, KeeperDiedError) as error:
                logger.warning("project %s: %s failed: %s", self.project_id, type(item).__name__, error)
                if not isinstance(item, Resync) and item.peer is not None:
                    item.peer.close("bad_update")

    async def _greet(self, join: Join) -> None:
        vector, _update = await self._intake.diff(NOTHING_KNOWN)
        join.peer.push(step_1(vector))

    async def _answer(self, question: Question) -> None:
        _vector, update = await self._intake.diff(question.vector)
        question.peer.answer([step_2(update)])

    async def _probe(self, probe: Probe) -> None:
        if await self._intake.probe(probe.update):
            probe.peer.close("revoked")
        probe.peer.saved(1)

    async def _resync(self, _resync: Resync) -> None:
        """Read the log again, and give the connections here what came of it; say again who is here."""
        before, _update = await self._intake.diff(NOTHING_KNOWN)
        await self._intake.load()
        _vector, update = await self._intake.diff(before)
        if update != EMPTY:
            self._push(update_frame(update), None)
        self._say(groups.AWARENESS_QUERY + self._origin)
        self._say_presence()

    async def _edit(self, edits: Sequence[Edit]) -> None:
        """Check, commit, acknowledge, pass on: in this order, so that what is seen or said saved is durable."""
        taken = await self._intake.take_in([edit for edit in edits if edit.peer not in self._faulty])
        known = [edit for edit, effect in taken.effects if effect is not Effect.NOTHING]
        rows = [(edit.peer.speaker.user_id, edit.update) for edit in known if edit.peer is not None]
        if rows and not await self._persist(lambda: self._log.append(rows)):
            raise FencedError
        await self._intake.durable(len(known), taken.evicted)
        for peer, count in Counter(edit.peer for edit, _effect in taken.effects).items():
            if peer is not None:
                peer.saved(count)
        for update, sender in taken.news:
            self._push(update_frame(update), None if sender is None else sender.speaker)
        if rows:
            for update in [*(update for update, _sender in taken.news), *taken.waiting]:
                self._say(groups.DOCUMENT + self._origin + update)
        for refusal in taken.refusals:
            await self._refuse(refusal)

    async def _refuse(self, refusal: Refusal) -> None:
        """Close the sender with 4400, and keep its bytes. The others go on."""
        peer, update = refusal.edit.peer, refusal.edit.update
        logger.warning("project %s: an update was refused: %s", self.project_id, refusal.reason)
        if peer is None:
            # Another process holds what this one cannot: the log says what is true.
            self.put(Resync())
            return
        self._faulty.add(peer)
        peer.close("bad_update")
        user_id = peer.speaker.user_id
        await self._persist(lambda: self._log.quarantine(user_id, update, refusal.reason))

    async def _compact(self) -> None:
        try:
            gone = await self._log.compact(partial(self._keeper.compact, self.project_id))
        except (UpdateError, KeeperDiedError, *TROUBLE) as error:
            logger.warning("the log of project %s was not compacted: %s", self.project_id, error)
            gone = 0
        self._intake.rows -= gone
        self._compact_at = max(COMPACT_ROWS, self._intake.rows + COMPACT_ROWS // 2)

    async def _persist(self, action: Callable[[], Awaitable[T]], /) -> T:
        """Do what needs Postgres; while it is away, try again."""
        backoff_s = FIRST_BACKOFF_S
        while True:
            try:
                result = await action()
            except TROUBLE as error:
                logger.warning("project %s: Postgres: %r; again in %.1f s", self.project_id, error, backoff_s)
                self._stalled = True
                await asyncio.sleep(backoff_s)
                backoff_s = min(2 * backoff_s, LAST_BACKOFF_S)
            else:
                self._stalled = False
                return result

    def _overflow(self, work: Work) -> None:
        """Nothing that is dropped here was acknowledged: who sent it still has it, and comes back with it."""
        if self._stalled:
            self._queue = [item for item in self._queue if isinstance(item, Edit) and item.peer is None]
            self._queued_bytes = sum(len(item.update) for item in self._queue if isinstance(item, Edit))
            self.close_all("unavailable")
        elif isinstance(work, Resync) or work.peer is None:
            self._queue = [item for item in self._queue if not isinstance(item, Edit) or item.peer is not None]
            self._queue.append(Resync())
        else:
            work.peer.close("too_much")

    # What goes out.

    def _push(self, frame: bytes, speaker: Speaker | None) -> None:
        """To every connection here but the one that it comes from."""
        for peer in tuple(self.peers):
            if peer.speaker is not speaker:
                peer.push(frame)

    def _tell(self, speaker: Speaker, state: State) -> None:
        self._push(awareness_frame([state]), speaker)
        self._say(groups.AWARENESS + self._origin + awareness_payload([state]))

    def _hear(self, payload: bytes) -> None:
        if news := self.presence.hear(decode_awareness(payload)):
            self._push(awareness_frame(news), None)

    def _say_presence(self) -> None:
        if states := self.presence.states(local_only=True):
            self._say(groups.AWARENESS + self._origin + awareness_payload(states))

    def _say(self, data: bytes) -> None:
        """To the other processes. What does not fit any more is lost to them until they resync."""
        try:
            self._to_say.put_nowait(data)
        except asyncio.QueueFull:
            logger.warning("project %s: other processes are not told: Redis is too slow", self.project_id)

    async def _speak(self) -> None:
        while True:
            await self._hub.publish(self.project_id, await self._to_say.get())
            self._to_say.task_done()
