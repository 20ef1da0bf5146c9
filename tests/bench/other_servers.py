"""The servers that ours is compared with: ``python -m tests.bench.other_servers NAME PORT``, a process of its own.

``bare``: a ``websockets`` broadcast and nothing else. ``uvicorn`` and ``uvicorn_with_shortcut``: this site's
own application under uvicorn.
``stock``: a Channels consumer in a group, under Daphne, with the Redis layer, as the Channels tutorial has it.
"""

import asyncio
import logging
import os
import sys
from typing import Any

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


def uvicorn(port: int) -> None:
    """The site under uvicorn as it comes, with its settings from the environment."""
    _under_uvicorn(port, websockets="websockets-sansio")


def uvicorn_with_shortcut(port: int) -> None:
    """The site under uvicorn as ``manage.py serve --uvicorn`` runs it."""
    _under_uvicorn(port)


def _under_uvicorn(port: int, **options: Any) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "project.settings"
    import django

    django.setup()
    logging.getLogger("uvicorn").setLevel(logging.WARNING)  # a line a connection, between the rows of the table
    from studio.live import under_uvicorn

    under_uvicorn.serve(port=port, **options)


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
