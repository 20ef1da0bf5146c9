"""How much one socket may send, and how many sockets there may be."""

import time
from collections.abc import Callable
from functools import lru_cache

MESSAGES_PER_S = 60
BYTES_PER_S = 256 * 1024
# A held-down key sends an edit and a cursor 33 times a second, which is above the rate: a burst bears 50 s of it.
MESSAGE_BURST = 300
BYTE_BURST = 4 * BYTES_PER_S
HELLOS_PER_S, HELLO_BURST = 1, 10
"""Each has the room read again."""
SOCKETS_PER_PERSON = 20
"""Ten pages of one person in one web process: each has a room socket and a document socket."""
SOCKETS_PER_ROOM, KEPT_PLACES = 250, 50
"""Of each of the two kinds, in one web process; and those beyond, for who may edit: guests who only look, however many,
cannot keep them out."""


def count_bytes(message: str | bytes) -> int:
    """How long a message is on the wire. Text that is ASCII, as most is, knows that it is and is not encoded."""
    return len(message) if isinstance(message, bytes) or message.isascii() else _encoded_bytes(message)


# One text goes to all viewers in a row: encoding 4,000 characters of Japanese for each of 250 would cost 2 ms.
@lru_cache(maxsize=1)
def _encoded_bytes(text: str) -> int:
    # Half a character cannot be sent, but that is for who sends it to find out.
    return len(text.encode(errors="surrogatepass"))


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
