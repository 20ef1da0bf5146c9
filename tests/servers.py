"""A pytest plugin, loaded before Django's settings: a Postgres and a Valkey of this run's own.

Nothing of the developer's is read or written: no ``.env``, no data folder, no server that they run.
"""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.helpers import patient

DATA = Path(tempfile.mkdtemp(prefix="rushes-test-"))
# Where the servers' unprivileged user must pass when the tests run as root.
DATA.chmod(0o755)
for name in ("DATABASE_URL", "REDIS_URL", "STORAGE_URL", "RUSHES_SECRET_KEY", "RUSHES_ORIGINS"):
    os.environ.pop(name, None)
os.environ["RUSHES_ENV_FILE"] = ""
os.environ["RUSHES_DATA"] = str(DATA)
os.environ["RUSHES_MODEL"] = str(patient.model())

_started: list[object] = []


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart() -> None:
    from project import embedded

    fast = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
    _started.append(embedded.start_postgres(DATA, options=fast))
    _started.append(embedded.start_valkey(DATA))


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    from project.embedded import Server

    for server in reversed(_started):
        assert isinstance(server, Server)
        server.stop()
    shutil.rmtree(DATA, ignore_errors=True)
