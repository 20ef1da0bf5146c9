"""The keeper: a child process that alone lets the CRDT library touch what clients sent.

``python -m studio.live.keeper`` reads requests from standard input and answers on standard output until input
ends. Only the standard library and pycrdt are imported here, so that it is back 0.1 s after a death. A request
that asks for more memory than MAX_MEMORY_BYTES or more time than its alarm ends the process: its parent starts
another, and puts what killed it in quarantine.
"""

import resource
import signal
import sys
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import BinaryIO

from studio.live.keeper_document import KeptDocument, contained
from studio.live.keeper_wire import Operation, Verdict, frame_length, pack, unpack
from studio.live.prescan import UpdateError

MAX_MEMORY_BYTES = 1024**3
MAX_ROOMS = 256
MAX_KEPT_BYTES = 128 * 1024 * 1024
# Twice what the parent waits at most: this one is for a keeper whose parent is gone while it hangs.
ALARM_S = 10.0

Answer = Sequence[bytes]


class Keeper:
    """The rooms in memory; the one unused for longest goes first when there are too many."""

    def __init__(self) -> None:
        self._rooms: OrderedDict[bytes, KeptDocument] = OrderedDict()
        self._operations: dict[int, Callable[[KeptDocument, list[bytes]], Answer]] = {
            Operation.CHECK: _check,
            Operation.PROBE: _probe,
            Operation.DIFF: _diff,
        }

    def answer(self, code: int, room: bytes, parts: list[bytes]) -> tuple[Verdict, Answer]:
        """Do what one request asks. A refusal's part is its reason."""
        try:
            return self._answer(code, room, parts)
        except UpdateError as refusal:
            return Verdict.REFUSED, [str(refusal).encode()]

    def _answer(self, code: int, room: bytes, parts: list[bytes]) -> tuple[Verdict, Answer]:
        if code == Operation.LOAD:
            self._rooms.pop(room, None)
            self._rooms[room], left_out = KeptDocument.replay(parts[0], parts[1:])
            self._evict()
            return Verdict.DONE, left_out
        if code == Operation.FORGET:
            self._rooms.pop(room, None)
            return Verdict.DONE, []
        if code == Operation.COMPACT:
            return Verdict.DONE, _compact(parts)
        if room not in self._rooms:
            return Verdict.UNKNOWN, []
        self._rooms.move_to_end(room)
        return Verdict.DONE, self._operations[code](self._rooms[room], parts)

    def _evict(self) -> None:
        while len(self._rooms) > 1 and (
            len(self._rooms) > MAX_ROOMS or sum(len(kept.state) for kept in self._rooms.values()) > MAX_KEPT_BYTES
        ):
            self._rooms.popitem(last=False)


def _check(kept: KeptDocument, parts: list[bytes]) -> Answer:
    """Effects, one byte an update; what they come to together; each update that waited and had to go."""
    taken = kept.check(parts)
    return [bytes(taken.effects), taken.merged, *taken.evicted]


def _probe(kept: KeptDocument, parts: list[bytes]) -> Answer:
    """One byte: whether the update would change anything."""
    return [bytes([kept.probe(parts[0])])]


def _diff(kept: KeptDocument, parts: list[bytes]) -> Answer:
    """The document's state vector, and what the client lacks."""
    return [kept.encoded_vector(), kept.diff(parts[0])]


def _compact(parts: list[bytes]) -> Answer:
    """The state that a snapshot and a log make, then one byte a part: whether the state contains it."""
    kept, _left_out = KeptDocument.replay(parts[0], parts[1:])
    return [kept.state, bytes(contained(kept.state, parts))]


def _read(stream: BinaryIO) -> bytes | None:
    prefix = stream.read(4)
    if len(prefix) < 4:
        return None
    return stream.read(frame_length(prefix))


def main() -> None:
    """Answer requests until there are no more."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    # A terminal's Ctrl-C reaches this process too; its parent decides when it ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    keeper, requests, answers = Keeper(), sys.stdin.buffer, sys.stdout.buffer
    while (frame := _read(requests)) is not None:
        code, room, parts = unpack(frame)
        signal.setitimer(signal.ITIMER_REAL, ALARM_S)
        verdict, answer = keeper.answer(code, room, parts)
        signal.setitimer(signal.ITIMER_REAL, 0)
        answers.write(pack(verdict, room, answer))
        answers.flush()


if __name__ == "__main__":
    main()
