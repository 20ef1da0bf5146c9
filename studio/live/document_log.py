"""The document's rows in Postgres: the log, its snapshot, and quarantine.

Connections of its own, kept open and asynchronous: a group commit costs one round trip, not a thread and a new
connection. Any error closes the connection that had it; trying again is the caller's decision.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from django.db import connections
from psycopg import AsyncConnection, OperationalError

from studio.live.prescan import EMPTY

MAX_CONNECTIONS = 4
STATEMENT_TIMEOUT_S = 10
MAX_FOLDED_ROWS = 20_000

_PARTS = """
SELECT 0 AS id, state FROM studio_documentsnapshot WHERE project_id = %(project)s AND epoch = %(epoch)s
UNION ALL
SELECT id, payload FROM studio_documentupdate WHERE project_id = %(project)s AND epoch = %(epoch)s
ORDER BY id LIMIT %(limit)s
"""
_APPEND = """
INSERT INTO studio_documentupdate (project_id, epoch, payload, user_id, created_at)
SELECT project.id, project.doc_epoch, edit.payload,
       (SELECT person.id FROM studio_user person WHERE person.id = edit.user_id), now()
FROM unnest(%(payloads)s::bytea[], %(users)s::bigint[]) WITH ORDINALITY AS edit (payload, user_id, place)
JOIN studio_project project ON project.id = %(project)s AND project.doc_epoch = %(epoch)s
     AND project.deleted_at IS NULL
ORDER BY edit.place
"""
_QUARANTINE = """
INSERT INTO studio_quarantinedupdate (project_id, user_id, payload, reason, created_at)
SELECT project.id, (SELECT person.id FROM studio_user person WHERE person.id = %(user)s), %(payload)s,
       %(reason)s, now()
FROM studio_project project WHERE project.id = %(project)s
"""
_MOVE = """
WITH gone AS (
    DELETE FROM studio_documentupdate WHERE project_id = %(project)s AND epoch = %(epoch)s AND payload = %(payload)s
    RETURNING project_id, user_id, payload
)
INSERT INTO studio_quarantinedupdate (project_id, user_id, payload, reason, created_at)
SELECT project_id, user_id, payload, %(reason)s, now() FROM gone
"""
_SNAPSHOT = """
INSERT INTO studio_documentsnapshot (project_id, epoch, state, update_count, created_at)
VALUES (%(project)s, %(epoch)s, %(state)s, %(count)s, now())
ON CONFLICT (project_id, epoch) DO UPDATE SET state = excluded.state, created_at = excluded.created_at,
    update_count = studio_documentsnapshot.update_count + excluded.update_count
"""

Fold = Callable[[bytes, Sequence[bytes]], Awaitable[tuple[bytes, list[bool]]]]
"""Makes one state of a snapshot and a log, and says which updates it contains."""


class DocumentLog:
    """The rows of one project and epoch."""

    def __init__(self, pool: "Connections", project_id: UUID, epoch: int) -> None:
        self._pool, self._key = pool, {"project": project_id, "epoch": epoch}

    async def parts(self) -> tuple[bytes, list[bytes]]:
        """The snapshot, and every update since: one statement, with no compaction in between."""
        async with self._pool.connection() as connection:
            snapshot, rows = await self._parts(connection, limit=None)
        return snapshot, [payload for _id, payload in rows]

    async def append(self, edits: Sequence[tuple[int, bytes]]) -> bool:
        """Make updates of users durable, in order. False when the project is gone or has another epoch."""
        users, payloads = [user for user, _ in edits], [payload for _, payload in edits]
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_APPEND, {**self._key, "users": users, "payloads": payloads})
            return cursor.rowcount == len(edits)

    async def epoch(self) -> int | None:
        """The project's epoch now; None when the project is gone."""
        query = "SELECT doc_epoch FROM studio_project WHERE id = %(project)s AND deleted_at IS NULL"
        async with self._pool.connection() as connection:
            row = await (await connection.execute(query, self._key)).fetchone()
            return row[0] if row else None

    async def quarantine(self, user_id: int, payload: bytes, reason: str) -> None:
        """Keep refused bytes for whoever has to find out why."""
        async with self._pool.connection() as connection:
            values = {**self._key, "user": user_id, "payload": payload, "reason": reason[:200]}
            await connection.execute(_QUARANTINE, values)

    async def move_to_quarantine(self, payload: bytes, reason: str) -> None:
        """Take an update out of the log that it should not have come into."""
        async with self._pool.connection() as connection:
            await connection.execute(_MOVE, {**self._key, "payload": payload, "reason": reason[:200]})

    async def compact(self, fold: Fold) -> int:
        """Put a snapshot in the place of the rows that it contains; how many went.

        Rows go by the exact ids that were read: ids commit out of order, so one below the highest may appear
        later. One process at a time; another one that comes meanwhile does nothing.
        """
        async with self._pool.connection() as connection, connection.transaction():
            lock = "SELECT pg_try_advisory_xact_lock(hashtextextended(%(lock)s, %(epoch)s))"
            lock_key = {**self._key, "lock": f"rushes:document:{self._key['project']}"}
            row = await (await connection.execute(lock, lock_key)).fetchone()
            if row is None or not row[0]:
                return 0
            snapshot, rows = await self._parts(connection, limit=MAX_FOLDED_ROWS)
            state, contained = await fold(snapshot, [payload for _id, payload in rows])
            ids = [id_ for (id_, _), inside in zip(rows, contained, strict=True) if inside]
            await connection.execute(_SNAPSHOT, {**self._key, "state": state, "count": len(ids)})
            await connection.execute("DELETE FROM studio_documentupdate WHERE id = ANY(%s)", [ids])
            return len(ids)

    async def _parts(
        self, connection: AsyncConnection[Any], limit: int | None
    ) -> tuple[bytes, list[tuple[int, bytes]]]:
        cursor = await connection.execute(_PARTS, {**self._key, "limit": limit}, binary=True)
        rows = [(id_, bytes(payload)) for id_, payload in await cursor.fetchall()]
        if rows and rows[0][0] == 0:
            return rows[0][1], rows[1:]
        return EMPTY, rows


class Connections:
    """Up to MAX_CONNECTIONS to Postgres, opened when they are needed; who finds none free waits."""

    def __init__(self) -> None:
        self._free: list[AsyncConnection[Any]] = []
        self._places = asyncio.Semaphore(MAX_CONNECTIONS)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection[Any]]:
        """A connection that commits each statement; one that meets an error is not used again."""
        async with self._places, asyncio.timeout(2 * STATEMENT_TIMEOUT_S):
            connection = self._free.pop() if self._free else await _connect()
            try:
                yield connection
            except BaseException as error:
                await connection.close()
                if isinstance(error, OperationalError):
                    await self.close()
                raise
            self._free.append(connection)

    async def close(self) -> None:
        """Close what is free: after Postgres went away they are all broken."""
        while self._free:
            await self._free.pop().close()


async def _connect() -> AsyncConnection[Any]:
    """A connection to Django's own database."""
    values = connections["default"].settings_dict
    options = {key: value for key, value in values["OPTIONS"].items() if isinstance(value, str)}
    given = {
        "dbname": values["NAME"],
        "user": values["USER"],
        "password": values["PASSWORD"],
        "host": values["HOST"],
        "port": values["PORT"],
        "connect_timeout": 5,
        "options": f"-c statement_timeout={STATEMENT_TIMEOUT_S}s",
        "application_name": "rushes document",
        **options,
    }
    arguments = {key: value for key, value in given.items() if value}
    return await AsyncConnection.connect(autocommit=True, **arguments)
