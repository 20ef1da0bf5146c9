"""What a room's task is given to do, and a connection as the room sees it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from studio.live.presence import Speaker
from studio.live.protocol import CLOSE_CODES

_SHUT_OUT = frozenset(CLOSE_CODES[reason] for reason in ("unauthenticated", "revoked", "not_found"))


class Peer(Protocol):
    """A connection."""

    speaker: Speaker
    closing: int | None
    """The code that it is being closed with. Nothing comes from it then."""

    def push(self, frame: bytes) -> None:
        """Send a frame."""

    def answer(self, frames: Sequence[bytes]) -> None:
        """Send what it asked for, of any size."""

    def close(self, reason: str) -> None:
        """Close, for one of protocol.CLOSE_CODES."""

    def saved(self, count: int) -> None:
        """So many more of its updates are durable."""


@dataclass(frozen=True, slots=True)
class Join:
    """A connection begins: ask it for what it has."""

    peer: Peer


@dataclass(frozen=True, slots=True)
class Question:
    """A connection wants what its state vector lacks."""

    peer: Peer
    vector: bytes


@dataclass(frozen=True, slots=True)
class Probe:
    """A connection that may not edit answered the server's own question: it may say nothing new."""

    peer: Peer
    update: bytes


@dataclass(frozen=True, slots=True)
class Edit:
    """An update, and who sent it; None for another process, where it is durable already."""

    peer: Peer | None
    update: bytes

    @property
    def is_withdrawn(self) -> bool:
        """Whether its sender has been shut out while it waited."""
        return self.peer is not None and self.peer.closing in _SHUT_OUT


@dataclass(frozen=True, slots=True)
class Resync:
    """Messages of other processes may have been lost."""

    peer: None = None


Other = Join | Question | Probe | Resync
Work = Edit | Other
