"""How the web process uses Postgres: few connections, kept, and none left in a transaction."""

from django.conf import settings
from django.db import connection

from studio.live.threads import in_thread
from tests.factories import Cast
from tests.helpers.studio import Studio
from tests.live.rooms.client import room

_WEB = "datname = current_database() AND pid <> pg_backend_pid() AND application_name <> 'rushes document'"


async def test_commands_share_few_connections_and_leave_none_in_a_transaction(
    studio: Studio, cast: Cast, cookies: dict[str, str]
) -> None:
    async with room(studio.url, cast.project.pk, cookies["editor"]) as editor:
        await editor.hello()
        await editor.command("project.rename", title="Warm")
        before = await in_thread(_serving)
        for number in range(30):
            assert (await editor.command("project.rename", title=f"Title {number}"))["error"] is None
        after = await in_thread(_serving)
    assert len(after) <= settings.WEB_POOL["max_size"]
    assert before.keys() & after.keys(), "every connection is a new one"
    assert "idle in transaction" not in after.values()


def _serving() -> dict[int, str]:
    """The server processes that the web process is connected to, and what they do."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pid, state FROM pg_stat_activity WHERE {_WEB}")
        return dict(cursor.fetchall())
