"""What log lines carry, and what they must not hold."""

import asyncio
import json
import logging
import sys
from typing import Any

import pytest

from project.logs import HideTokens, Json, Text
from studio import trace


def record(message: str, *arguments: object, **fields: Any) -> logging.LogRecord:
    made = logging.LogRecord(
        "studio.jobs", logging.WARNING, "here", 1, message, arguments, fields.pop("exc_info", None)
    )
    vars(made).update(fields)
    return made


@pytest.mark.parametrize(
    ("message", "arguments", "shown"),
    [
        (
            "Forbidden (%s): %s",
            ("CSRF token missing.", "/join/abc-DEF_9/"),
            "Forbidden (CSRF token missing.): /join/…/",
        ),
        ("Not Found: /accounts/password/reset/key/1-secret/", (), "Not Found: /accounts/password/reset/key/…/"),
        ("Not Found: %s", ("/projects/",), "Not Found: /projects/"),
    ],
)
def test_tokens_of_links_stay_out_of_the_log(message: str, arguments: tuple[object, ...], shown: str) -> None:
    record = logging.LogRecord("django.request", logging.WARNING, "here", 1, message, arguments, None)
    assert HideTokens().filter(record)
    assert record.getMessage() == shown


@pytest.mark.parametrize("form", [Text, Json])
def test_a_line_whose_arguments_do_not_fit_is_written_as_such_and_raises_nothing(form: type[Text]) -> None:
    broken = record("expected %d, got %s", "/join/abc-DEF_9/")
    assert HideTokens().filter(broken)
    line = form().format(broken)
    assert "a line that cannot be written, from here:1" in line
    assert "abc-DEF_9" not in line


def test_a_line_of_text_ends_with_the_ids_of_what_it_concerns() -> None:
    with trace.about(request="r1", room="room 1"):
        line = Text().format(record("attempt %d begins", 2, take="t1"))
    assert line.endswith(" WARNING studio.jobs attempt 2 begins request=r1 room=room 1 take=t1")
    with trace.about(request="r1"):
        assert Text().format(record("Not Found: %s", "/", request=object())).endswith("Not Found: / request=r1")
    assert Text().format(record("nothing in hand")).endswith("studio.jobs nothing in hand")


def test_a_line_of_json_is_one_object_also_with_a_traceback() -> None:
    try:
        raise ValueError("two\nlines at /join/abc-DEF_9/")
    except ValueError:
        line = Json().format(record("broke", exc_info=sys.exc_info(), take="t1"))
    assert "\n" not in line
    told = json.loads(line)
    assert (told["level"], told["logger"], told["message"], told["take"]) == ("WARNING", "studio.jobs", "broke", "t1")
    assert "Traceback" in told["error"]
    assert "/join/…/" in told["error"]
    assert set(told) == {"at", "level", "logger", "message", "take", "error"}


async def test_tasks_and_threads_inherit_the_ids_and_what_serves_many_does_not() -> None:
    async def seen() -> dict[str, str]:
        return dict(await asyncio.to_thread(trace.current))

    with trace.about(request="r1"), trace.about(room="a", take=7):
        inherited = asyncio.create_task(seen())
        apart = asyncio.create_task(seen(), context=trace.only(room="b"))
    assert await inherited == {"request": "r1", "room": "a", "take": "7"}
    assert await apart == {"room": "b"}
    assert trace.current() == {}
