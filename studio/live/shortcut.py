"""A way past a server's queues for what a room is full of, previews and their acknowledgements.

Through the queues a preview costs two tasks, a lock, a frame of its own and two system calls more for each viewer;
an acknowledgement, a queue and a task. A server that can do without them says so in the scope's extensions.
"""

import functools
from collections.abc import Callable
from typing import Any, Protocol

EXTENSION = "rushes.shortcut"


class Shortcut(Protocol):
    """One websocket, as its server shares it."""

    hear: Callable[[bytes], bool] | None
    """Set by the application: shown each text first; True when it is dealt with, and is not to be queued."""

    def send_now(self, packet: bytes) -> bool:
        """Send a binary message at once; False, and nothing sent, when the peer is behind. Never raises."""


def of(scope: dict[str, Any]) -> Shortcut | None:
    """The shortcut of a websocket, if its server has one."""
    found: Shortcut | None = scope.get("extensions", {}).get(EXTENSION)
    return found


def never(packet: bytes) -> bool:
    """What stands for ``send_now`` where there is no shortcut."""
    return False


def short_text(data: bytes) -> bytes | None:
    """The text, where this is one whole masked frame of less than 126 bytes (RFC 6455 §5.2) and nothing else."""
    size = len(data) - 6
    if not 0 < size < 126 or data[0] != 0x81 or data[1] != 0x80 | size:
        return None
    mask = (data[2:6] * 32)[:size]
    return (int.from_bytes(data[6:]) ^ int.from_bytes(mask)).to_bytes(size)


@functools.lru_cache(maxsize=8)
def binary_frame(payload: bytes) -> bytes:
    """A whole binary message as a server sends it (RFC 6455 §5.2): the same bytes for every viewer of a packet."""
    size = len(payload)
    if size < 126:
        return bytes((0x82, size)) + payload
    if size < 1 << 16:
        return b"\x82\x7e" + size.to_bytes(2, "big") + payload
    return b"\x82\x7f" + size.to_bytes(8, "big") + payload
