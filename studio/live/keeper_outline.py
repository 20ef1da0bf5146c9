"""Where everything in a document is, without the document: which text, map or root holds each clock of a client.

The CRDT library takes an update's structure on trust too: text that claims to be next to a map's value, or in
something that is no container, overflows its stack (SPEC.md, D-5). So an update is placed here first. What cannot be
placed because something that it refers to has not come waits outside of the library; what is placed in the wrong
spot is refused.
"""

from bisect import bisect_left, bisect_right
from collections import deque
from enum import Enum
from heapq import heappop, heappush

from studio.live.prescan import (
    ANY,
    DELETED,
    GC,
    IN_ROOT,
    MAP,
    MAX_CLOCK,
    SKIP,
    STRING,
    TEXT,
    TYPE,
    Id,
    Section,
    Struct,
    Update,
    UpdateError,
)


class Spot(Enum):
    """What a container is in our schema."""

    SHOTS = "the shots"
    SHOT = "a shot"
    PROMPT = "a prompt"
    SETTINGS = "settings"
    GONE = "something deleted"


Slot = tuple[Id, bytes | None]
"""A container, and the key in it where it is a map."""
GONE: Slot = ((-2, -2), None)
_PARTS = {(b"prompt", TEXT): Spot.PROMPT, (b"settings", MAP): Spot.SETTINGS}


