"""The servers that ours is compared with: ``python -m tests.bench.other_servers NAME PORT``, a process of its own.

``bare``: a ``websockets`` broadcast and nothing else. ``uvicorn`` and ``uvicorn_with_shortcut``: this site's
own application under uvicorn.
``stock``: a Channels consumer in a group, under Daphne, with the Redis layer, as the Channels tutorial has it.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from typing import Any, cast

GROUP = "previews"


def bare(port: int) -> None:
    """Whatever comes from ``/source`` goes to all others."""
    from websockets.asyncio.server import ServerConnection, broadcast, serve

    viewers: set[ServerConnection] = set()

    async def handle(socket: ServerConnection) -> None:
        if socket.request is not None and socket.request.path == "/source":
            async for packet in socket:
                broadcast(viewers, packet)
            return
        viewers.add(socket)
        async for _ in socket:
            pass

    async def run() -> None:
        async with serve(handle, "127.0.0.1", port, compression=None):
            await asyncio.get_running_loop().create_future()

    asyncio.run(run())


def uvicorn(port: int, websockets: Any = "websockets-sansio") -> None:
    """The site, with its settings from the environment."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "project.settings"
    import uvicorn

    from studio.live.threads import pool_connections

    pool_connections()
    uvicorn.run(
        "project.asgi:application", host="127.0.0.1", port=port, ws=websockets, ws_per_message_deflate=False,
        lifespan="off", access_log=False, log_level="warning",
    )  # fmt: skip


def uvicorn_with_shortcut(port: int) -> None:
    """The same with the shortcut past the queues that ``studio.live.serve`` gives Daphne."""
    from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

    from studio.live import shortcut

    class Protocol(WebSocketsSansIOProtocol):
        hear: Callable[[bytes], bool] | None = None

        async def run_asgi(self) -> None:
            extensions: dict[str, Any] = cast(Any, self.scope["extensions"])
            extensions[shortcut.EXTENSION] = self
            await super().run_asgi()

        def data_received(self, data: bytes) -> None:
            text = shortcut.short_text(data) if self.hear is not None else None
            if text is None or self.hear is None or not self.hear(text):
                super().data_received(data)

        def send_now(self, packet: bytes) -> bool:
            if self.close_sent or self.disconnected or self.transport.get_write_buffer_size():
                return False
            self.transport.write(shortcut.binary_frame(packet))
            return True

    uvicorn(port, Protocol)


def stock(port: int) -> None:
    """Every viewer's channel is in one group, and acknowledges by a message that is read and dropped."""
    from django.conf import settings

    # Without this the layer's own wait of 5 s meets the Redis client's timeout of 5 s.
    host = {"address": os.environ["REDIS_URL"], "socket_timeout": None}
    layer = {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [host]}}
    settings.configure(CHANNEL_LAYERS={"default": layer}, INSTALLED_APPS=["channels"])
    import django

    django.setup()
    from channels.generic.websocket import AsyncWebsocketConsumer
    from daphne.server import Server

    class Viewer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
        groups = [GROUP]

        async def packet(self, message: dict[str, Any]) -> None:
            await self.send(bytes_data=message["data"])

    Server(Viewer.as_asgi(), endpoints=[f"tcp:port={port}:interface=127.0.0.1"], signal_handlers=False).run()


if __name__ == "__main__":
    for server in (bare, uvicorn, uvicorn_with_shortcut, stock):
        if server.__name__ == sys.argv[1]:
            server(int(sys.argv[2]))
