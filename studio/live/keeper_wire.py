"""What the web process and its keeper say to each other: frames of length-prefixed parts. Standard library only.

A request is an operation, a room and parts; an answer is a verdict and parts. One request at a time: whatever was
asked when the keeper died is what killed it.
"""

import struct
from collections.abc import Sequence
from enum import IntEnum

ROOM_BYTES = 16
MAX_FRAME_BYTES = 64 * 1024 * 1024
"""A log that was never compacted is the biggest there is: 500 rows of 64 KiB, and as much again to spare."""

_LENGTH = struct.Struct(">I")


class Operation(IntEnum):
    """What can be asked of the keeper; SPEC.md has the parts of each."""

    LOAD = 1
    CHECK = 2
    PROBE = 3
    DIFF = 4
    COMPACT = 5
    FORGET = 6


class Verdict(IntEnum):
    """How it answers. UNKNOWN: the room is not loaded here, load it and ask again."""

    DONE = 1
    REFUSED = 2
    UNKNOWN = 3


class Effect(IntEnum):
    """What an accepted update did. WAITING: it needs updates that have not come yet; keep its bytes. CLOSED: it changed
    something, and in its batch came what others had waited for."""

    NOTHING = 0
    CHANGED = 1
    WAITING = 2
    CLOSED = 3


def pack(code: int, room: bytes, parts: Sequence[bytes]) -> bytes:
    """A request's or an answer's frame, its own length in front."""
    body = [bytes([code]), room]
    for part in parts:
        body += (_LENGTH.pack(len(part)), part)
    return _LENGTH.pack(sum(map(len, body))) + b"".join(body)


def unpack(frame: bytes) -> tuple[int, bytes, list[bytes]]:
    """The code, the room and the parts of a frame without its length."""
    parts, at = [], 1 + ROOM_BYTES
    while at < len(frame):
        start = at + _LENGTH.size
        at = start + frame_length(frame[at:start])
        parts.append(frame[start:at])
    return frame[0], frame[1 : 1 + ROOM_BYTES], parts


def frame_length(prefix: bytes) -> int:
    """How many bytes follow a length prefix."""
    length: int = _LENGTH.unpack(prefix)[0]
    return length
