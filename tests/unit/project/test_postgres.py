"""The pool of connections that a web process has."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, connections
from django.urls import reverse

from project.asgi import django_application
from project.postgres.base import DatabaseWrapper
from studio import pools
from studio.live import threads
from tests.factories import Cast

NAME = "rushes pool test"
DEADLINE_S = 5.0


@pytest.fixture
def pooled(transactional_db: None) -> Iterator[DatabaseWrapper]:
    """A wrapper with a pool of its own, whose connections all wait in it."""
    own = connection.settings_dict
    options = {**own["OPTIONS"], "application_name": NAME, "pool": {**settings.WEB_POOL, "min_size": 6}}
    wrapper = DatabaseWrapper({**own, "OPTIONS": options}, "pooled")
    pool: Any = wrapper.pool
    pool.open(wait=True)
    yield wrapper
    wrapper.close()
    wrapper.close_pool()


def _ask(wrapper: DatabaseWrapper) -> int:
    """The server process that answers."""
    with wrapper.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid: int = cursor.fetchone()[0]
    return pid


def _end_all() -> int:
    """What a restart of Postgres does to every connection."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = %s", [NAME]
        )
        return len(cursor.fetchall())


def test_a_connection_goes_back_to_the_pool_and_is_used_again(pooled: DatabaseWrapper) -> None:
    pids = set()
    for _ in range(20):
        pids.add(_ask(pooled))
        pooled.close()
    assert len(pids) <= 6


def test_after_a_restart_of_postgres_the_first_query_works(pooled: DatabaseWrapper) -> None:
    assert _end_all() == 6
    assert _ask(pooled) > 0
    pooled.close()


def test_a_connection_is_handed_out_without_asking_a_postgres_that_hangs(pooled: DatabaseWrapper) -> None:
    pid = _ask(pooled)
    pooled.close()
    os.kill(pid, signal.SIGSTOP)
    try:
        begun = time.monotonic()
        for _ in range(6):
            pooled.ensure_connection()
            pooled.close()
        assert time.monotonic() - begun < DEADLINE_S
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_web_process_waits_for_nothing_long(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with connection.cursor() as cursor:
        assert [_shown(cursor, name) for name in settings.WEB_LIMITS] == ["0", "0", "0"], "a command has no limits"
    own = dict(connection.settings_dict)
    given = {**own["OPTIONS"], "options": "-c lock_timeout=7s"}
    with monkeypatch.context() as web:
        web.setitem(connections.settings["default"], "OPTIONS", given)
        pools.for_web()
    assert given["pool"] == settings.WEB_POOL
    wrapper = DatabaseWrapper({**own, "OPTIONS": given | {"pool": None}}, "limited")
    with wrapper.cursor() as cursor:
        found = [_shown(cursor, name) for name in settings.WEB_LIMITS]
    wrapper.close()
    assert found == ["15s", "7s", "30s"], "what the address says has the last word"


def _shown(cursor: Any, name: str) -> str:
    cursor.execute(f"SHOW {name}")
    value: str = cursor.fetchone()[0]
    return value


def test_a_machine_that_is_gone_is_noticed() -> None:
    parameters = connection.get_connection_params()
    assert (parameters["tcp_user_timeout"], parameters["keepalives_idle"]) == ("10000", "10")


async def test_r32_a_page_holds_no_connection_while_it_is_sent(
    transactional_db: None, sign_in: Callable[[Any], str]
) -> None:
    cast = await threads.in_thread(Cast)
    cookie = await threads.in_thread(sign_in, cast.viewer)
    host = settings.ALLOWED_HOSTS[0]
    headers = [(b"host", host.encode()), (b"cookie", cookie.encode())]
    scope = {"type": "http", "method": "GET", "path": reverse("projects"), "headers": headers, "query_string": b""}
    said: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()
    requests = iter([{"type": "http.request", "body": b"", "more_body": False}])
    reads = asyncio.Event()

    async def receive() -> dict[str, Any]:
        for request in requests:
            return request
        return await asyncio.Future()

    async def send(message: Mapping[str, Any]) -> None:
        said.put_nowait(message)
        await reads.wait()

    before = await threads.in_thread(_connected)
    asked = asyncio.create_task(django_application(scope, receive, send))
    async with asyncio.timeout(DEADLINE_S):
        assert (await said.get())["status"] == 200
        while await threads.in_thread(_connected) > before:  # noqa: ASYNC110 - Postgres tells nobody
            await asyncio.sleep(0.01)
    reads.set()
    await asked


def _connected() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        count: int = cursor.fetchone()[0]
    return count


def test_a_transaction_left_open_is_rolled_back_on_return(pooled: DatabaseWrapper) -> None:
    pooled.set_autocommit(False)
    _ask(pooled)
    pooled.close()
    with connection.cursor() as cursor:
        cursor.execute("SELECT state FROM pg_stat_activity WHERE application_name = %s", [NAME])
        assert {state for (state,) in cursor.fetchall()} == {"idle"}
