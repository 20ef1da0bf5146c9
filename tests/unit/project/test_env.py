"""Settings: each takes what it should, and says what it wants for anything else."""

import os
from pathlib import Path
from typing import Any

import pytest

from project import env
from project.values import SettingError, Storage, masked

KEY = "k" * 50
SETTINGS = (
    "RUSHES_HOST", "RUSHES_PORT", "RUSHES_DEBUG", "RUSHES_SECRET_KEY", "RUSHES_ORIGINS", "DATABASE_URL", "REDIS_URL",
    "STORAGE_URL", "EMAIL_URL", "EMAIL_FROM", "RUSHES_MODEL", "RUSHES_DEVICE", "RUSHES_WORKERS", "RUSHES_WORKER_JOBS",
    "RUSHES_SIGN_UP", "RUSHES_GUESTS", "RUSHES_LEASE_S", "RUSHES_TAKE_DEADLINE_S", "RUSHES_PROXIES",
    "RUSHES_GUEST_LIMIT", "RUSHES_WEBS", "RUSHES_LOG",
)  # fmt: skip


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RUSHES_ENV_FILE", "")
    monkeypatch.setenv("RUSHES_DATA", str(tmp_path / "data"))


def test_every_setting_has_a_default(tmp_path: Path) -> None:
    read = env.read()
    assert (read.host, read.port, read.debug) == ("127.0.0.1", 8000, False)
    assert read.origins == ("http://127.0.0.1:8000", "http://localhost:8000")
    assert read.storage == Storage(folder=tmp_path / "data" / "media")
    assert (read.database_url, read.redis_url, read.email_url) == ("", "", "consolemail://")
    assert (read.email_from, read.device) == ("Rushes <rushes@127.0.0.1>", "auto")
    assert (read.workers, read.worker_jobs, read.lease_s, read.take_deadline_s) == (1, 8, 10, 1800)
    assert (read.webs, read.log) == (1, "text")
    assert (read.sign_up, read.guests) == (True, True)
    assert Path(read.model, "model_index.json").parent == env.ROOT / "inference" / "tiny" / "weights"


BUCKET = Storage(
    bucket="clips", endpoint_url="https://s3.example", access_key="ID", secret_key="se/cret", region="eu-west-1"
)
GOOD: list[tuple[str, str, str, Any]] = [
    ("RUSHES_HOST", "0.0.0.0", "host", "0.0.0.0"),
    ("RUSHES_HOST", "studio.example", "host", "studio.example"),
    ("RUSHES_PORT", "0", "port", 0),
    ("RUSHES_PORT", " 65535 ", "port", 65535),
    ("RUSHES_DEBUG", "Yes", "debug", True),
    ("RUSHES_SECRET_KEY", "$" + KEY, "secret_key", "$" + KEY),
    ("RUSHES_ORIGINS", "https://a.example/, http://b:8080,", "origins", ("https://a.example", "http://b:8080")),
    ("RUSHES_ORIGINS", "http://[::1]:8000", "origins", ("http://[::1]:8000",)),
    ("DATABASE_URL", "", "database_url", ""),
    ("DATABASE_URL", "postgres://u:p@h:5432/x", "database_url", "postgres://u:p@h:5432/x"),
    ("DATABASE_URL", "postgresql:///x?host=/run", "database_url", "postgresql:///x?host=/run"),
    ("REDIS_URL", "redis://h", "redis_url", "redis://h"),
    ("REDIS_URL", "rediss://:p@h:6379/2", "redis_url", "rediss://:p@h:6379/2"),
    ("REDIS_URL", "unix:///run/valkey.sock", "redis_url", "unix:///run/valkey.sock"),
    ("STORAGE_URL", "file:///nowhere/some%20clips", "storage", Storage(folder=Path("/nowhere/some clips"))),
    ("STORAGE_URL", "s3://clips", "storage", Storage(bucket="clips")),
    ("STORAGE_URL", "s3://ID:se%2Fcret@clips?endpoint=https://s3.example&region=eu-west-1", "storage", BUCKET),
    ("EMAIL_URL", "", "email_url", "consolemail://"),
    ("EMAIL_URL", "smtp://h", "email_url", "smtp://h"),
    ("EMAIL_URL", "smtp+tls://u:p@h:587", "email_url", "smtp+tls://u:p@h:587"),
    ("EMAIL_FROM", "rushes@studio.example", "email_from", "rushes@studio.example"),
    ("RUSHES_MODEL", "owner/name", "model", "owner/name"),
    ("RUSHES_DEVICE", "cuda", "device", "cuda"),
    ("RUSHES_WORKERS", "0", "workers", 0),
    ("RUSHES_WEBS", "2", "webs", 2),
    ("RUSHES_LOG", "json", "log", "json"),
    ("RUSHES_PROXIES", "1", "proxies", 1),
    ("RUSHES_WORKER_JOBS", "64", "worker_jobs", 64),
    ("RUSHES_SIGN_UP", "off", "sign_up", False),
    ("RUSHES_GUESTS", "0", "guests", False),
    ("RUSHES_LEASE_S", "2", "lease_s", 2),
    ("RUSHES_TAKE_DEADLINE_S", "86400", "take_deadline_s", 86400),
    ("RUSHES_GUEST_LIMIT", "500", "guest_limit", 500),
]


