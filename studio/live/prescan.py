"""Reads a Yjs v1 update before the CRDT library does, and refuses what our documents can never hold.

The library takes lengths and nesting on trust: a few bytes can make it panic, hang or overflow its stack
(SPEC.md, D-1 to D-6). Here every length is checked against the bytes that are there, and only the content of our
schema passes: texts, maps, and single values in maps. Standard library only: the keeper imports it.

Format: https://github.com/yjs/yjs/blob/v13.6.33/src/utils/encoding.js
"""

import math
import struct
from collections.abc import Callable
from typing import NamedTuple, TypeVar

MAX_UPDATE_BYTES = 64 * 1024
MAX_SYNC_BYTES = 256 * 1024
"""What a client that was offline sends at once; the websocket's own limit is the same."""
MAX_CLIENT = 2**53
MAX_CLOCK = 2**31 - 1
MAX_KEY_BYTES = 80
MAX_VALUE_BYTES = 1024
MAX_VALUES = 1000
"""Values in one run: what one key was set to in turn and an undo history still holds."""
ROOT = b"shots"
EMPTY = b"\x00\x00"
"""The update that says nothing."""

GC, DELETED, STRING, TYPE, ANY, SKIP = 0, 1, 4, 7, 8, 10
_HAS_ORIGIN, _HAS_RIGHT_ORIGIN, _HAS_KEY = 0x80, 0x40, 0x20
MAP, TEXT = 1, 2
_WIDTHS = {127: 0, 126: 0, 121: 0, 120: 0, 124: 4, 123: 8}
"""Bytes after the tag of a value: undefined, null, false, true, float32, float64."""
_WHOLE, _WORDS = 125, 119

Id = tuple[int, int]
"""A client, and a clock of it."""
IN_ROOT: Id = (-1, -1)
"""Stands for the root as a parent."""
T = TypeVar("T")


class UpdateError(Exception):
    """The bytes are no update of our documents; the message says what was expected and got."""


class Struct(NamedTuple):
    """One struct of an update: what it is next to or, where it is next to nothing, what it is in."""

    kind: int
    length: int
    origin: Id | None = None
    right: Id | None = None
    parent: Id | None = None
    key: bytes | None = None
    type_: int = 0
    halves: tuple[int, ...] = ()
    """Clocks from its start at which a character of two UTF-16 units would be cut in two."""


class Section(NamedTuple):
    """What an update has of one client, from a clock on, without gaps."""

    client: int
    clock: int
    structs: list[Struct]


class Update(NamedTuple):
    """An update: what it adds, and the ranges that it deletes, as client, first clock and the clock after."""

    sections: list[Section]
    deletions: list[tuple[int, int, int]]


def scan(update: bytes) -> Update:
    """Read an update.

    Raises:
        UpdateError: it is cut short, goes on after its end, or holds what our documents do not.
    """
    return read(update, _update)


def scan_vector(vector: bytes) -> dict[int, int]:
    """Read a state vector: the clock of each client. Raises UpdateError."""
    return read(vector, _vector)


class Cursor:
    """A place in the bytes. Reading past their end raises IndexError."""

    __slots__ = ("at", "data")

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def byte(self) -> int:
        """One byte."""
        value = self.data[self.at]
        self.at += 1
        return value

    def number(self, limit: int) -> int:
        """A variable-length integer from 0 to ``limit``."""
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
            shift += 7
            if shift > 63:
                raise UpdateError(f"an integer of at most 9 bytes expected before byte {self.at}")
        if value > limit:
            raise UpdateError(f"at most {limit} expected before byte {self.at}, got {value}")
        return value

    def count(self) -> int:
        """How many things follow: at least one, and each takes a byte or more."""
        value = self.number(len(self.data) - self.at)
        if value == 0:
            raise UpdateError(f"at least 1 expected before byte {self.at}, got 0")
        return value

    def skip(self, size: int) -> None:
        """Pass over bytes that are there."""
        self.at += size
        if self.at > len(self.data):
            raise IndexError

    def words(self, limit: int) -> bytes:
        """A string, as its UTF-8 bytes."""
        size = self.number(limit)
        start = self.at
        self.skip(size)
        return self.data[start : self.at]


def read(data: bytes, reader: Callable[[Cursor], T]) -> T:
    """All of ``data``, as ``reader`` understands it. Raises UpdateError when it ends early or goes on."""
    cursor = Cursor(data)
    try:
        result = reader(cursor)
    except IndexError:
        raise UpdateError(f"more bytes expected after byte {len(data)}") from None
    except UnicodeDecodeError as error:
        raise UpdateError(f"UTF-8 expected before byte {cursor.at}: {error.reason}") from None
    if cursor.at != len(data):
        raise UpdateError(f"an end expected at byte {cursor.at}, got {len(data) - cursor.at} bytes more")
    return result


def _update(cursor: Cursor) -> Update:
    sections: dict[int, Section] = {}
    for _ in range(cursor.number(len(cursor.data))):
        count, client, clock = cursor.count(), cursor.number(MAX_CLIENT), cursor.number(MAX_CLOCK)
        if client in sections:
            raise UpdateError(f"one run of client {client} expected, got a second")
        sections[client] = Section(client, clock, _structs(cursor, count, client, clock))
    return Update(list(sections.values()), _deletions(cursor))


