"""How the rules say no. The edge maps ``kind`` to an HTTP status or to the wire."""

from enum import Enum

from django.utils.translation import gettext


class Kind(Enum):
    """What sort of no it is, with the HTTP status that stands for it."""

    INVALID = 400
    FORBIDDEN = 403
    NOT_FOUND = 404
    CONFLICT = 409
    LIMITED = 429
    UNAVAILABLE = 503
    STORAGE_FULL = 507


class DomainError(Exception):
    """A rule refused. ``message`` says what was expected and what was given; ``field`` names the input at fault."""

    def __init__(self, code: str, message: str, *, kind: Kind = Kind.INVALID, field: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.kind, self.field = code, message, kind, field


def storage_full(error: BaseException) -> DomainError | None:
    """The refusal that stands for an error of Postgres when its disk is full (SQLSTATE 53100); None for any other."""
    if getattr(error.__cause__, "sqlstate", None) != "53100":
        return None
    message = gettext("There is no room left on the studio’s disk; nothing was changed.")
    return DomainError("storage.full", message, kind=Kind.STORAGE_FULL)


def not_found() -> DomainError:
    """The one answer for what does not exist and for what a stranger may not know of."""
    return DomainError("not_found", gettext("There is nothing here that you can see."), kind=Kind.NOT_FOUND)
