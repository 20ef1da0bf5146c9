"""Who is where in a room's document: awareness states, each stamped with who its connection really is.

A client says its own state and no other. An unmodified y-websocket provider also says back what it heard of the
others; that is left out here. Clocks are the server's own, in milliseconds since 1970: a client that comes back
with an old clock, or after a restart of the server, is seen at once.
"""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from studio.live.document_wire import State, awareness_frame, decode_awareness, json_text

MAX_STATE_BYTES = 1024
MIN_GAP_S = 0.1
"""Ten states a second of one connection; of what comes faster, the newest is kept."""
STALE_S = 45.0
"""A client says its state every 15 s; one that lives in another process and is silent for this long is gone."""
MAX_CLIENTS = 1000
GONE = "null"

Person = dict[str, Any]


@dataclass(slots=True)
class Seen:
    """What a room knows of one client. ``owner`` is its connection in this process, if it has one here."""

    clock: int
    text: str
    owner: "Speaker | None"
    user_id: int
    at: float


class Presence:
    """The awareness states of one room. ``tell`` passes on what a client of this process said."""

    def __init__(self, tell: Callable[["Speaker", State], None], clock: Callable[[], float] = time.time) -> None:
        self._tell, self._clock = tell, clock
        self._seen: dict[int, Seen] = {}

    def states(self, *, local_only: bool = False) -> list[State]:
        """Who is here now; with ``local_only``, by a connection to this process."""
        now = self._clock()
        return [
            State(client, seen.clock, seen.text)
            for client, seen in self._seen.items()
            if seen.text != GONE and (seen.owner or (not local_only and now - seen.at < STALE_S))
        ]

    def frame(self) -> bytes | None:
        """All states, for somebody who has just come; None when there are none."""
        states = self.states()
        return awareness_frame(states) if states else None

    def owned_by_other(self, client: int, speaker: "Speaker") -> bool:
        """Whether somebody else is known by this client id. One's own, of a connection before, can be taken over."""
        seen = self._seen.get(client)
        return seen is not None and seen.text != GONE and seen.user_id != speaker.user_id

    def say(self, speaker: "Speaker", client: int, text: str) -> None:
        """A client of this process has a state."""
        before = self._seen.get(client)
        if before is None and not self._make_place():
            return
        now = self._clock()
        clock = max(int(now * 1000), before.clock + 1 if before else 0)
        # Told first: what cannot be told must not be kept for everybody who comes.
        self._tell(speaker, State(client, clock, text))
        self._seen[client] = Seen(clock, text, speaker if text != GONE else None, speaker.user_id, now)

    def leave(self, speaker: "Speaker", client: int) -> None:
        """A connection has gone; its client too, unless it is back on another connection."""
        seen = self._seen.get(client)
        if seen is not None and seen.owner is speaker:
            self.say(speaker, client, GONE)

    def hear(self, states: list[State]) -> list[State]:
        """Take in what another process said; returns what is news here."""
        news = []
        for state in states:
            seen = self._seen.get(state.client)
            is_repeat = seen is not None and (seen.owner is not None or state.clock <= seen.clock)
            if seen is not None and is_repeat and state.clock == seen.clock:
                seen.at = self._clock()
            if is_repeat or (seen is None and not self._make_place()):
                continue
            self._seen[state.client] = Seen(state.clock, state.text, None, _user_id(state.text), self._clock())
            news.append(state)
        return news

    def _make_place(self) -> bool:
        """Forget clients that are gone when there are too many; False when that many are here."""
        if len(self._seen) < MAX_CLIENTS:
            return True
        now = self._clock()
        for client, seen in list(self._seen.items()):
            if seen.owner is None and (seen.text == GONE or now - seen.at > STALE_S):
                del self._seen[client]
        return len(self._seen) < MAX_CLIENTS


class Speaker:
    """One connection's voice: one client id, its person stamped on, ten states a second."""

    def __init__(self, presence: Presence, person: Person) -> None:
        self.client: int | None = None
        self.user_id: int = person["id"]
        self._presence, self._person = presence, person
        self._newest: str | None = None
        self._said_at = float("-inf")
        self._timer: asyncio.TimerHandle | None = None

    def hear(self, payload: bytes) -> None:
        """The connection sent awareness states. Raises UpdateError when they cannot be read."""
        for state in decode_awareness(payload):
            if self.client is None and not self._presence.owned_by_other(state.client, self):
                self.client = state.client
            if state.client == self.client and (text := stamped(state.text, self._person)) is not None:
                self._offer(text)

    def leave(self) -> None:
        """The connection is gone."""
        if self._timer is not None:
            self._timer.cancel()
        if self.client is not None:
            self._presence.leave(self, self.client)

    def _offer(self, text: str) -> None:
        loop = asyncio.get_running_loop()
        self._newest = text
        if self._timer is None:
            self._timer = loop.call_at(max(loop.time(), self._said_at + MIN_GAP_S), self._say)
            if self._timer.when() <= loop.time():
                self._timer.cancel()
                self._say()

    def _say(self) -> None:
        self._timer, text, self._newest = None, self._newest, None
        self._said_at = asyncio.get_running_loop().time()
        if text is not None and self.client is not None:
            self._presence.say(self, self.client, text)


def stamped(text: str, person: Person) -> str | None:
    """A state with its ``user`` replaced by the person; ``null`` as it is; None for what is no state or too big.

    No state is also what a browser could not read, though Python does: NaN, Infinity, half of a surrogate pair.
    """
    if len(text.encode()) > MAX_STATE_BYTES:
        return None
    try:
        state = json.loads(text)
        if state is None:
            return GONE
        return json_text({**state, "user": person}) if isinstance(state, dict) else None
    except (ValueError, RecursionError):
        return None


def _user_id(text: str) -> int:
    """Whose state it is, as the process that has the connection stamped it."""
    state = json.loads(text)
    return int(state["user"]["id"]) if state else 0
