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


class StopRequestedError(Exception):
    """Somebody asked us to end."""


def _on_signal(number: int, frame: FrameType | None) -> None:
    raise StopRequestedError


def _ignore_signals() -> None:
    """A second Ctrl-C must not interrupt the orderly end."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def _stop_servers(servers: list[supervisor.KeptServer]) -> None:
    for kept in reversed(servers):
        kept.server.stop()


class Command(BaseCommand):
    """Starts Postgres, Valkey, web and worker, keeps them running, and ends them together."""

    help = "Run the whole studio: embedded servers where none are set, web and worker."

    def handle(self, *args: Any, **options: Any) -> None:
        begun = time.monotonic()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _on_signal)
        children: list[supervisor.Child] = []
        try:
            with ExitStack() as stack:
                servers = self._start_servers(stack)
                stack.callback(supervisor.stop, children)
                stack.callback(_ignore_signals)
                self._migrate()
                self._start_studio(children, begun)
                self._watch(children, servers)
        except StopRequestedError:
            self.stdout.write("Stopped; everything is kept.")
        except embedded.EmbeddedError as error:
            raise CommandError(str(error)) from error

    def _start_servers(self, stack: ExitStack) -> list[supervisor.KeptServer]:
        self._claim(stack, ENV.data)
        self._check_port()
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

    def _check_port(self) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((ENV.host, ENV.port))
            except OSError as error:
                raise CommandError(
                    f"cannot listen on {ENV.host}:{ENV.port} ({error.strerror}): set RUSHES_PORT to a free port"
                ) from None

    def _migrate(self) -> None:
        connection = connections[DEFAULT_DB_ALIAS]
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if plan:
            self.stdout.write(f"· Preparing the database ({len(plan)} migrations)")
            call_command("migrate", verbosity=0, interactive=False)
        connection.close()

    def _start_studio(self, children: list[supervisor.Child], begun: float) -> None:
        web = supervisor.Child("web", ("serve", "--host", ENV.host, "--port", str(ENV.port)))
        web.start()
        children.append(web)
        host = "127.0.0.1" if ENV.host == "0.0.0.0" else ENV.host
        self._await_page(f"http://{host}:{ENV.port}/healthz", web)
        self.stdout.write(f"· Web is up ({time.monotonic() - begun:.1f} s since the start)")
        # The worker comes after the first page: loading its model would slow that page down.
        for number in range(1, ENV.workers + 1):
            worker = supervisor.Child(f"worker {number}", ("worker",))
            worker.start()
            children.append(worker)
        self.stdout.write(self.style.SUCCESS(f"\nRushes is at {ENV.origins[0]}/   (Ctrl-C ends it)\n"))
        self.stdout.flush()

    def _await_page(self, address: str, web: supervisor.Child) -> None:
        deadline = time.monotonic() + PAGE_TIMEOUT_S
        while True:
            try:
                urllib.request.urlopen(address, timeout=5).close()
                return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                assert web.process is not None
                if web.process.poll() is not None or time.monotonic() > deadline:
                    raise CommandError("the web process did not answer; its messages are above") from None
                time.sleep(0.03)

    def _watch(self, children: list[supervisor.Child], servers: list[supervisor.KeptServer]) -> None:
        while True:
            for child in children:
                child.watch()
            for kept in servers:
                kept.watch()
            time.sleep(0.2)
