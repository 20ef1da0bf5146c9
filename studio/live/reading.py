"""Reads a client's message, or says which field is wrong, what was expected of it and what was given."""

import json
from typing import Any, get_args

from pydantic import ValidationError

from studio.live.protocol import INCOMING, ErrorView, Incoming

GIVEN_LIMIT = 60
_TYPES = ", ".join(get_args(model.model_fields["type"].annotation)[0] for model in get_args(get_args(Incoming)[0]))


class UnreadableError(Exception):
    """Not a message of the protocol. ``command_id`` is whom to reply to, empty where that cannot be told."""

    def __init__(self, error: ErrorView, command_id: str = "") -> None:
        super().__init__(error.message)
        self.error, self.command_id = error, command_id


def read(data: str | bytes) -> Incoming:
    """Read one message.

    Raises:
        UnreadableError: it is binary, no JSON, of no known type, or has a field that is not as it should be.
    """
    if isinstance(data, bytes):
        raise UnreadableError(
            _error("message.binary", f"Expected a text frame with JSON, got {len(data)} binary bytes.")
        )
    try:
        return INCOMING.validate_json(data)
    except ValidationError as error:
        raise _explain(data, error.errors(include_url=False)[0]) from None


def _explain(data: str, error: Any) -> UnreadableError:
    if error["type"] == "json_invalid":
        return UnreadableError(_error("message.not_json", f"Expected JSON: {error['ctx']['error']}."))
    if error["type"] in ("union_tag_invalid", "union_tag_not_found"):
        given = _given(error.get("ctx", {}).get("tag"))
        message = f"type: expected one of {_TYPES}; got {given}."
        return UnreadableError(_error("message.unknown_type", message, "type"))
    field = ".".join(str(part) for part in error["loc"][1:])
    if not field:
        given = _given(error["input"])
        return UnreadableError(_error("message.not_object", f"Expected a JSON object with a type, got {given}."))
    return UnreadableError(_error(f"{field}.invalid", f"{field}: {_expected(error)}", field), _command_id(data))


def _expected(error: Any) -> str:
    if error["type"] == "missing":
        return "expected, but it is missing."
    if error["type"] == "extra_forbidden":
        return "there is no such field in this message."
    expected = error["msg"].replace("Input should be", "expected").replace("should have", "expected to have")
    return f"{expected[0].lower()}{expected[1:]}, got {_given(error['input'])}."


def _given(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= GIVEN_LIMIT else text[:GIVEN_LIMIT] + "…"


def _command_id(data: str) -> str:
    command_id = json.loads(data).get("id")
    return command_id if isinstance(command_id, str) and 1 <= len(command_id) <= 40 else ""


def _error(code: str, message: str, field: str = "") -> ErrorView:
    return ErrorView(code=code, message=message, field=field)