@pytest.mark.parametrize(("name", "given", "field", "expected"), GOOD)
def test_a_setting_takes_what_it_should(
    monkeypatch: pytest.MonkeyPatch, name: str, given: str, field: str, expected: Any
) -> None:
    monkeypatch.setenv(name, given)
    assert getattr(env.read(), field) == expected


BAD = [
    ("RUSHES_DATA", "", "a folder"),
    ("RUSHES_DATA", "/etc/passwd", "a folder"),
    ("RUSHES_DATA", "/etc/passwd/below", "a folder"),
    ("RUSHES_ENV_FILE", "/nowhere/.env", "a file"),
    ("RUSHES_HOST", "", "127.0.0.1"),
    ("RUSHES_HOST", "127.0.0.1:8000", "without a port"),
    ("RUSHES_HOST", "http://studio.example", "a host"),
    ("RUSHES_PORT", "65536", "0 to 65535"),
    ("RUSHES_PORT", "-1", "0 to 65535"),
    ("RUSHES_PORT", "", "0 to 65535"),
    ("RUSHES_PORT", "9" * 5000, "0 to 65535"),
    ("RUSHES_DEBUG", "maybe", "on or off"),
    ("RUSHES_SECRET_KEY", "k" * 31, "at least 32"),
    ("RUSHES_ORIGINS", "studio.example", "https://studio.example"),
    ("RUSHES_ORIGINS", "http://", "https://studio.example"),
    ("RUSHES_ORIGINS", "http://*", "https://studio.example"),
    ("RUSHES_ORIGINS", "https://*.example", "https://studio.example"),
    ("RUSHES_ORIGINS", "https://a.example/rushes", "https://studio.example"),
    ("RUSHES_ORIGINS", "https://a.example:bad", "https://studio.example"),
    ("RUSHES_ORIGINS", "https://a.example,ftp://b", "https://studio.example"),
    ("DATABASE_URL", "mysql://u:SECRETPW@h/x", "postgres://"),
    ("DATABASE_URL", "u:SECRETPW@h/x", "postgres://"),
    ("DATABASE_URL", "postgres://u:SECRETPW@h:99999/x", "postgres://"),
    ("DATABASE_URL", "postgres://u:SECRETPW@[bad/x", "postgres://"),
    ("DATABASE_URL", "postgres://u:SECRETPW@h", "postgres://"),
    ("REDIS_URL", "http://h", "redis://"),
    ("REDIS_URL", "u:SECRETPW@h", "redis://"),
    ("REDIS_URL", "redis://h:SECRETPW", "redis://"),
    ("REDIS_URL", "redis://:SECRETPW@", "redis://"),
    ("REDIS_URL", "redis://h/first?password=SECRETPW", "redis://"),
    ("REDIS_URL", "unix://", "redis://"),
    ("STORAGE_URL", "media", "file:///folder"),
    ("STORAGE_URL", "file://rel/x", "file:///folder"),
    ("STORAGE_URL", "file:///etc/passwd", "a folder"),
    ("STORAGE_URL", "s3://", "s3://KEY"),
    ("STORAGE_URL", "s3://ID:SECRETPW@b/folder", "s3://KEY"),
    ("STORAGE_URL", "s3://ID:SECRETPW@b?endpoint=foo", "s3://KEY"),
    ("STORAGE_URL", "s3://ID:SECRETPW@b?endpoint=https://h:bad", "s3://KEY"),
    ("STORAGE_URL", "s3://ID:SECRETPW@b?endpiont=https://h", "s3://KEY"),
    ("EMAIL_URL", "smtp://u:SECRETPW@h:bad", "smtp+tls://"),
    ("EMAIL_URL", "smtp://", "smtp+tls://"),
    ("EMAIL_URL", "https://u:SECRETPW@h", "smtp+tls://"),
    ("EMAIL_FROM", "Rushes", "Rushes <rushes@"),
    ("EMAIL_FROM", "Rushes <rushes@h>\nBcc: eve@example.com", "Rushes <rushes@"),
    ("EMAIL_FROM", "", "Rushes <rushes@"),
    ("RUSHES_MODEL", " ", "hub id"),
    ("RUSHES_DEVICE", "tpu", "auto, cpu, cuda"),
    ("RUSHES_WORKERS", "17", "0 to 16"),
    ("RUSHES_PROXIES", "-1", "0 to 8"),
    ("RUSHES_WORKER_JOBS", "0", "1 to 64"),
    ("RUSHES_SIGN_UP", "", "on or off"),
    ("RUSHES_GUESTS", "2", "on or off"),
    ("RUSHES_LEASE_S", "1", "2 to 3600"),
    ("RUSHES_TAKE_DEADLINE_S", "1.5", "1 to 86400"),
    ("RUSHES_GUEST_LIMIT", "0", "1 to 100000"),
]


