"""The log of a running studio: one take can be followed from its request to its clip."""

import shutil
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings

from tests.conftest import _database_of
from tests.factories import Cast
from tests.helpers.studio import Studio
from tests.live.rooms.client import request, room

SignIn = Callable[[Any], str]


@pytest.fixture(scope="module")
def studio(django_db_setup: None, django_db_blocker: Any) -> Iterator[Studio]:
    server = Studio(RUSHES_LOG="json", RUSHES_SECRET_KEY=settings.SECRET_KEY).start()
    with _database_of(server, django_db_blocker):
        yield server
    server.stop()
    shutil.rmtree(server.data, ignore_errors=True)


@pytest.fixture
def cast(studio: Studio) -> Cast:
    studio.await_worker()
    return Cast()


@pytest.fixture
def cookie(cast: Cast, sign_in: SignIn) -> str:
    return sign_in(cast.editor)


@pytest.fixture
def asked(cast: Cast) -> dict[str, Any]:
    return request(cast.shots[0].pk)


async def test_a_take_is_followed_from_its_request_through_queue_worker_and_engine(
    studio: Studio, cast: Cast, cookie: str, asked: dict[str, Any]
) -> None:
    async with room(studio.url, cast.project.pk, cookie) as client:
        await client.hello()
        take = (await client.command("take.request", **asked))["take_id"]
        await client.next("take.done")
    told = {line["logger"]: line for line in studio.log_lines() if line.get("take") == take}
    assert set(told) == {"studio.jobs.queue", "studio.jobs.tasks", "inference.engine", "studio.jobs.reports"}
    assert told["studio.jobs.queue"]["request"]
    rooms = {told[name]["room"] for name in told if name.startswith("studio.")}
    assert rooms == {str(cast.project.pk)}


def test_a_response_bears_the_id_that_its_log_lines_carry(studio: Studio) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(studio.url + "/no-such-page/", timeout=10)
    refused.value.close()
    id_ = refused.value.headers["x-request-id"]
    (line,) = [line for line in studio.log_lines() if line.get("request") == id_]
    assert line["message"] == "Not Found: /no-such-page/"
