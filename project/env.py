"""Every setting of Rushes: its name, its form and its default.

Values come from the environment or from ``.env`` beside ``manage.py``. A wrong one stops the start with
the setting's name, the form that was expected and what was given.
"""

import os
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path

import environ

from project import values
from project.values import SettingError, Storage

__all__ = ["ROOT", "Env", "SettingError", "Storage", "read"]

ROOT = Path(__file__).resolve().parent.parent


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
    proxies: int
    webs: int
    workers: int
    worker_jobs: int
    sign_up: bool
    guests: bool
    lease_s: int
    take_deadline_s: int
    guest_limit: int
    log: str


def _load_file() -> None:
    """Put what ``.env`` says into the environment, where nothing else is said."""
    named = os.environ.get("RUSHES_ENV_FILE")
    file = ROOT / ".env" if named is None else Path(named)
    if named and not file.is_file():
        raise SettingError("RUSHES_ENV_FILE", "a file with settings, or nothing for none", named)
    if file.is_file():
        environ.Env.read_env(str(file))


def _secret_key(data: Path) -> str:
    """The key that signs sessions: made once, kept beside the data, readable by its owner only."""
    path = data / "secret-key"
    try:
        key = path.read_text().strip() if path.exists() else ""
        return key or _make_secret_key(path)
    except OSError as error:
        raise SettingError("RUSHES_DATA", f"a folder that can be written to ({error.strerror})", str(data)) from error


def _make_secret_key(path: Path) -> str:
    """Write a new key under another name first: a full disk or a kill leaves no empty or half key behind."""
    path.parent.mkdir(parents=True, exist_ok=True)
    key = secrets.token_hex(48)
    handle, draft = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink()
        raise
    return key


def _whole(name: str, default: int, low: int, high: int) -> int:
    return values.whole(name, os.environ.get(name, str(default)), low, high)


def _switch(name: str, *, default: bool) -> bool:
    return values.switch(name, os.environ.get(name, "on" if default else "off"))


def read() -> Env:
    """Read and check every setting.

    Raises:
        SettingError: a value has not the form that its setting needs.
    """
    _load_file()
    given = os.environ.get
    data = values.folder("RUSHES_DATA", given("RUSHES_DATA", str(ROOT / ".rushes")))
    host, port = values.host("RUSHES_HOST", given("RUSHES_HOST", "127.0.0.1")), _whole("RUSHES_PORT", 8000, 0, 65535)
    here = tuple(f"http://{name}:{port}" for name in dict.fromkeys((host, "127.0.0.1", "localhost")))
    return Env(
        data=data,
        host=host,
        port=port,
        debug=_switch("RUSHES_DEBUG", default=False),
        origins=values.origins("RUSHES_ORIGINS", given("RUSHES_ORIGINS", "")) or here,
        database_url=values.database_url("DATABASE_URL", given("DATABASE_URL", "")),
        redis_url=values.redis_url("REDIS_URL", given("REDIS_URL", "")),
        storage=values.storage("STORAGE_URL", given("STORAGE_URL", ""), data / "media"),
        email_url=values.email_url("EMAIL_URL", given("EMAIL_URL", "") or "consolemail://"),
        email_from=values.sender("EMAIL_FROM", given("EMAIL_FROM", f"Rushes <rushes@{host}>")),
        model=values.model("RUSHES_MODEL", given("RUSHES_MODEL", str(ROOT / "inference" / "tiny" / "weights"))),
        device=values.choice("RUSHES_DEVICE", given("RUSHES_DEVICE", "auto"), ("auto", "cpu", "cuda")),
        proxies=_whole("RUSHES_PROXIES", 0, 0, 8),
        webs=_whole("RUSHES_WEBS", 1, 0, 16),
        workers=_whole("RUSHES_WORKERS", 1, 0, 16),
        worker_jobs=_whole("RUSHES_WORKER_JOBS", 8, 1, 64),
        sign_up=_switch("RUSHES_SIGN_UP", default=True),
        guests=_switch("RUSHES_GUESTS", default=True),
        lease_s=_whole("RUSHES_LEASE_S", 10, 2, 3600),
        take_deadline_s=_whole("RUSHES_TAKE_DEADLINE_S", 1800, 1, 86400),
        guest_limit=_whole("RUSHES_GUEST_LIMIT", 60, 1, 100_000),
        log=values.choice("RUSHES_LOG", given("RUSHES_LOG", "text"), ("text", "json")),
        # Last: nothing is written before all else is known to be right.
        secret_key=values.secret("RUSHES_SECRET_KEY", given("RUSHES_SECRET_KEY", "")) or _secret_key(data),
    )
