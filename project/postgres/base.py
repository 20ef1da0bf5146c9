"""The backend's connections: the module and the class have the names that Django looks for."""

import select
from typing import Any

from django.db.backends.postgresql import base
from psycopg import OperationalError
from psycopg_pool import ConnectionPool


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's own, but for two things.

    Each connection that the pool gives is looked at here, and when one is broken, all that wait in the pool are
    dropped. They break together, when Postgres restarts, and then each has something to read; one that has nothing is
    not asked, because that costs a query, and a Postgres that hangs never answers it. The pool's own check, which
    Django can turn on, drops them one by one and waits longer after each: with eight of them, requests failed for 4 s
    after a restart that took 0.2 s.

    The option ``limits`` holds parameters of Postgres' that each session begins with. What an address says of its
    own in ``options`` has the last word.
    """

    def get_connection_params(self) -> dict[str, Any]:
        parameters = super().get_connection_params()
        said = [f"-c {name}={value}" for name, value in parameters.pop("limits", {}).items()]
        if said:
            parameters["options"] = " ".join([*said, parameters.get("options", "")]).strip()
        return parameters

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """A connection that was not broken off.

        Raises:
            OperationalError: Postgres is away, or every connection was busy for the pool's ``timeout``.
        """
        connection = super().get_new_connection(conn_params)
        if self.pool is None:
            return connection
        if not _has_word(connection):
            return connection
        try:
            ConnectionPool.check_connection(connection)
        except OperationalError:
            self.pool.drain()
            self.pool.putconn(connection)
            return super().get_new_connection(conn_params)
        return connection


def _has_word(connection: Any) -> bool:
    """Whether Postgres said something, or hung up, while nothing was asked: after a restart it has."""
    ready = select.poll()
    ready.register(connection.fileno(), select.POLLIN)
    return bool(ready.poll(0))
