"""What the log must not hold."""

import logging
import re

_TOKENS = re.compile(r"(/join/|/password/reset/key/|/confirm-email/)[^/\s\"']+")


class HideTokens(logging.Filter):
    """Takes the tokens of invitation, reset and confirmation links out of log lines: each lets its holder in."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        hidden = _TOKENS.sub(r"\1…", message)
        if hidden != message:
            record.msg, record.args = hidden, ()
        return True
