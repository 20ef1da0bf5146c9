"""The site under uvicorn, for whoever prefers it: ``manage.py serve --uvicorn``. It is not installed with the studio.

Previews and acknowledgements take the shortcut that Daphne has here, and cost the same.
"""

from collections.abc import Callable
from typing import Any, cast

import uvicorn
from channels.routing import get_default_application
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from studio import pools
from studio.live import shortcut
from studio.live.protocol import MAX_MESSAGE_BYTES
from studio.live.request import MAX_BODY_BYTES
from studio.live.serve import PING_S, PING_TIMEOUT_S, STOP_TIMEOUT_S


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


class Bounded:
    """The application, whose requests have a body of MAX_BODY_BYTES at most, as under Daphne."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Refuse what says that it is too large; cut off what becomes so."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        said = dict(scope["headers"]).get(b"content-length", b"0")
        if not said.isdigit() or int(said) > MAX_BODY_BYTES:
            await send({"type": "http.response.start", "status": 413, "headers": [(b"connection", b"close")]})
            await send({"type": "http.response.body", "body": b""})
            return
        await self._application(scope, _counted(receive), send)


def _counted(receive: Any) -> Any:
    left_bytes = MAX_BODY_BYTES

    async def next_part() -> Any:
        nonlocal left_bytes
        message = await receive()
        left_bytes -= len(message.get("body", b""))
        return message if left_bytes >= 0 else {"type": "http.disconnect"}

    return next_part


def serve(
    *, host: str | None = None, port: int | None = None, unix: str | None = None, websockets: Any = RoomProtocol
) -> None:
    """Serve the site on an address or a Unix socket, until SIGTERM or SIGINT.

    ``websockets``: the protocol of a websocket, as ``uvicorn --ws`` takes it.
    """
    pools.for_web()
    uvicorn.run(
        Bounded(get_default_application()), host=host or "127.0.0.1", port=port or 8000, uds=unix,
        ws=websockets, ws_per_message_deflate=False, ws_max_size=MAX_MESSAGE_BYTES,
        ws_ping_interval=PING_S, ws_ping_timeout=PING_TIMEOUT_S,
        timeout_graceful_shutdown=round(STOP_TIMEOUT_S),
        # Who is asking is the site's own affair (``RUSHES_PROXIES``), and so is the log.
        proxy_headers=False, log_config=None, server_header=False, lifespan="off", access_log=False,
    )  # fmt: skip
