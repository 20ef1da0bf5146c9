"""One subscription to Redis for this web process: a channel for each room that is open here.

A listener hears everything of its room, in the order in which Redis has it. After a lost connection it is told
to resync, because what was said meanwhile is gone; rows in Postgres are what it then reads.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol
from uuid import UUID
from weakref import WeakKeyDictionary

import redis.asyncio
from django.conf import settings
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from studio import trace
from studio.live import groups, guard

logger = logging.getLogger(__name__)

SUBSCRIBE_TIMEOUT_S = 2.0
FIRST_BACKOFF_S, LAST_BACKOFF_S = 0.1, 2.0
PING_S = 10.0
# A Redis that is there answers a ping at once; three missed ones mean a connection that only looks open.
SILENCE_S = 3 * PING_S


class Listener(Protocol):
    """Whoever hears a room. Neither method may block or raise."""

    def on_message(self, data: bytes) -> None:
        """A message of the room's channel; ``groups`` says what its first byte means."""

    def on_resync(self) -> None:
        """Messages may have been lost: read again from Postgres what may be missing."""


class Hub:
    """The process's rooms and their listeners."""

    def __init__(self, on_revoked: Callable[[str], Awaitable[None]] | None = None) -> None:
        # No timeout and no retry: a quiet subscription is not a broken one, and a new connection must be seen here,
        # where listeners are told of it. Protocol 2, because with 3 the client writes each message out for its log.
        self._heard = redis.asyncio.Redis.from_url(
            settings.REDIS_URL, socket_timeout=None, socket_connect_timeout=5, retry=Retry(NoBackoff(), 0), protocol=2
        )
        self._said = redis.asyncio.Redis.from_url(
            settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2, retry=Retry(NoBackoff(), 1)
        )
        self._on_revoked = on_revoked
        self._listeners: dict[str, set[Listener]] = {}
        self._confirmed: dict[str, asyncio.Event] = {}
        self._missed: set[str] = set()
        self._order = asyncio.Lock()
        self._pubsub: redis.asyncio.client.PubSub | None = None
        self._reader: asyncio.Task[None] | None = None
        self._checks: set[asyncio.Task[None]] = set()

    async def join(self, project_id: UUID, listener: Listener) -> None:
        """Hear a room. Returns when Redis has confirmed it, so that what is said from now on is heard.

        While Redis is away it returns after SUBSCRIBE_TIMEOUT_S: rows still tell what is true, and the listener is
        told to resync when Redis is back.
        """
        channel = groups.room(project_id)
        self._reader = self._reader or asyncio.create_task(self._read_always(), context=trace.only())
        if channel not in self._listeners:
            self._listeners[channel], self._confirmed[channel] = {listener}, asyncio.Event()
            await self._tell("subscribe", channel)
        self._listeners[channel].add(listener)
        try:
            await asyncio.wait_for(self._confirmed[channel].wait(), SUBSCRIBE_TIMEOUT_S)
        except TimeoutError:
            self._missed.add(channel)

    async def leave(self, project_id: UUID, listener: Listener) -> None:
        """Hear the room no more."""
        channel = groups.room(project_id)
        listeners = self._listeners.get(channel, set())
        listeners.discard(listener)
        if not listeners and self._listeners.pop(channel, None) is not None:
            del self._confirmed[channel]
            self._missed.discard(channel)
            await self._tell("unsubscribe", channel)

    async def publish(self, project_id: UUID, data: bytes) -> bool:
        """Say something to a room, in every process. False when Redis is away: nobody heard it."""
        try:
            await self._said.publish(groups.room(project_id), data)
        except (RedisError, OSError) as error:
            logger.warning("not published to room %s: %s", project_id, error)
            return False
        return True

    async def newest_previews(self, take_ids: list[UUID]) -> list[tuple[UUID, bytes]]:
        """The newest preview of each take that has one."""
        if not take_ids:
            return []
        try:
            packets: list[Any] = await self._said.mget([groups.preview(take_id) for take_id in take_ids])
        except (RedisError, OSError) as error:
            logger.warning("no previews for a late joiner: %s", error)
            return []
        return [(take_id, packet) for take_id, packet in zip(take_ids, packets, strict=True) if packet]

    async def close(self) -> None:
        """Stop listening. For tests; a process's hub lives as long as the process."""
        for task in [*self._checks, *([self._reader] if self._reader else [])]:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self._heard.aclose()
        await self._said.aclose()

    async def _tell(self, verb: str, channel: str) -> None:
        """Subscribe or unsubscribe on the open connection; without one, the next connection does it."""
        async with self._order:
            if self._pubsub is not None:
                with contextlib.suppress(RedisError, OSError):
                    await getattr(self._pubsub, verb)(channel)

    async def _read_always(self) -> None:
        backoff_s = FIRST_BACKOFF_S
        while True:
            try:
                async with self._heard.pubsub() as pubsub:
                    await self._read(pubsub)
            except (RedisError, OSError, TimeoutError) as error:
                logger.warning("the subscription to Redis was lost (%s); again in %.1f s", error, backoff_s)
            except Exception:
                logger.exception("the subscription to Redis failed; again in %.1f s", backoff_s)
            backoff_s = FIRST_BACKOFF_S if self._pubsub is not None else min(2 * backoff_s, LAST_BACKOFF_S)
            self._pubsub = None
            for channel, confirmed in self._confirmed.items():
                if confirmed.is_set():
                    self._missed.add(channel)
                    confirmed.clear()
            await asyncio.sleep(backoff_s)

    async def _read(self, pubsub: redis.asyncio.client.PubSub) -> None:
        """Subscribe to every open room on a new connection, then hand out what comes, until it breaks."""
        known = set(self._listeners)
        await pubsub.subscribe(groups.REVOKED, *known)
        self._pubsub = pubsub
        await self._catch_up(pubsub, known)
        pings = asyncio.create_task(_ping(pubsub))
        try:
            async with asyncio.timeout(SILENCE_S) as silence:
                async for message in pubsub.listen():
                    silence.reschedule(asyncio.get_running_loop().time() + SILENCE_S)
                    self._take(message)
        finally:
            pings.cancel()

    async def _catch_up(self, pubsub: redis.asyncio.client.PubSub, known: set[str]) -> None:
        """Rooms opened or left while the connection was being made had none on which to say so."""
        async with self._order:
            if opened := self._listeners.keys() - known:
                await pubsub.subscribe(*opened)
            if left := known - self._listeners.keys():
                await pubsub.unsubscribe(*left)

    def _take(self, message: dict[str, Any]) -> None:
        channel = (message["channel"] or b"").decode()
        if message["type"] == "subscribe" and channel == groups.REVOKED:
            self._revoked(groups.EVERYBODY)  # until now nothing of it was heard
        elif message["type"] == "subscribe" and channel in self._confirmed:
            self._confirmed[channel].set()
            if channel in self._missed:
                self._missed.discard(channel)
                self._each(channel, lambda listener: listener.on_resync())
        elif message["type"] == "message" and channel == groups.REVOKED:
            self._revoked(message["data"].decode())
        elif message["type"] == "message":
            self._each(channel, lambda listener: listener.on_message(message["data"]))

    def _each(self, channel: str, call: Callable[[Listener], None]) -> None:
        """One listener that fails never keeps the others from hearing."""
        for listener in tuple(self._listeners.get(channel, ())):
            try:
                call(listener)
            except Exception:
                logger.exception("a listener of %s failed", channel)

    def _revoked(self, payload: str) -> None:
        """Checked beside the reader, which waits for no database."""
        if self._on_revoked is not None:
            task = asyncio.ensure_future(self._on_revoked(payload))
            self._checks.add(task)
            task.add_done_callback(self._checks.discard)


async def _ping(pubsub: redis.asyncio.client.PubSub) -> None:
    """Have Redis say something at least every PING_S."""
    while True:
        await asyncio.sleep(PING_S)
        await pubsub.ping()


_hubs: "WeakKeyDictionary[asyncio.AbstractEventLoop, Hub]" = WeakKeyDictionary()


def get() -> Hub:
    """The hub of the running loop, which is the process's but in tests."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub(on_revoked=guard.get().revoked)
    return _hubs[loop]
