"""What a text that people write must be, whatever it is for."""

from django.utils.translation import gettext

from studio.domain.errors import DomainError


def line(value: str, *, field: str, limit: int) -> str:
    """A title or a name: one line, trimmed.

    Raises:
        DomainError: empty, longer than ``limit``, or not storable as text.
    """
    text = " ".join(readable(value, field=field).split())
    if not text:
        raise DomainError(
            f"{field}.empty",
            gettext("Expected 1 to %(limit)d characters, got none.") % {"limit": limit},
            field=field,
        )
    if len(text) > limit:
        raise DomainError(
            f"{field}.too_long",
            gettext("Expected at most %(limit)d characters, got %(given)d.") % {"limit": limit, "given": len(text)},
            field=field,
        )
    return text


def readable(value: str, *, field: str) -> str:
    """The text as it is.

    Raises:
        DomainError: it holds a NUL or half of a character, which no database keeps.
    """
    if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise DomainError(
            f"{field}.unreadable",
            gettext("Expected plain text, got a NUL or half of a character in it."),
            field=field,
        )
    return value
