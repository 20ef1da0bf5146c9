"""The site under uvicorn, for whoever prefers it: ``manage.py serve --uvicorn``. It is not installed with the studio.

Previews and acknowledgements take the shortcut that Daphne has here, and cost the same.
"""

from collections.abc import Callable
from typing import Any, cast

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from studio.live import shortcut
from studio.live.protocol import MAX_MESSAGE_BYTES
from studio.live.serve import PING_S, PING_TIMEOUT_S
from studio.live.threads import pool_connections


class RoomProtocol(WebSocketsSansIOProtocol):
    """A websocket that is a ``shortcut.Shortcut``."""

    hear: Callable[[bytes], bool] | None = None

    async def run_asgi(self) -> None:
        """Tell the application that there is a shortcut, and run it."""
        extensions: dict[str, Any] = cast(Any, self.scope["extensions"])
        extensions[shortcut.EXTENSION] = self
        await super().run_asgi()

    def data_received(self, data: bytes) -> None:
        """What comes in: an acknowledgement is heard at once, all else goes through uvicorn's queue.

        The middle of a longer message does not pass for one: it would have to be an acknowledgement, letter by letter,
        under a mask drawn at random.
        """
        text = shortcut.short_text(data) if self.hear is not None else None
        if text is None or self.hear is None or not self.hear(text):
            super().data_received(data)

    def send_now(self, packet: bytes) -> bool:
        """Send a binary message at once; False, and nothing sent, when the peer is behind."""
        if self.close_sent or self.disconnected or self.transport.get_write_buffer_size():
            return False
        self.transport.write(shortcut.binary_frame(packet))
        return True


def serve(
    *,
    host: str | None = None,
    port: int | None = None,
    unix: str | None = None,
    fd: int | None = None,
    websockets: Any = RoomProtocol,
) -> None:
    """Serve the site on an address, a Unix socket or an open descriptor, until SIGTERM or SIGINT.

    ``websockets``: the protocol of a websocket, as ``uvicorn --ws`` takes it.
    """
    pool_connections()
    uvicorn.run(
        "project.asgi:application", host=host or "127.0.0.1", port=port or 8000, uds=unix, fd=fd,
        ws=websockets, ws_per_message_deflate=False, ws_max_size=MAX_MESSAGE_BYTES,
        ws_ping_interval=PING_S, ws_ping_timeout=PING_TIMEOUT_S,
        lifespan="off", access_log=False, server_header=False, log_level="warning",
    )  # fmt: skip
