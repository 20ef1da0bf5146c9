"""``manage.py up``: the whole studio from one command, and its end with one Ctrl-C."""

import fcntl
import signal
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.migrations.executor import MigrationExecutor

# The one place where the studio reaches into the project: this command is what puts the parts together.
from project import embedded, supervisor
from project.settings import ENV

PAGE_TIMEOUT_S = 60.0
BACKLOG = 1024
"""Connections that wait while every web process is busy or starting; the system may cap it lower."""


class StopRequestedError(BaseException):
    """Somebody asked us to end. No Exception: it comes at any line, also inside what goes on after any of those."""


class Stop:
    """What a signal asks for: at once, by an exception, and for good.

    What Python calls for itself, around a fork or when an object goes, swallows exceptions: asked in such a moment, a
    studio ran on.
    """

    def __init__(self) -> None:
        self.is_asked = False

    def on_signal(self, number: int, frame: FrameType | None) -> None:
        """The handler of a signal."""
        self.is_asked = True
        raise StopRequestedError

    def check(self) -> None:
        """Raise what a signal raised, if there was one."""
        if self.is_asked:
            raise StopRequestedError


def _ignore_signals() -> None:
    """A second Ctrl-C must not interrupt the orderly end."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def _stop_servers(servers: list[supervisor.KeptServer]) -> None:
    for kept in reversed(servers):
        kept.server.stop()


def _check_workers_alone() -> None:
    """Without webs the studio is on another machine, and what it shares with this one has to be said."""
    shared = {
        "DATABASE_URL": bool(ENV.database_url),
        "REDIS_URL": bool(ENV.redis_url),
        "STORAGE_URL": ENV.storage.folder != ENV.data / "media",
    }
    missing = [name for name, is_said in shared.items() if not is_said]
    if missing and not ENV.webs:
        raise CommandError(f"RUSHES_WEBS=0 renders for a studio elsewhere: expected its {', '.join(missing)} too")


class Command(BaseCommand):
    """Starts Postgres, Valkey, webs and workers, keeps them running, and ends them together.

    The address is listened on here, and each web process inherits the open socket: the one that is free takes the
    next connection, one that died or hangs takes none, and while none is up connections wait instead of failing. One
    that hangs for long is ended, and started again.
    """

    help = "Run the whole studio: embedded servers where none are set, webs and workers."

    def handle(self, *args: Any, **options: Any) -> None:
        begun = time.monotonic()
        _check_workers_alone()
        self._stop = Stop()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop.on_signal)
        children: list[supervisor.Child] = []
        try:
            with ExitStack() as stack:
                self._claim(stack, ENV.data)
                listener = self._listen(stack) if ENV.webs else None
                servers = self._start_servers(stack)
                stack.callback(supervisor.stop, children)
                stack.callback(_ignore_signals)
                if listener is not None:
                    # Before the webs drain: a connection that nobody will take must not wait.
                    stack.callback(listener.close)
                    self._migrate()
                    self._start_webs(children, listener, begun)
                self._start_workers(children)
                self._watch(children, servers)
        except StopRequestedError:
            self.stdout.write("Stopped; everything is kept.")
        except embedded.EmbeddedError as error:
            raise CommandError(str(error)) from error

    def _start_servers(self, stack: ExitStack) -> list[supervisor.KeptServer]:
        servers: list[supervisor.KeptServer] = []
        stack.callback(_stop_servers, servers)
        if not ENV.database_url:
            servers.append(self._timed("Postgres", embedded.start_postgres))
        if not ENV.redis_url:
            servers.append(self._timed("Valkey", embedded.start_valkey))
        return servers

    def _timed(self, name: str, start: Callable[[Path], embedded.Server]) -> supervisor.KeptServer:
        begun = time.monotonic()
        server = start(ENV.data)
        self.stdout.write(f"· {name} is up ({time.monotonic() - begun:.1f} s)")
        return supervisor.KeptServer(server, partial(start, ENV.data))

    def _claim(self, stack: ExitStack, data: Path) -> None:
        """One studio a data folder: the lock is held while we live, however we end."""
        data.mkdir(parents=True, exist_ok=True)
        lock = stack.enter_context((data / "up.lock").open("w"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandError(
                f"a studio is already running on the data in {data}: stop it first, or set another RUSHES_DATA"
            ) from None

    def _listen(self, stack: ExitStack) -> socket.socket:
        listener = stack.enter_context(socket.socket())
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((ENV.host, ENV.port))
            listener.listen(BACKLOG)
        except OSError as error:
            raise CommandError(
                f"cannot listen on {ENV.host}:{ENV.port} ({error.strerror}): set RUSHES_PORT to a free port"
            ) from None
        return listener

    def _migrate(self) -> None:
        connection = connections[DEFAULT_DB_ALIAS]
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if plan:
            self.stdout.write(f"· Preparing the database ({len(plan)} migrations)")
            call_command("migrate", verbosity=0, interactive=False)
        connection.close()

    def _start_webs(self, children: list[supervisor.Child], listener: socket.socket, begun: float) -> None:
        descriptor = listener.fileno()
        for number in range(1, ENV.webs + 1):
            web = supervisor.Child(f"web {number}", ("serve", "--fd", str(descriptor)), (descriptor,), has_pulse=True)
            children.append(web)  # before it starts: a stop may come at any line
            web.start()
        host = "127.0.0.1" if ENV.host == "0.0.0.0" else ENV.host
        self._await_page(f"http://{host}:{ENV.port}/healthz", children)
        self.stdout.write(f"· Web is up ({time.monotonic() - begun:.1f} s since the start)")

    def _start_workers(self, children: list[supervisor.Child]) -> None:
        """Workers come after the first page: loading their model would slow that page down."""
        for number in range(1, ENV.workers + 1):
            worker = supervisor.Child(f"worker {number}", ("worker",))
            children.append(worker)
            worker.start()
        where = f"Rushes is at {ENV.origins[0]}/" if ENV.webs else "This machine renders for a studio elsewhere"
        self.stdout.write(self.style.SUCCESS(f"\n{where}   (Ctrl-C ends it)\n"))
        self.stdout.flush()

    def _await_page(self, address: str, webs: list[supervisor.Child]) -> None:
        """A web that ends before the first page would end again: better said at once."""
        deadline = time.monotonic() + PAGE_TIMEOUT_S
        while True:
            self._stop.check()
            try:
                urllib.request.urlopen(address, timeout=1).close()
                return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                if any(web.has_ended() for web in webs) or time.monotonic() > deadline:
                    raise CommandError("the web process did not answer; its messages are above") from None

    def _watch(self, children: list[supervisor.Child], servers: list[supervisor.KeptServer]) -> None:
        while True:
            self._stop.check()
            for child in children:
                child.watch()
            for kept in servers:
                kept.watch()
            time.sleep(0.2)