class Outline:
    """The places of one document. ``ends`` is its state vector.

    ``is_stale`` once a container, or a character of two halves, may have gone that is remembered here. Whoever reads
    the document anew does not know it, and lets pass what would be refused here.
    """

    def __init__(self) -> None:
        self.ends: dict[int, int] = {}
        self.is_stale = False
        self._starts: dict[int, list[int]] = {}
        self._slots: dict[int, list[Slot]] = {}
        self._spots: dict[Id, Spot] = {IN_ROOT: Spot.SHOTS, GONE[0]: Spot.GONE}
        self._halves = set[Id]()
        self._marks: dict[int, list[int]] = {}
        self._before: dict[int, tuple[int, int]] = {}
        self._new: list[Id] = []

    def take(self, update: Update) -> bool:
        """Place an update. False, and nothing placed, when it waits for others.

        Raises:
            UpdateError: something of it is where our documents do not have it; nothing is placed.
        """
        self._before, self._new = {}, []
        try:
            whole = self._place(update)
        except UpdateError:
            self._undo()
            raise
        if not whole:
            self._undo()
        return whole

    def holds(self, update: Update) -> bool:
        """Whether all that an update names has its place; nothing is placed. Raises UpdateError: half a character."""
        for section in update.sections:
            if section.clock + sum(struct.length for struct in section.structs) > self.ends.get(section.client, 0):
                return False
        for client, start, end in update.deletions:
            if end > self.ends.get(client, 0):
                return False
            self._check_uncut((client, start), (client, end))
        return True

    def _place(self, update: Update) -> bool:
        """Sections refer to each other: each goes on as far as it can, and again when what stopped it is there."""
        ready = deque((section, 0, section.clock) for section in update.sections)
        stopped: dict[int, list[tuple[int, int, Section, int, int]]] = {}
        while ready:
            section, at, clock = ready.popleft()
            at, clock, missing = self._advance(section, at, clock)
            if missing is not None:
                other, needed = missing
                heappush(stopped.setdefault(other, []), (needed, section.client, section, at, clock))
            heap = stopped.get(section.client, [])
            while heap and heap[0][0] < self.ends.get(section.client, 0):
                _needed, _client, *again = heappop(heap)
                ready.append(tuple(again))  # type: ignore[arg-type]
        if any(stopped.values()):
            return False
        for client, start, end in update.deletions:
            if end > self.ends.get(client, 0):
                return False
            self._check_uncut((client, start), (client, end))
            marks = self._marks.get(client, [])
            self.is_stale |= bisect_left(marks, start) < bisect_left(marks, end)
        return True

    def _advance(self, section: Section, at: int, clock: int) -> tuple[int, int, Id | None]:
        """Place a section's structs from ``at`` on; returns where it stopped, and what is missing there."""
        client, structs = section.client, section.structs
        while at < len(structs):
            struct = structs[at]
            end = self.ends.get(client, 0)
            if clock + struct.length > end:
                if clock > end or struct.kind == SKIP:
                    return at, clock, (client, MAX_CLOCK)
                for reference in (struct.origin, struct.right, struct.parent):
                    if reference is not None and not self._has(reference):
                        return at, clock, reference
                self._add(client, clock, end, struct)
            at, clock = at + 1, clock + struct.length
        return at, clock, None

    def _has(self, reference: Id) -> bool:
        return reference == IN_ROOT or reference[1] < self.ends.get(reference[0], 0)

    def _add(self, client: int, clock: int, end: int, struct: Struct) -> None:
        slot = GONE if struct.kind == GC else self._slot(struct)
        if clock < end and GONE not in (slot, known := self._at((client, end - 1))) and known != slot:
            raise UpdateError(f"a struct where client {client} already has it expected at clock {clock}")
        marks = [] if slot == GONE else [clock + half for half in struct.halves if clock + half >= end]
        halves = [(client, half) for half in marks]
        if struct.kind == TYPE:
            self._spots[client, clock] = self._container(struct, slot)
            marks.append(clock)
            self.is_stale = True  # it may take the place of another
        elif struct.kind != GC:
            self._check_content(struct, slot)
        self._halves.update(halves)
        self._new += [(client, mark) for mark in marks]
        self._check_cuts(struct, (client, end))
        starts, slots = self._starts.setdefault(client, []), self._slots.setdefault(client, [])
        self._before.setdefault(client, (len(starts), end))
        if not slots or slots[-1] != slot:
            starts.append(end)
            slots.append(slot)
        self.ends[client] = clock + struct.length
        if marks:
            self._marks.setdefault(client, []).extend(marks)

    def _check_cuts(self, struct: Struct, known: Id) -> None:
        """What is put between two letters, or goes on where the known ones end, must not cut one in two."""
        cuts = [known]
        if struct.origin is not None:
            cuts.append((struct.origin[0], struct.origin[1] + 1))
        if struct.right is not None:
            cuts.append(struct.right)
        self._check_uncut(*cuts)

    def _check_uncut(self, *cuts: Id) -> None:
        """The library, and each Yjs in its own way, makes something else of half a character."""
        if self._halves and not self._halves.isdisjoint(cuts):
            raise UpdateError("whole characters expected, got half of one")

    def _at(self, id_: Id) -> Slot:
        client, clock = id_
        return self._slots[client][bisect_right(self._starts[client], clock) - 1]

    def _slot(self, struct: Struct) -> Slot:
        """Where a struct is: where its neighbours are, or where it says."""
        if struct.parent is not None:
            spot = self._spots.get(struct.parent)
            if spot is None and self._at(struct.parent) != GONE:
                spot = self._deleted(struct.parent)
            return GONE if spot in (None, Spot.GONE) else (struct.parent, struct.key)
        slots = {self._at(id_) for id_ in (struct.origin, struct.right) if id_ is not None} - {GONE}
        if len(slots) > 1:
            raise UpdateError(f"neighbours in one place expected, got {struct.origin} and {struct.right}")
        return slots.pop() if slots else GONE

    def _deleted(self, parent: Id) -> Spot:
        """A parent that is no container has to be what is left of one: a deleted key of a map of containers."""
        container, key = self._at(parent)
        if key is None or self._spots[container] not in (Spot.SHOTS, Spot.SHOT):
            raise UpdateError(f"a map or a text as parent expected, got {parent}")
        return Spot.GONE

    def _container(self, struct: Struct, slot: Slot) -> Spot:
        """What a new map or text is, by where it is."""
        container, key = slot
        spot = self._spots[container]
        if spot is Spot.GONE:
            return Spot.GONE
        if spot is Spot.SHOTS and key is not None and struct.type_ == MAP:
            return Spot.SHOT
        if spot is Spot.SHOT and key is not None and (key, struct.type_) in _PARTS:
            return _PARTS[key, struct.type_]
        raise UpdateError(f"no map or text of type {struct.type_} expected in {spot.value} at {key!r}")

    def _check_content(self, struct: Struct, slot: Slot) -> None:
        container, key = slot
        spot = self._spots[container]
        in_map = spot in (Spot.SHOTS, Spot.SHOT, Spot.SETTINGS)
        fits = {STRING: spot is Spot.PROMPT, ANY: spot is Spot.SETTINGS, DELETED: True}[struct.kind]
        if spot is not Spot.GONE and not (fits and in_map == (key is not None)):
            raise UpdateError(f"no content of kind {struct.kind} expected in {spot.value} at {key!r}")

    def _undo(self) -> None:
        for client, (length, end) in self._before.items():
            del self._starts[client][length:], self._slots[client][length:]
            marks = self._marks.get(client, [])
            del marks[bisect_left(marks, end) :]
            self.ends[client] = end
            if end == 0:
                del self.ends[client]
        for id_ in self._new:
            self._spots.pop(id_, None)
            self._halves.discard(id_)
