"""The web process's side of its keeper: starts it, asks it, and ends it when it hangs."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID
from weakref import WeakKeyDictionary

from django.conf import settings

from studio.live.keeper_wire import ROOM_BYTES, Effect, Operation, Verdict, frame_length, pack, unpack
from studio.live.prescan import UpdateError

logger = logging.getLogger(__name__)

WATCHDOG_S = 1.0
"""A batch of 250 updates on a document of 2 MiB takes 0.1 s; what takes longer than this does not end."""
REPLAY_WATCHDOG_S = 5.0
"""20,000 edits replay in 0.5 s; LOAD and COMPACT read whole logs."""
SECOND_LOOK_S = 3.0
"""For a single update that the keeper died of: it may have been the machine."""
START_TIMEOUT_S = 10.0
START_TRIES = 5
START_BACKOFF_S = 0.5


class KeeperDiedError(Exception):
    """The keeper ended or hung on the request; another is started for the next one."""


class KeeperAwayError(Exception):
    """No keeper could be started: the fault of nothing that was asked."""


class UnknownRoomError(Exception):
    """The keeper does not hold the room, because it is new or made place for others: load it, then ask again."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of a batch: the effect of each update, one update in the place of those that changed something (or
    nothing, where they are better sent one by one), and the waiting updates that had to go for them."""

    effects: list[Effect]
    merged: bytes
    evicted: list[bytes]


class KeeperClient:
    """Asks one thing at a time, so that what was asked when the keeper died is what killed it."""

    def __init__(self, *, watchdog_s: float = WATCHDOG_S, module: str = "studio.live.keeper") -> None:
        self._watchdog_s, self._module = watchdog_s, module
        self._turn = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """The child's process id, while there is one."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def load(self, room: UUID, snapshot: bytes, rows: Sequence[bytes]) -> list[bytes]:
        """Hold the document that a snapshot and a log make; returns the rows that had to be left out."""
        return await self._ask(Operation.LOAD, room, [snapshot, *rows], REPLAY_WATCHDOG_S)

    async def check(self, room: UUID, updates: Sequence[bytes], *, patient: bool = False) -> Checked:
        """Take updates in, all or none."""
        watchdog_s = SECOND_LOOK_S if patient else None
        effects, merged, *evicted = await self._ask(Operation.CHECK, room, updates, watchdog_s)
        return Checked([Effect(effect) for effect in effects], merged, evicted)

    async def probe(self, room: UUID, update: bytes) -> bool:
        """Whether an update would change anything."""
        [changes] = await self._ask(Operation.PROBE, room, [update])
        return changes == b"\x01"

    async def diff(self, room: UUID, vector: bytes) -> tuple[bytes, bytes]:
        """The room's state vector, and what a client with ``vector`` lacks."""
        own, update = await self._ask(Operation.DIFF, room, [vector])
        return own, update

    async def compact(self, room: UUID, snapshot: bytes, rows: Sequence[bytes]) -> tuple[bytes, list[bool]]:
        """The state that a snapshot and a log make, and which rows it contains. UpdateError: not the snapshot."""
        state, contained = await self._ask(Operation.COMPACT, room, [snapshot, *rows], REPLAY_WATCHDOG_S)
        if not contained[0]:
            raise UpdateError("a state that contains the snapshot expected")
        return state, [flag == 1 for flag in contained[1:]]

    async def forget(self, room: UUID) -> None:
        """Let the room go."""
        await self._ask(Operation.FORGET, room, [])

    async def close(self) -> None:
        """End the child."""
        async with self._turn:
            await self._end()

    async def _ask(
        self, operation: Operation, room: UUID, parts: Sequence[bytes], watchdog_s: float | None = None
    ) -> list[bytes]:
        """Raises UpdateError, UnknownRoomError, KeeperDiedError or KeeperAwayError."""
        async with self._turn:
            process = await self._started()
            try:
                async with asyncio.timeout(watchdog_s or self._watchdog_s):
                    verdict, answer = await _exchange(process, operation, room.bytes, parts)
            except Exception as error:
                # Whatever it was: after half an answer, or another's, every next one would go to the wrong asker.
                await self._end()
                logger.warning("the keeper ended at %s of room %s: %r", operation.name, room, error)
                raise KeeperDiedError(operation.name) from None
            except asyncio.CancelledError:
                # Its answer would be taken for the next one's.
                await self._end()
                raise
        if verdict == Verdict.REFUSED:
            raise UpdateError(answer[0].decode())
        if verdict == Verdict.UNKNOWN:
            raise UnknownRoomError(room)
        return answer

    async def _started(self) -> asyncio.subprocess.Process:
        """The child, up and answering: the time that a start takes counts against no request."""
        if self._process is not None and self.pid is not None:
            return self._process
        for _ in range(START_TRIES):
            try:
                return await self._start()
            except Exception as error:
                logger.error("the keeper did not start: %r", error)
                await asyncio.sleep(START_BACKOFF_S)
        raise KeeperAwayError(f"{START_TRIES} starts failed")

    async def _start(self) -> asyncio.subprocess.Process:
        """One try. A child whose first answer is not read, because nobody waits for it any more, is ended too."""
        self._process = process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", self._module,
            cwd=settings.BASE_DIR, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                await _exchange(process, Operation.FORGET, bytes(ROOM_BYTES), [])
        except BaseException:
            await self._end()
            raise
        return process

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        # Not process.kill(): it reaps a child that has just died, and then asyncio's watcher complains.
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        # Of an answer that nobody read to its end, the rest: asyncio waits for ever for a child whose output is unread.
        if process.stdout is not None:
            await process.stdout.read()
        await process.wait()
        # Else the pipe's transport outlives its loop in tests, and warns.
        if process.stdin is not None:
            process.stdin.close()


async def _exchange(
    process: asyncio.subprocess.Process, operation: Operation, room: bytes, parts: Sequence[bytes]
) -> tuple[int, list[bytes]]:
    """Raises ValueError when the answer is about another room, which may not be let into this one."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(pack(operation, room, parts))
    await process.stdin.drain()
    length = frame_length(await process.stdout.readexactly(4))
    code, answered, answer = unpack(await process.stdout.readexactly(length))
    if answered != room:
        raise ValueError(f"an answer about room {room.hex()} expected, got one about {answered.hex()}")
    return code, answer


_clients: "WeakKeyDictionary[asyncio.AbstractEventLoop, KeeperClient]" = WeakKeyDictionary()


def get() -> KeeperClient:
    """The keeper of the running loop, which is the process's but in tests."""
    return _clients.setdefault(asyncio.get_running_loop(), KeeperClient())


def use(client: KeeperClient) -> None:
    """Have the running loop use this keeper. For tests."""
    _clients[asyncio.get_running_loop()] = client
