"""How much one socket may send, and how many sockets there may be."""

import time
from collections.abc import Callable

MESSAGES_PER_S = 60
BYTES_PER_S = 256 * 1024
# A held-down key sends an edit and a cursor 33 times a second, which is above the rate: a burst bears 50 s of it.
MESSAGE_BURST = 300
BYTE_BURST = 4 * BYTES_PER_S
SOCKETS_PER_PERSON = 20
"""Ten pages of one person in one web process: each has a room socket and a document socket."""
SOCKETS_PER_ROOM = 250
"""Of each of the two kinds, in one web process."""


class Bucket:
    """A token bucket: ``rate`` a second on average, ``burst`` at once."""

    def __init__(self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._level, self._at = burst, clock()

    def take(self, amount: float = 1.0) -> bool:
        """Take ``amount`` tokens; False, and nothing taken, when there are not so many."""
        now = self._clock()
        self._level = min(self._burst, self._level + (now - self._at) * self._rate)
        self._at = now
        if amount > self._level:
            return False
        self._level -= amount
        return True
