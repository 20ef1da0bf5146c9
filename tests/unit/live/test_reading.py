"""What a client is told about a message that is wrong: rule R-08 of studio/live/SPEC-ROOM.md."""

import json
from typing import Any

import pytest

from studio.live import protocol
from studio.live.reading import UnreadableError, read

REQUEST: dict[str, Any] = {
    "type": "take.request", "v": 1, "id": "c1", "shot_id": "s", "key": "12345678", "prompt": "a ball",
    "quality": "draft", "size": "96x64", "frames": 25,
}  # fmt: skip


def refusal(message: Any) -> UnreadableError:
    with pytest.raises(UnreadableError) as caught:
        read(message if isinstance(message, str | bytes) else json.dumps(message))
    return caught.value


def test_a_good_message_is_read_with_its_defaults() -> None:
    message = read(json.dumps(REQUEST))
    assert isinstance(message, protocol.TakeRequest)
    assert (message.style, message.seed) == ("", None)


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        (b"\x00\xff\x80", "message.binary", ["JSON", "3 binary bytes"]),
        ("{not json", "message.not_json", ["JSON", "line 1"]),
        ("", "message.not_json", ["JSON"]),
        ('{"type": "hello", "v": 1, "last_seq": "\\ud800"}', "message.not_json", ["hex escape"]),
        ("[" * 100_000, "message.not_json", ["recursion limit"]),
        ("[]", "message.not_object", ["object"]),
        ("3", "message.not_object", ["object", "3"]),
        ({"type": "film.nuke", "v": 1}, "message.unknown_type", ["take.request", "film.nuke"]),
        ({"v": 1}, "message.unknown_type", ["hello"]),
        ({"type": None}, "message.unknown_type", ["hello"]),
        ({"type": "hello", "v": 2}, "v.invalid", ["expected 1", "got 2"]),
    ],
    ids=lambda value: str(value)[:24],
)
def test_r08_what_cannot_be_read_says_what_was_expected(data: Any, code: str, words: list[str]) -> None:
    error = refusal(data)
    assert error.error.code == code
    assert [word for word in words if word not in error.error.message] == []
    assert error.command_id == ""


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"frames": "many"}, "frames", ["integer", '"many"']),
        ({"frames": 25.5}, "frames", ["integer", "25.5"]),
        ({"frames": True}, "frames", ["integer", "true"]),
        ({"prompt": None}, "prompt", ["string", "null"]),
        ({"prompt": ...}, "prompt", ["missing"]),
        ({"key": "short"}, "key", ["at least 8", '"short"']),
        ({"loud": 1}, "loud", ["no such field"]),
        ({"seed": "x" * 500}, "seed", ["integer", "…"]),
    ],
    ids=str,
)
def test_r08_a_wrong_field_of_a_command_is_answered_by_name(
    change: dict[str, Any], field: str, words: list[str]
) -> None:
    message = {key: value for key, value in {**REQUEST, **change}.items() if value is not ...}
    error = refusal(message)
    assert (error.error.field, error.command_id) == (field, "c1")
    assert [word for word in words if word not in error.error.message] == []
    assert len(error.error.message) < 200


def test_a_seed_that_no_column_holds_is_left_to_the_rules() -> None:
    message = read(json.dumps({**REQUEST, "seed": 10**40}))
    assert isinstance(message, protocol.TakeRequest)
    assert message.seed == 10**40
