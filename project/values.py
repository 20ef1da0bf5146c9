"""The forms that settings have: each function reads one value, or says what was expected and what was given."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

SHORTEST_KEY = 32
"""Characters of a secret key; Django's own are 50."""

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
_SWITCHES = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


class SettingError(Exception):
    """A setting has a value that cannot be used. Passwords in it are not repeated."""

    def __init__(self, name: str, expected: str, given: str) -> None:
        told = masked(given) if name.endswith("_URL") or "://" in given else given
        super().__init__(f"{name}: expected {expected}, got {told!r}")


def masked(given: str) -> str:
    """An address without its secrets: what stands before an @, behind password=, and a port that is no number."""
    bare = re.sub(r"^([a-z0-9+.-]*:/*)?.*@", r"\1***@", given, flags=re.DOTALL | re.IGNORECASE)
    bare = re.sub(r"(://[^/?#@]*:)(?!\d+([/?#]|$))[^/?#]+", r"\1***", bare)
    return re.sub(r"(password=)[^&]*", r"\1***", bare, flags=re.IGNORECASE)


@dataclass(frozen=True)
class Storage:
    """Where clips and checkpoints are kept: a folder, or a bucket of an S3-compatible store."""

    folder: Path | None = None
    bucket: str = ""
    endpoint_url: str = ""
    access_key: str = ""
    secret_key: str = ""
    region: str = ""


def choice(name: str, given: str, choices: tuple[str, ...]) -> str:
    """One of a few words."""
    if given not in choices:
        raise SettingError(name, f"one of {', '.join(choices)}", given)
    return given


def whole(name: str, given: str, low: int, high: int) -> int:
    """A whole number, both ends included."""
    digits = given.strip()
    # Python reads no number of more than 4,300 digits; no setting needs ten.
    if not digits.isdecimal() or len(digits) > 9 or not low <= int(digits) <= high:
        raise SettingError(name, f"a whole number from {low} to {high}", given)
    return int(digits)


def switch(name: str, given: str) -> bool:
    """On or off, in the usual spellings."""
    word = given.strip().lower()
    if word not in _SWITCHES:
        raise SettingError(name, "on or off", given)
    return _SWITCHES[word]


def host(name: str, given: str) -> str:
    """A name or an IPv4 address to listen on."""
    if not _HOST.fullmatch(given):
        raise SettingError(name, "a host without a port, such as 127.0.0.1 or 0.0.0.0", given)
    return given


def model(name: str, given: str) -> str:
    """A folder or a hub id; whether it can be loaded the worker finds out."""
    if not given.strip():
        raise SettingError(name, "a model's folder or its hub id, such as owner/name", given)
    return given


def folder(name: str, given: str) -> Path:
    """A folder that is there or can be made."""
    path = Path(given).resolve()
    if not given.strip() or (path.exists() and not path.is_dir()):
        raise SettingError(name, "a folder", given)
    return path


def secret(name: str, given: str) -> str:
    """A key long enough that nobody guesses it; the error tells its length only."""
    if given and len(given) < SHORTEST_KEY:
        raise SettingError(name, f"at least {SHORTEST_KEY} characters", f"{len(given)} characters")
    return given


def sender(name: str, given: str) -> str:
    """Whom mails come from: an address, with or without a name."""
    _, address = parseaddr(given)
    local, at, domain = address.rpartition("@")
    if not (local and at and _HOST.fullmatch(domain)) or not given.isprintable():
        raise SettingError(name, "a sender such as Rushes <rushes@studio.example>", given)
    return given


def origins(name: str, given: str) -> tuple[str, ...]:
    """Origins as browsers send them, separated by commas."""
    expected = "origins such as https://studio.example, separated by commas"
    parts = (part.strip().rstrip("/") for part in given.split(","))
    return tuple(_origin(name, expected, part) for part in parts if part)


def _origin(name: str, expected: str, given: str) -> str:
    parts = _split(name, expected, given)
    rest = parts.path + parts.query + parts.fragment + (parts.username or "")
    # A * would be taken for the forms, and for no host and no socket.
    if parts.scheme not in ("http", "https") or not parts.hostname or rest or "*" in given:
        raise SettingError(name, expected, given)
    return given


def database_url(name: str, given: str) -> str:
    """Where Postgres is; empty for the embedded one."""
    expected = "an address such as postgres://user:password@host/name"
    return _checked(name, expected, given, _is_postgres)


def _is_postgres(parts: SplitResult) -> bool:
    return parts.scheme in ("postgres", "postgresql") and bool(parts.path.strip("/"))


def redis_url(name: str, given: str) -> str:
    """Where Valkey or Redis is; empty for the embedded one."""
    return _checked(name, "an address such as redis://host:6379/0", given, _is_redis)


def _is_redis(parts: SplitResult) -> bool:
    if parts.scheme == "unix":
        return bool(parts.path.strip("/"))
    number = parts.path.removeprefix("/")
    return parts.scheme in ("redis", "rediss") and bool(parts.hostname) and (not number or number.isdecimal())


def email_url(name: str, given: str) -> str:
    """How mails go out: by a server, or onto the screen."""
    expected = "consolemail:// or an address such as smtp+tls://user:password@host:587"
    return given if given == "consolemail://" else _checked(name, expected, given, _is_mail)


def _is_mail(parts: SplitResult) -> bool:
    return parts.scheme in ("smtp", "smtp+tls") and bool(parts.hostname)


def storage(name: str, given: str, otherwise: Path) -> Storage:
    """Where clips are kept; ``otherwise`` is the folder when nothing is given."""
    if not given:
        return Storage(folder=otherwise)
    expected = "file:///folder or s3://KEY:SECRET@bucket?endpoint=https://…&region=…"
    parts = _split(name, expected, given)
    if parts.scheme == "file" and not parts.netloc and parts.path:
        return Storage(folder=folder(name, unquote(parts.path)))
    if parts.scheme != "s3" or not parts.hostname or parts.path.strip("/"):
        raise SettingError(name, expected, given)
    return _bucket(name, expected, given, parts)


def _bucket(name: str, expected: str, given: str, parts: SplitResult) -> Storage:
    query = {key: values[0] for key, values in parse_qs(parts.query).items()}
    endpoint = query.get("endpoint", "")
    where = _split(name, expected, endpoint)
    is_address = where.scheme in ("http", "https") and where.hostname
    if query.keys() - {"endpoint", "region"} or (endpoint and not is_address):
        raise SettingError(name, expected, given)
    return Storage(
        bucket=parts.hostname or "",
        access_key=unquote(parts.username or ""),
        secret_key=unquote(parts.password or ""),
        endpoint_url=endpoint,
        region=query.get("region", ""),
    )


def _checked(name: str, expected: str, given: str, good: Callable[[SplitResult], bool]) -> str:
    if given and not good(_split(name, expected, given)):
        raise SettingError(name, expected, given)
    return given


def _split(name: str, expected: str, given: str) -> SplitResult:
    """The parts of an address; a host or a port that cannot be read is an error here, not at its first use."""
    try:
        parts = urlsplit(given)
        _ = parts.hostname, parts.port
    except ValueError:
        raise SettingError(name, expected, given) from None
    return parts
