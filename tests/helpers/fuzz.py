"""Updates that nobody honest would send."""

import random

from tests.helpers.yjs import SHOT, Writers, sized, varuint

_KEYS = [b"prompt", b"settings", b"style", b"x", SHOT.encode()]
_WORDS = ["a", "🎬", "é🎬x", "hello"]
_VALUES = [b"\x7e", b"\x7d\x05", b"\x77\x02hi", b"\x78", b"\x7b" + b"\x40" * 8]
_GC, _DELETED, _TEXT, _TYPE, _VALUE, _SKIP = 0, 1, 4, 7, 8, 10


def mutated(chance: random.Random, vector: dict[int, int], writers: Writers) -> bytes:
    """The next honest update, with some bytes changed, put in, left out or repeated."""
    data = bytearray(writers.write(1)[0])
    for _ in range(chance.choice([1, 1, 1, 2, 3, 6])):
        at = chance.randrange(len(data) + 1)
        act = chance.randrange(4)
        if act == 0:
            data[at : at + 1] = bytes([chance.randrange(256)])
        elif act == 1:
            data[at:at] = bytes([chance.choice([0, 1, 2, 4, 7, 8, 40, 0x84, 0x44, 0xC4, 0x88, 0x81, 127, 128, 255])])
        elif act == 2 and len(data) > 4:
            del data[at : at + chance.randrange(1, 3)]
        else:
            data[at:at] = data[at // 2 : at // 2 + chance.randrange(1, 12)]
    return bytes(data)


def crafted(chance: random.Random, vector: dict[int, int], writers: Writers) -> bytes:
    """A well-formed update that puts anything next to or into anything."""
    own = chance.choice([5, 6, 7, *vector])
    clock = max(0, vector.get(own, 0) + chance.choice([0] * 20 + [-2, -1, 1, 3]))
    count = chance.choice([1, 1, 1, 2, 3, 5])
    structs = b"".join(_struct(chance, vector, own) for _ in range(count))
    deleted = chance.sample(list(vector), min(len(vector), chance.choice([0, 0, 1, 2])))
    ranges = [
        varuint(client) + b"\x01" + varuint(chance.randrange(vector[client])) + varuint(chance.choice([1, 1, 2, 7]))
        for client in deleted
    ]
    return b"\x01" + varuint(count) + varuint(own) + varuint(clock) + structs + varuint(len(ranges)) + b"".join(ranges)


def _struct(chance: random.Random, vector: dict[int, int], own: int) -> bytes:
    kind = chance.choice([_TEXT, _TEXT, _TEXT, _VALUE, _VALUE, _TYPE, _DELETED, _GC, _SKIP])
    if kind in (_GC, _SKIP):
        return bytes([kind]) + varuint(chance.choice([1, 2, 5, 1000]))
    sides = chance.choice([0x80, 0x40, 0xC0, 0, 0])
    key = 0x20 if not sides and chance.random() < 0.5 else 0
    out = bytes([kind | sides | key])
    if sides:
        return out + b"".join(_id(chance, vector, own) for _ in range(sides.bit_count())) + _content(chance, kind)
    out += b"\x01" + sized(b"shots") if chance.random() < 0.3 else b"\x00" + _id(chance, vector, own)
    return out + (sized(chance.choice(_KEYS)) if key else b"") + _content(chance, kind)


def _id(chance: random.Random, vector: dict[int, int], own: int) -> bytes:
    client = chance.choice([*vector, own])
    return varuint(client) + varuint(chance.randrange(max(1, vector.get(client, 0))))


def _content(chance: random.Random, kind: int) -> bytes:
    if kind == _TEXT:
        return sized(chance.choice(_WORDS).encode())
    if kind == _TYPE:
        return bytes([chance.choice([1, 2])])
    if kind == _DELETED:
        return varuint(chance.choice([1, 2, 9]))
    values = chance.choices(_VALUES, k=chance.choice([1, 1, 2]))
    return varuint(len(values)) + b"".join(values)