@pytest.mark.parametrize(("name", "given", "expected"), BAD)
def test_a_wrong_value_is_told_with_name_form_and_value_but_no_secret(
    monkeypatch: pytest.MonkeyPatch, name: str, given: str, expected: str
) -> None:
    monkeypatch.setenv(name, given)
    with pytest.raises(SettingError) as refused:
        env.read()
    said = str(refused.value)
    assert said.startswith(f"{name}: expected ")
    assert expected in said.partition(", got ")[0]
    assert "SECRETPW" not in said
    assert given[:1] in said or name == "RUSHES_SECRET_KEY"


def test_a_wrong_value_leaves_nothing_on_the_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RUSHES_PORT", "x")
    with pytest.raises(SettingError):
        env.read()
    assert not (tmp_path / "data").exists()


def test_secrets_are_masked_and_the_rest_is_told() -> None:
    assert masked("postgres://u:p@ss@h:1/x") == "postgres://***@h:1/x"
    assert masked("redis://h:6379/first") == "redis://h:6379/first"
    assert masked("file://rel/x") == "file://rel/x"


def test_a_file_of_settings_gives_way_to_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "settings"
    file.write_text("RUSHES_PORT=8100\nRUSHES_WORKERS=3\n")
    monkeypatch.setenv("RUSHES_ENV_FILE", str(file))
    monkeypatch.setenv("RUSHES_PORT", "8200")
    # Registered here, so that what the file puts into the environment is taken back.
    monkeypatch.setenv("RUSHES_WORKERS", "")
    del os.environ["RUSHES_WORKERS"]
    read = env.read()
    assert (read.port, read.workers) == (8200, 3)


def test_the_secret_key_is_made_once_and_is_its_owners_only(tmp_path: Path) -> None:
    key = env.read().secret_key
    path = tmp_path / "data" / "secret-key"
    assert len(key) == 96
    assert (env.read().secret_key, path.read_text(), path.stat().st_mode & 0o777) == (key, key, 0o600)
    assert [file.name for file in path.parent.iterdir()] == ["secret-key"]


def test_an_empty_secret_key_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "secret-key").write_text("\n")
    assert len(env.read().secret_key) == 96


def test_a_full_disk_leaves_no_half_secret_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SettingError, match=r"RUSHES_DATA: expected a folder .*No space left"):
        env.read()
    assert list((tmp_path / "data").iterdir()) == []