def _structs(cursor: Cursor, count: int, client: int, clock: int) -> list[Struct]:
    structs = []
    for _ in range(count):
        struct_ = _struct(cursor, client, clock)
        structs.append(struct_)
        clock += struct_.length
    if clock > MAX_CLOCK:
        raise UpdateError(f"clocks of at most {MAX_CLOCK} expected, got {clock}")
    return structs


def _deletions(cursor: Cursor) -> list[tuple[int, int, int]]:
    ranges, clients = [], set[int]()
    for _ in range(cursor.number(len(cursor.data))):
        client = cursor.number(MAX_CLIENT)
        if client in clients:
            raise UpdateError(f"deletions of client {client} expected once, got them twice")
        clients.add(client)
        for _ in range(cursor.count()):
            start = cursor.number(MAX_CLOCK)
            ranges.append((client, start, start + _run(cursor)))
    return ranges


def _vector(cursor: Cursor) -> dict[int, int]:
    pairs = cursor.number(len(cursor.data))
    return {cursor.number(MAX_CLIENT): cursor.number(MAX_CLOCK) for _ in range(pairs)}


def _run(cursor: Cursor) -> int:
    length = cursor.number(MAX_CLOCK)
    if length == 0:
        raise UpdateError(f"a run of at least 1 expected before byte {cursor.at}, got 0")
    return length


def _struct(cursor: Cursor, client: int, clock: int) -> Struct:
    info = cursor.byte()
    if info in (GC, SKIP):
        return Struct(info, _run(cursor))
    kind = info & 0x1F
    if not info & (_HAS_ORIGIN | _HAS_RIGHT_ORIGIN):
        parent = _parent(cursor, client, clock)
        key = _key(cursor) if info & _HAS_KEY else None
        return _content(cursor, Struct(kind, 0, parent=parent, key=key))
    origin = _reference(cursor, client, clock) if info & _HAS_ORIGIN else None
    right = _reference(cursor, client, clock) if info & _HAS_RIGHT_ORIGIN else None
    return _content(cursor, Struct(kind, 0, origin, right))


def _parent(cursor: Cursor, client: int, clock: int) -> Id:
    if cursor.number(1) == 0:
        return _reference(cursor, client, clock)
    if (name := cursor.words(MAX_KEY_BYTES)) != ROOT:
        raise UpdateError(f"the root {ROOT!r} expected, got {name!r}")
    return IN_ROOT


def _key(cursor: Cursor) -> bytes:
    key = cursor.words(MAX_KEY_BYTES)
    key.decode()
    return key


def _reference(cursor: Cursor, client: int, clock: int) -> Id:
    other, at = cursor.number(MAX_CLIENT), cursor.number(MAX_CLOCK)
    if other == client and at >= clock:
        raise UpdateError(f"a reference to before clock {clock} expected, got one to {at}")
    return other, at


def _content(cursor: Cursor, bare: Struct) -> Struct:
    """The struct with the length and the type of its content, which is read here."""
    if bare.kind == STRING:
        length, halves = _text(cursor)
        return bare._replace(length=length, halves=halves)
    if bare.kind == DELETED:
        return bare._replace(length=_run(cursor))
    if bare.kind == TYPE:
        return bare._replace(length=1, type_=_type(cursor))
    if bare.kind == ANY:
        return bare._replace(length=_values(cursor))
    raise UpdateError(f"text, a type, a value or a deletion expected before byte {cursor.at}, got kind {bare.kind}")


def _type(cursor: Cursor) -> int:
    if (type_ := cursor.number(0xFF)) not in (MAP, TEXT):
        raise UpdateError(f"a map or a text expected, got type {type_}")
    return type_


def _text(cursor: Cursor) -> tuple[int, tuple[int, ...]]:
    """Length of a string in UTF-16 units, which is what Yjs counts, and where these come in pairs."""
    words = cursor.words(len(cursor.data)).decode()
    if not words:
        raise UpdateError(f"a text expected before byte {cursor.at}, got none")
    if words.isascii() or max(words) <= "\uffff":
        return len(words), ()
    length, halves = 0, []
    for letter in words:
        length += 1
        if letter > "\uffff":
            halves.append(length)
            length += 1
    return length, tuple(halves)


def _values(cursor: Cursor) -> int:
    count = cursor.count()
    if count > MAX_VALUES:
        raise UpdateError(f"at most {MAX_VALUES} values of a key expected, got {count}")
    for _ in range(count):
        _value(cursor)
    return count


def _value(cursor: Cursor) -> None:
    """A single value; lists, objects, big integers and bytes are not for our maps."""
    tag = cursor.byte()
    if tag == _WORDS:
        cursor.words(MAX_VALUE_BYTES).decode()
    elif tag == _WHOLE:
        cursor.number(2**54)
    elif tag in _WIDTHS:
        start = cursor.at
        cursor.skip(_WIDTHS[tag])
        if tag in (123, 124):
            _check_finite(cursor.data[start : cursor.at])
    else:
        raise UpdateError(f"a single value expected before byte {cursor.at}, got one of type {tag}")


def _check_finite(number: bytes) -> None:
    if not math.isfinite(struct.unpack(">d" if len(number) == 8 else ">f", number)[0]):
        raise UpdateError("a finite number expected")
