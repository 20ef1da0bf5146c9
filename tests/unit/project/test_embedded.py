"""The embedded servers: real binaries, started on folders of this test's own."""

import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from project import embedded
from project.env import ROOT


@pytest.fixture
def data() -> Iterator[Path]:
    """A data folder that the servers' own user can reach, as pytest's tmp_path may not be."""
    folder = Path(tempfile.mkdtemp(prefix="rushes-emb-"))
    folder.chmod(0o755)
    yield folder
    for place in {folder, embedded.home(folder), embedded.run_folder(folder)}:
        shutil.rmtree(place, ignore_errors=True)


def connect(data: Path) -> "psycopg.Connection[tuple[object, ...]]":
    return psycopg.connect(embedded.database_url(data), autocommit=True)


def test_what_was_written_is_there_after_a_restart(data: Path) -> None:
    server = embedded.start_postgres(data)
    with connect(data) as link:
        link.execute("CREATE TABLE kept AS SELECT 7 AS number")
    server.stop()
    server = embedded.start_postgres(data)
    with connect(data) as link:
        assert link.execute("SELECT number FROM kept").fetchone() == (7,)
    server.stop()


def test_half_a_cluster_that_a_ctrl_c_left_is_made_anew(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = embedded.home(data) / "postgres"

    def interrupted(command: list[object], **options: object) -> None:
        part = Path(str(command[2]).removeprefix("--pgdata="))
        (part / "base").mkdir()
        (part / "PG_VERSION").write_text("17\n")
        raise KeyboardInterrupt

    with monkeypatch.context() as once:
        once.setattr(subprocess, "run", interrupted)
        with pytest.raises(KeyboardInterrupt):
            embedded.start_postgres(data)
    assert not (place / "PG_VERSION").exists()
    server = embedded.start_postgres(data)
    with connect(data) as link:
        assert link.execute("SELECT 1").fetchone() == (1,)
    server.stop()


def test_something_else_in_the_place_of_the_cluster_is_named(data: Path) -> None:
    place = embedded.home(data) / "postgres"
    place.mkdir(parents=True)
    (place / "notes.txt").write_text("mine")
    with pytest.raises(embedded.EmbeddedError, match=r"expected a cluster or an empty folder"):
        embedded.start_postgres(data)
    assert (place / "notes.txt").read_text() == "mine"


def test_nothing_listens_on_tcp_and_no_stranger_can_enter_the_sockets(data: Path) -> None:
    server = embedded.start_postgres(data)
    with connect(data) as link:
        assert link.execute("SHOW listen_addresses").fetchone() == ("",)
    assert embedded.run_folder(data).stat().st_mode & 0o777 == 0o700
    server.stop()


def test_data_of_another_major_version_is_refused_with_what_to_do(data: Path) -> None:
    embedded.start_postgres(data).stop()
    (embedded.home(data) / "postgres" / "PG_VERSION").write_text("9\n")
    with pytest.raises(embedded.EmbeddedError, match=r"written by Postgres 9, and this release brings .*pg_dump"):
        embedded.start_postgres(data)


def test_a_server_that_cannot_start_tells_the_end_of_its_log(data: Path) -> None:
    embedded.start_postgres(data).stop()
    with pytest.raises(embedded.EmbeddedError, match="no_such_setting"):
        embedded.start_postgres(data, options=("no_such_setting=1",))


def test_valkey_answers_and_keeps_nothing(data: Path) -> None:
    server = embedded.start_valkey(data)
    with redis.Redis.from_url(embedded.redis_url(data)) as client:
        client.set("key", "value")
    server.stop()
    server = embedded.start_valkey(data)
    with redis.Redis.from_url(embedded.redis_url(data)) as client:
        assert client.get("key") is None
    server.stop()


def test_a_deep_data_folder_still_gets_sockets_of_a_legal_length(data: Path) -> None:
    deep = data / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    assert len(str(embedded.run_folder(deep))) <= embedded.SOCKET_PATH_LIMIT
    server = embedded.start_postgres(deep)
    with connect(deep) as link:
        assert link.execute("SELECT 1").fetchone() == (1,)
    server.stop()
    shutil.rmtree(embedded.run_folder(deep))


def test_a_server_ends_when_its_parent_is_killed(data: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from project import embedded\n"
        "server = embedded.start_valkey(Path(sys.argv[1])); print(server.process.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", program, str(data)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent.stdout:
        server_id = int(parent.stdout.readline())
        watch = os.pidfd_open(server_id)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    _await_end(watch)


def _await_end(watch: int) -> None:
    """A process's descriptor becomes readable when it ends."""
    try:
        assert select.select([watch], [], [], 10.0)[0], "the server outlived its parent"
    finally:
        os.close(watch)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has a folder that the servers' user cannot enter")
def test_as_root_the_servers_move_to_where_their_own_user_can_go(data: Path) -> None:
    closed = data / "closed"
    closed.mkdir(mode=0o700)
    home = embedded.home(closed / "data")
    assert home.is_relative_to("/var/lib/rushes")
    server = embedded.start_postgres(closed / "data")
    with connect(closed / "data") as link:
        assert link.execute("SELECT 1").fetchone() == (1,)
    server.stop()
    shutil.rmtree(home)
