"""One project's document in this web process: what comes in is checked, made durable, acknowledged, passed on.

One task does it all (SPEC.md, D-7), so nothing falls between the state that a joining client is given and the updates
that it hears from then on. Edits that come while a batch is on its way to Postgres make up the next batch: that is the
group commit. What else there is to do is done between two batches.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

import psycopg

from studio.live import groups
from studio.live.document_intake import Intake, Refusal
from studio.live.document_log import DocumentLog
from studio.live.document_queue import Queue
from studio.live.document_wire import (
    State,
    awareness_frame,
    awareness_payload,
    decode_awareness,
    step_1,
    step_2,
    update_frame,
)
from studio.live.document_work import Edit, Join, Other, Peer, Probe, Question, Resync, Work
from studio.live.hub import Hub
from studio.live.keeper_client import KeeperAwayError, KeeperClient, KeeperDiedError
from studio.live.keeper_wire import Effect
from studio.live.prescan import EMPTY, UpdateError
from studio.live.presence import Presence, Speaker

logger = logging.getLogger(__name__)

WINDOW_S, LAST_WINDOW_S = 0.025, 0.15
"""Batches start this far apart at least; the first after a pause does not wait."""
WINDOW_PER_WORK = 4
"""Where a document is costly to check, batches are further apart: a room takes a fifth of the keeper at most."""
COMPACT_ROWS = 500
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
        self._told = NOTHING_KNOWN
        """The state vector of what everybody here was given, at least."""
        self._compact_at = COMPACT_ROWS
        self._queue = Queue()
        self._wake, self._stalled = asyncio.Event(), False
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
        """A connection has gone; the edits that it sent are still served."""
        self.peers.discard(peer)
        peer.speaker.leave()
        self._wake.set()

    def put(self, work: Work) -> None:
        """Queue work. Over the bound, the connection that has most there is closed; while Postgres is away, all are."""
        if isinstance(work, Probe) and self._queue.has_like(work):
            self._end(work.peer, "too_much")
            return
        if not self._queue.has_place(work):
            self._overflow(work)
        if work.peer is None or work.peer.closing is None:
            self._queue.add(work)
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
            self.put(Edit(None, payload))
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
        """All that waits: edits go together, the rest one by one, and makes no edit that comes meanwhile late."""
        await self._wake.wait()
        self._wake.clear()
        if not self._queue:
            return
        now = asyncio.get_running_loop().time
        started = now()
        edits, others = self._queue.take()
        due = await self._batch(edits)
        for item in others:
            if now() >= due:
                due = await self._batch(self._queue.take_edits())
            await self._do(item)
        if self._intake.is_reloaded and self.peers:
            self.put(Resync())
        worked_s = now() - started
        if self._intake.rows > self._compact_at:
            await self._compact()
        await asyncio.sleep(_pause_s(worked_s))

    async def _batch(self, edits: Sequence[Edit]) -> float:
        """Serve edits; returns when the next batch is due."""
        now = asyncio.get_running_loop().time
        started = now()
        if not (allowed := [edit for edit in edits if not edit.is_withdrawn]):
            return started
        await self._edit(allowed)
        ended = now()
        return ended + _pause_s(ended - started)

    async def _do(self, item: Other) -> None:
        """What is no edit. Who has gone, or is being closed, is not served."""
        if item.peer is not None and (item.peer not in self.peers or item.peer.closing is not None):
            return
        steps: dict[type[Other], Callable[[Any], Awaitable[None]]] = {
            Join: self._greet,
            Question: self._answer,
            Probe: self._probe,
            Resync: self._resync,
        }
        try:
            await steps[type(item)](item)
        except (UpdateError, KeeperDiedError, KeeperAwayError) as error:
            logger.warning("project %s: %s failed: %r", self.project_id, type(item).__name__, error)
            if item.peer is not None:
                # That the keeper died need not be the connection's doing, and after bad_update no client comes back.
                self._end(item.peer, "bad_update" if isinstance(error, UpdateError) else "unavailable")
            elif self.peers:
                self.put(Resync())

    async def _greet(self, join: Join) -> None:
        vector, _update = await self._diff(NOTHING_KNOWN)
        join.peer.push(step_1(vector))

    async def _answer(self, question: Question) -> None:
        _vector, update = await self._diff(question.vector)
        question.peer.answer([step_2(update)])

    async def _diff(self, vector: bytes) -> tuple[bytes, bytes]:
        """As the intake's. All that the document has was told to who is here, but for what a reload brought."""
        own, update = await self._intake.diff(vector)
        if not self._intake.is_reloaded:
            self._told = own
        return own, update

    async def _probe(self, probe: Probe) -> None:
        if await self._intake.probe(probe.update):
            self._end(probe.peer, "read_only")
        else:
            probe.peer.saved(1)

    async def _resync(self, _resync: Resync) -> None:
        """Read the log again, and give the connections here what came of it; say again who is here."""
        await self._diff(NOTHING_KNOWN)
        await self._intake.load()
        self._told, update = await self._intake.diff(self._told)
        self._intake.is_reloaded = False
        if update != EMPTY:
            self._push(update_frame(update), None)
        self._say(groups.AWARENESS_QUERY + self._origin)
        self._say_presence()

    async def _edit(self, edits: Sequence[Edit]) -> None:
        """Check, commit, acknowledge, pass on: in this order, so that what is seen or said saved is durable."""
        taken = await self._intake.take_in(edits)
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
        self._end(peer, "bad_update")
        user_id = peer.speaker.user_id
        await self._persist(lambda: self._log.quarantine(user_id, update, refusal.reason))

    async def _compact(self) -> None:
        try:
            gone = await self._log.compact(partial(self._keeper.compact, self.project_id))
        except (UpdateError, KeeperDiedError, KeeperAwayError, *TROUBLE) as error:
            logger.warning("the log of project %s was not compacted: %r", self.project_id, error)
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

    def _end(self, peer: Peer, reason: str) -> None:
        """Close a connection, and do no more for it: what it sent may build on what is not taken in."""
        peer.close(reason)
        self._queue.keep(lambda work: work.peer is not peer)

    def _overflow(self, work: Work) -> None:
        """Make place. Nothing that is dropped here was acknowledged: who sent it still has it, and comes back with it.

        Not who happens to come when the queue is full is closed, but who has filled it.
        """
        if self._stalled:
            self._queue.keep(lambda work: work.peer is None)
            self.close_all("unavailable")
        while not self._queue.has_place(work):
            if heaviest := self._queue.heaviest():
                self._end(heaviest, "too_much")
            else:
                self._queue.keep(lambda work: work.peer is not None)
                self._queue.add(Resync())

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


def _pause_s(worked_s: float) -> float:
    """How long to wait after so much work."""
    return min(LAST_WINDOW_S, max(WINDOW_S - worked_s, WINDOW_PER_WORK * worked_s))
