"""Every setting of Rushes: its name, its form, its default, and the error for a wrong value.

Values come from the environment or from ``.env`` beside ``manage.py``. A wrong one stops the start with
the setting's name, the form that was expected and what was given.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import environ

ROOT = Path(__file__).resolve().parent.parent


class SettingError(Exception):
    """A setting has a value that cannot be used."""

    def __init__(self, name: str, expected: str, given: str) -> None:
        super().__init__(f"{name}: expected {expected}, got {given!r}")


@dataclass(frozen=True)
class Storage:
    """Where clips and checkpoints are kept: a folder, or a bucket of an S3-compatible store."""

    folder: Path | None = None
    bucket: str = ""
    endpoint_url: str = ""
    access_key: str = ""
    secret_key: str = ""
    region: str = ""


@dataclass(frozen=True)
class Env:
    """All settings, read once at start."""

    data: Path
    host: str
    port: int
    debug: bool
    secret_key: str
    origins: tuple[str, ...]
    database_url: str
    redis_url: str
    storage: Storage
    email_url: str
    email_from: str
    model: str
    device: str
    workers: int
    worker_jobs: int
    sign_up: bool
    guests: bool
    lease_s: int
    take_deadline_s: int


def _choice(env: environ.Env, name: str, default: str, choices: tuple[str, ...]) -> str:
    value: str = env.str(name, default)
    if value not in choices:
        raise SettingError(name, f"one of {', '.join(choices)}", value)
    return value


def _whole(env: environ.Env, name: str, default: int, low: int, high: int) -> int:
    given = env.str(name, str(default))
    if not given.strip().isdecimal() or not low <= int(given) <= high:
        raise SettingError(name, f"a whole number from {low} to {high}", given)
    return int(given)


def _switch(env: environ.Env, name: str, *, default: bool) -> bool:
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    given = env.str(name, "on" if default else "off")
    if given.strip().lower() not in words:
        raise SettingError(name, "on or off", given)
    return words[given.strip().lower()]


def _url(env: environ.Env, name: str, schemes: tuple[str, ...], example: str) -> str:
    given: str = env.str(name, "")
    if given and urlsplit(given).scheme not in schemes:
        raise SettingError(name, f"an address such as {example}", given)
    return given


def _storage(env: environ.Env, data: Path) -> Storage:
    expected = "file:///folder or s3://KEY:SECRET@bucket?endpoint=https://…&region=…"
    given = env.str("STORAGE_URL", "")
    if not given:
        return Storage(folder=data / "media")
    parts = urlsplit(given)
    if parts.scheme == "file" and parts.path:
        return Storage(folder=Path(unquote(parts.path)))
    if parts.scheme != "s3" or not parts.hostname:
        raise SettingError("STORAGE_URL", expected, given)
    query = parse_qs(parts.query)
    return Storage(
        bucket=parts.hostname,
        access_key=unquote(parts.username or ""),
        secret_key=unquote(parts.password or ""),
        endpoint_url=query.get("endpoint", [""])[0],
        region=query.get("region", [""])[0],
    )


def _secret_key(data: Path) -> str:
    """The key that signs sessions: made once, kept beside the data, readable by its owner only."""
    path = data / "secret-key"
    if not path.exists():
        data.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(os.urandom(48).hex())
    return path.read_text()


def read() -> Env:
    """Read and check every setting.

    Raises:
        SettingError: a value has not the form that its setting needs.
    """
    environment_file = Path(os.environ.get("RUSHES_ENV_FILE", ROOT / ".env"))
    if environment_file.is_file():
        environ.Env.read_env(str(environment_file))
    env = environ.Env()
    data = Path(env.str("RUSHES_DATA", str(ROOT / ".rushes"))).resolve()
    host, port = env.str("RUSHES_HOST", "127.0.0.1"), _whole(env, "RUSHES_PORT", 8000, 0, 65535)
    origins = tuple(o.strip().rstrip("/") for o in env.str("RUSHES_ORIGINS", "").split(",") if o.strip())
    for origin in origins:
        if urlsplit(origin).scheme not in ("http", "https") or urlsplit(origin).path:
            raise SettingError("RUSHES_ORIGINS", "origins such as https://studio.example, separated by commas", origin)
    return Env(
        data=data,
        host=host,
        port=port,
        debug=_switch(env, "RUSHES_DEBUG", default=False),
        secret_key=env.str("RUSHES_SECRET_KEY", "") or _secret_key(data),
        origins=origins or tuple(f"http://{name}:{port}" for name in dict.fromkeys((host, "127.0.0.1", "localhost"))),
        database_url=_url(env, "DATABASE_URL", ("postgres", "postgresql"), "postgres://user:password@host/name"),
        redis_url=_url(env, "REDIS_URL", ("redis", "rediss", "unix"), "redis://host:6379/0"),
        storage=_storage(env, data),
        email_from=env.str("EMAIL_FROM", f"Rushes <rushes@{host}>"),
        email_url=env.str("EMAIL_URL", "consolemail://"),
        model=env.str("RUSHES_MODEL", str(ROOT / "inference" / "tiny" / "weights")),
        device=_choice(env, "RUSHES_DEVICE", "auto", ("auto", "cpu", "cuda")),
        workers=_whole(env, "RUSHES_WORKERS", 1, 0, 16),
        worker_jobs=_whole(env, "RUSHES_WORKER_JOBS", 8, 1, 64),
        sign_up=_switch(env, "RUSHES_SIGN_UP", default=True),
        guests=_switch(env, "RUSHES_GUESTS", default=True),
        lease_s=_whole(env, "RUSHES_LEASE_S", 10, 2, 3600),
        take_deadline_s=_whole(env, "RUSHES_TAKE_DEADLINE_S", 1800, 1, 86400),
    )
