"""How many connections a database of Postgres has had."""

from django.db import connection


def opened() -> int:
    """Ever, in the database of the test; one is counted when it has ended, or after a second."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute("SELECT sessions FROM pg_stat_database WHERE datname = current_database()")
        (count,) = cursor.fetchone()
    return int(count)
