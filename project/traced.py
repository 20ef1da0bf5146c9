"""Gives each request an id, which its log lines carry and its response bears."""

import re
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from studio import trace

HEADER = b"x-request-id"
_GIVEN = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_NAMED = re.compile(r"/(?:(?P<room>rooms|projects)|takes)/(?P<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:/|$)")

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class Traced:
    """An ASGI application around another. A trusted proxy's id is kept, so that its log and ours can be joined."""

    def __init__(self, inner: Application, *, behind_proxy: bool) -> None:
        self._inner, self._behind_proxy = inner, behind_proxy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = (self._given(scope) if self._behind_proxy else "") or secrets.token_hex(8)
        with trace.about(request=request, **_named(scope["path"])):
            # A browser cannot read the headers of a websocket's answer, and each of its messages passes through send.
            await self._inner(scope, receive, _signed(send, request) if scope["type"] == "http" else send)

    def _given(self, scope: Scope) -> str:
        given: bytes = dict(scope["headers"]).get(HEADER, b"")
        return given.decode() if _GIVEN.fullmatch(given) else ""


def _named(path: str) -> dict[str, str]:
    """The room or the take that an address is of."""
    found = _NAMED.search(path)
    return {"room" if found["room"] else "take": found["id"]} if found else {}


def _signed(send: Send, request: str) -> Send:
    async def sign(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), (HEADER, request.encode())]
        await send(message)

    return sign
