"""Writes ``static/src/protocol.ts`` from ``studio.live.protocol``, so that the protocol is written once."""

import inspect
import types
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from studio.live import protocol

HEADER = "// Written by `manage.py protocol_ts` from studio/live/protocol.py. Do not edit."
_WORDS: dict[Any, str] = {str: "string", int: "number", float: "number", bool: "boolean", types.NoneType: "null"}


def render() -> str:
    """The whole TypeScript module."""
    incoming, outgoing = _members(protocol.Incoming), _members(protocol.Outgoing)
    parts = [HEADER, *_constants()]
    for model in _models():
        parts.append(_interface(model, client_writes=any(issubclass(member, model) for member in incoming)))
    parts.append("/** Client to server. */\n" + _union("Incoming", incoming))
    note = "/** Server to client, as text. Binary frames are preview packets. */\n"
    parts.append(note + _union("Outgoing", outgoing))
    return "\n\n".join(parts) + "\n"


def _constants() -> list[str]:
    codes = "".join(f"  {name}: {code},\n" for name, code in protocol.CLOSE_CODES.items())
    return [
        f"export const VERSION = {protocol.VERSION};",
        f"export const MAX_MESSAGE_BYTES = {protocol.MAX_MESSAGE_BYTES};",
        f"export const CLOSE_CODES = {{\n{codes}}} as const;",
    ]


def _models() -> list[type[BaseModel]]:
    """The protocol's classes in the order in which they are written; ``Message`` itself has no fields."""
    classes = [value for value in vars(protocol).values() if inspect.isclass(value)]
    return [c for c in classes if issubclass(c, protocol.Message) and c is not protocol.Message]


def _members(union: Any) -> list[type[BaseModel]]:
    """The classes of a discriminated union."""
    return list(get_args(get_args(union)[0]))


def _union(name: str, members: list[type[BaseModel]]) -> str:
    return f"export type {name} =\n" + "\n".join(f"  | {member.__name__}" for member in members) + ";"


def _interface(model: type[BaseModel], *, client_writes: bool) -> str:
    base = model.__bases__[0]
    extends = "" if base is protocol.Message else f" extends {base.__name__}"
    own = [name for name in model.model_fields if name in model.__annotations__]
    lines = [_field(name, model.model_fields[name], client_writes=client_writes) for name in own]
    text = inspect.cleandoc(model.__doc__ or "").replace("\n", "\n * ")
    return f"/** {text} */\nexport interface {model.__name__}{extends} {{\n" + "".join(lines) + "}"


def _field(name: str, field: FieldInfo, *, client_writes: bool) -> str:
    """What has a default may be left out by the client; the server always writes it."""
    mark = "?" if client_writes and not field.is_required() else ""
    return f"  {name}{mark}: {_type(field.annotation)};\n"


def _type(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type(arguments[0])
    if origin in (Union, types.UnionType):
        return " | ".join(_type(argument) for argument in arguments)
    if origin is Literal:
        return " | ".join(str(value) if isinstance(value, int) else f'"{value}"' for value in arguments)
    if origin is list:
        inner = _type(arguments[0])
        return f"({inner})[]" if "|" in inner else f"{inner}[]"
    if origin is dict:
        return f"Record<{_type(arguments[0])}, {_type(arguments[1])}>"
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return annotation.__name__
    return _WORDS[annotation]


class Command(BaseCommand):
    help = "Write static/src/protocol.ts from studio/live/protocol.py."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing; fail when the file is stale")

    def handle(self, *args: Any, **options: Any) -> None:
        path = Path(settings.BASE_DIR) / "static" / "src" / "protocol.ts"
        text = render()
        if options["check"] and (not path.exists() or path.read_text() != text):
            raise CommandError(f"{path} is not what studio/live/protocol.py says: run manage.py protocol_ts")
        path.write_text(text)
