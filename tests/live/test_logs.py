"""The log of a running studio: one take can be followed from its request to its clip."""

import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.factories import Cast
from tests.helpers.studio import Studio, running_with_rows
from tests.live.rooms.client import room


@pytest.fixture(scope="module")
def studio(django_db_setup: None, django_db_blocker: Any) -> Iterator[Studio]:
    with running_with_rows(django_db_blocker, RUSHES_LOG="json") as server:
        server.await_worker()
        yield server


async def test_a_take_is_followed_from_its_request_through_queue_worker_and_engine(
    studio: Studio, cast: Cast, cookie: str, asked: Callable[[], dict[str, Any]]
) -> None:
    async with room(studio.url, cast.project.pk, cookie) as client:
        await client.hello()
        take = (await client.command("take.request", **asked()))["take_id"]
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
