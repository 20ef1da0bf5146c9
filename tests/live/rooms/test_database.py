"""How the web process uses Postgres: few connections, kept, and none left in a transaction."""

from django.conf import settings
from django.db import connection

from studio.live.threads import in_thread
from tests.factories import Cast
from tests.helpers.sessions import opened
from tests.helpers.studio import Studio
from tests.live.rooms.client import room

COMMANDS = 30


async def test_commands_share_few_connections_and_leave_none_in_a_transaction(
    studio: Studio, cast: Cast, cookies: dict[str, str]
) -> None:
    async with room(studio.url, cast.project.pk, cookies["editor"]) as editor:
        await editor.hello()
        await editor.command("project.rename", title="Warm")
        before = await in_thread(opened)
        for number in range(COMMANDS):
            assert (await editor.command("project.rename", title=f"Title {number}"))["error"] is None
        anew, states = await in_thread(opened) - before, await in_thread(_states)
    assert anew <= settings.WEB_POOL["max_size"] < COMMANDS
    assert "idle in transaction" not in states


def _states() -> list[str]:
    """What everybody else who is connected does."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT state FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return [state for (state,) in cursor.fetchall()]
