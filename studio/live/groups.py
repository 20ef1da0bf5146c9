"""Every Redis name, in one place, and the first byte that says what a room's message is."""

from uuid import UUID

REVOKED = "rushes:revoked"
"""Channel: somebody's way in changed. Payload ``user:<id>`` or ``session:<digest>``; the sockets are checked again."""

EVERYBODY = "everybody"
"""Said on no channel, but by a process to itself: what it has not heard may concern anybody."""

WORKERS = "rushes:workers"
"""Channel: wakes for workers. Payload ``cancel:<take id>``."""

PREVIEW_TTL_S = 600

EVENT = b"{"
"""A numbered event, or a notice, as the JSON text that clients get."""
PREVIEW = b"R"
"""An encoded ``inference.wire.PreviewPacket``: ``R`` is the first byte of its own magic."""
DOCUMENT = b"D"
"""``D``, 16 bytes of origin, a raw Yjs update."""
AWARENESS = b"A"
"""``A``, 16 bytes of origin, an awareness message."""
AWARENESS_QUERY = b"?"
"""``?``, 16 bytes of origin: whoever holds awareness states of this room says them again."""

NOBODY = bytes(16)
"""The origin of an update that no web process made: each of them takes it in."""


def room(project_id: UUID) -> str:
    """The channel of one room: events, notices, previews, document updates and awareness."""
    return f"rushes:room:{project_id}"


def preview(take_id: UUID | str) -> str:
    """The key of a running take's newest preview packet."""
    return f"rushes:preview:{take_id}"
