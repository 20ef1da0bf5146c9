"""What a room's task has yet to do: edits, and all else, of which each connection has one of a kind."""

from collections import Counter
from collections.abc import Callable

from studio.live.document_work import Edit, Other, Peer, Probe, Question, Work

MAX_QUEUED = 4000
MAX_QUEUED_BYTES = 16 * 1024 * 1024


class Queue:
    """In the order in which it came. Whoever adds looks first whether there is place."""

    def __init__(self) -> None:
        self._edits: list[Edit] = []
        self._others: dict[tuple[type[Other], Peer | None], Other] = {}
        self._size_bytes = 0

    def __bool__(self) -> bool:
        return bool(self._edits or self._others)

    def add(self, work: Work) -> None:
        """Add an edit; anything else takes the place of what waits of its kind and connection."""
        self._size_bytes += _size_bytes(work)
        if isinstance(work, Edit):
            self._edits.append(work)
            return
        if replaced := self._replaced_by(work):
            self._size_bytes -= _size_bytes(replaced)
        self._others[type(work), work.peer] = work

    def has_like(self, work: Other) -> bool:
        """Whether something of this kind and connection waits."""
        return self._replaced_by(work) is not None

    def has_place(self, work: Work) -> bool:
        """Whether this is not too much: what takes the place of something needs none but for what it is longer."""
        replaced = self._replaced_by(work)
        if replaced is None:
            return not self._is_long() and self._size_bytes + _size_bytes(work) <= MAX_QUEUED_BYTES
        return self._size_bytes - _size_bytes(replaced) + _size_bytes(work) <= MAX_QUEUED_BYTES

    def heaviest(self) -> Peer | None:
        """Whose the most of it is, in number or, while that is within bounds, in bytes; None: other processes'."""
        by_number, shares = self._is_long(), Counter[Peer | None]()
        for work in (*self._edits, *self._others.values()):
            shares[work.peer] += 1 if by_number else _size_bytes(work)
        return shares.most_common(1)[0][0]

    def keep(self, is_kept: Callable[[Work], bool]) -> None:
        """Drop all but some of it."""
        edits, others = self.take()
        for work in filter(is_kept, (*edits, *others)):
            self.add(work)

    def take(self) -> tuple[list[Edit], list[Other]]:
        """All of it."""
        others, self._others = list(self._others.values()), {}
        edits = self.take_edits()
        self._size_bytes = 0
        return edits, others

    def take_edits(self) -> list[Edit]:
        """The edits; the rest waits on."""
        edits, self._edits = self._edits, []
        self._size_bytes -= sum(map(_size_bytes, edits))
        return edits

    def _replaced_by(self, work: Work) -> Other | None:
        return None if isinstance(work, Edit) else self._others.get((type(work), work.peer))

    def _is_long(self) -> bool:
        return len(self._edits) + len(self._others) >= MAX_QUEUED


def _size_bytes(work: Work) -> int:
    if isinstance(work, Edit | Probe):
        return len(work.update)
    return len(work.vector) if isinstance(work, Question) else 0
