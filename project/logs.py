"""Log lines: with the ids of what they concern, without the tokens of links; as text or as JSON."""

import json
import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType

from studio import trace

_TOKENS = re.compile(r"(/join/|/password/reset/key/|/confirm-email/)[^/\s\"']+")

Raised = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def ids(record: logging.LogRecord) -> Mapping[str, str]:
    """The ids that a line carries: those of the code that logged it, and the room and take that it was given."""
    # Not ``request``: under this name Django gives its lines the request itself.
    given = {name: str(getattr(record, name)) for name in ("room", "take") if hasattr(record, name)}
    found = {**trace.current(), **given}
    return {name: found[name] for name in trace.NAMES if name in found}


class HideTokens(logging.Filter):
    """Takes the tokens of invitation, reset and confirmation links out of log lines: each lets its holder in."""

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            message = record.getMessage()
        except Exception:
            # Whose arguments do not fit, anywhere in a library: raised here, it would break what is being logged.
            record.msg, record.args = "a line that cannot be written, from %s:%d", (record.pathname, record.lineno)
            return True
        hidden = _hide(message)
        if hidden != message:
            record.msg, record.args = hidden, ()
        return True


class Text(logging.Formatter):
    """A line for people, its ids at the end as key=value; a traceback below."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        carried = "".join(f" {name}={value}" for name, value in ids(record).items())
        at = f"{self.formatTime(record, '%Y-%m-%d %H:%M:%S')},{record.msecs:03.0f}"
        return f"{at} {record.levelname:<7} {record.name} {record.message}{carried}"

    def formatException(self, ei: Raised) -> str:  # noqa: N802 - logging's name
        return _hide(super().formatException(ei))


class Json(Text):
    """One JSON object a line, for machines."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, str] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **ids(record),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def _hide(text: str) -> str:
    return _TOKENS.sub(r"\1…", text)
