"""The frames of the document socket: y-protocols as y-websocket speaks them, and our own acknowledgement.

Format: https://github.com/yjs/y-protocols/blob/v1.0.7/PROTOCOL.md
"""

import json
from dataclasses import dataclass
from enum import Enum
from typing import Any

from studio.live.prescan import MAX_CLIENT, MAX_SYNC_BYTES, MAX_UPDATE_BYTES, Cursor, UpdateError, read

MAX_VECTOR_BYTES = 64 * 1024
MAX_AWARENESS_CLOCK = 2**53
_SYNC, _AWARENESS, _QUERY_AWARENESS, _SAVED = 0, 1, 3, 100
_STEP_1, _STEP_2, _UPDATE = 0, 1, 2


class Kind(Enum):
    """What a client's frame is."""

    VECTOR = "sync step 1"
    SYNC = "sync step 2"
    UPDATE = "update"
    AWARENESS = "awareness"
    QUERY = "awareness query"


_LIMITS = {_STEP_1: MAX_VECTOR_BYTES, _STEP_2: MAX_SYNC_BYTES, _UPDATE: MAX_UPDATE_BYTES}
_KINDS = {_STEP_1: Kind.VECTOR, _STEP_2: Kind.SYNC, _UPDATE: Kind.UPDATE}


@dataclass(frozen=True, slots=True)
class State:
    """One client's awareness state as JSON text; ``null`` says that it is gone."""

    client: int
    clock: int
    text: str


def decode(frame: bytes) -> tuple[Kind, bytes]:
    """What a client's frame is, and its payload. Raises UpdateError."""
    return read(frame, _frame)


def decode_awareness(payload: bytes) -> list[State]:
    """The states of an awareness payload. Raises UpdateError."""
    return read(payload, _states)


def step_1(vector: bytes) -> bytes:
    """Asks a client for what this state vector lacks."""
    return bytes([_SYNC, _STEP_1]) + _sized(vector)


def step_2(update: bytes) -> bytes:
    """Answers a client's state vector."""
    return bytes([_SYNC, _STEP_2]) + _sized(update)


def update_frame(update: bytes) -> bytes:
    """Passes an update on."""
    return bytes([_SYNC, _UPDATE]) + _sized(update)


def awareness_frame(states: list[State]) -> bytes:
    """Passes awareness states on."""
    return bytes([_AWARENESS]) + _sized(awareness_payload(states))


def awareness_payload(states: list[State]) -> bytes:
    """Awareness states without the frame around them."""
    parts = [varuint(len(states))]
    for state in states:
        parts += (varuint(state.client), varuint(state.clock), _sized(state.text.encode()))
    return b"".join(parts)


def saved_frame(count: int) -> bytes:
    """Says that the first ``count`` sync and update frames of this connection are durable."""
    return bytes([_SAVED]) + varuint(count)


def json_text(value: Any) -> str:
    """JSON as awareness carries it. Raises ValueError for numbers that JSON does not have, and half characters."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    text.encode()
    return text


def varuint(value: int) -> bytes:
    """A variable-length integer, as lib0 writes it."""
    out = bytearray()
    while value > 0x7F:
        out.append(0x80 | (value & 0x7F))
        value >>= 7
    out.append(value)
    return bytes(out)


def _sized(data: bytes) -> bytes:
    return varuint(len(data)) + data


def _frame(cursor: Cursor) -> tuple[Kind, bytes]:
    type_ = cursor.number(MAX_CLIENT)
    if type_ == _AWARENESS:
        return Kind.AWARENESS, cursor.words(MAX_SYNC_BYTES)
    if type_ == _QUERY_AWARENESS:
        return Kind.QUERY, b""
    if type_ != _SYNC:
        raise UpdateError(f"a frame of type {_SYNC}, {_AWARENESS} or {_QUERY_AWARENESS} expected, got {type_}")
    step = cursor.number(MAX_CLIENT)
    if step not in _LIMITS:
        raise UpdateError(f"a sync step of {_STEP_1}, {_STEP_2} or {_UPDATE} expected, got {step}")
    return _KINDS[step], cursor.words(_LIMITS[step])


def _states(cursor: Cursor) -> list[State]:
    states = []
    for _ in range(cursor.number(len(cursor.data))):
        client, clock = cursor.number(MAX_CLIENT), cursor.number(MAX_AWARENESS_CLOCK)
        states.append(State(client, clock, cursor.words(MAX_SYNC_BYTES).decode()))
    return states
