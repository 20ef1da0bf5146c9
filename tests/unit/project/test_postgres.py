"""The pool of connections that a web process has."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from project.postgres.base import DatabaseWrapper

NAME = "rushes pool test"


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


def test_a_transaction_left_open_is_rolled_back_on_return(pooled: DatabaseWrapper) -> None:
    pooled.set_autocommit(False)
    _ask(pooled)
    pooled.close()
    with connection.cursor() as cursor:
        cursor.execute("SELECT state FROM pg_stat_activity WHERE application_name = %s", [NAME])
        assert {state for (state,) in cursor.fetchall()} == {"idle"}
