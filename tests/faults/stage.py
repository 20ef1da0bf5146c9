"""The processes of a studio one by one, so that a test decides which of them dies, hangs, stops or comes back.

They are the commands that ``manage.py up`` runs, without the supervisor that would start them again at once.
"""

import os
import shutil
import signal
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from django.db import connections

from project import embedded
from tests.faults.part import Part
from tests.helpers.studio import free_port

LEASE_S = 3
START_TIMEOUT_S = 60.0
READY = "Worker is ready"
LIGHT = ("-m", "tests.faults.light_worker")


def long(usual: int, counted: int) -> int:
    """How many times, or how long: the long count where ``RUSHES_FAULTS=long``, which ``make faults`` sets."""
    return counted if os.environ.get("RUSHES_FAULTS") == "long" else usual


def wait_until(holds: Callable[[], object], within_s: float, what: str) -> float:
    """Look until something holds; how long that took. It may be in another process, which cannot wake us."""
    begun_s = time.monotonic()
    while not holds():
        assert time.monotonic() - begun_s < within_s, f"not within {within_s} s: {what}"
        time.sleep(0.02)
    return time.monotonic() - begun_s


class Stage:
    """A Postgres, a Valkey, two web processes at addresses of their own, and the workers that a test wants."""

    def __init__(self, **settings: str) -> None:
        self.data = Path(tempfile.mkdtemp(prefix="rushes-faults-"))
        self.data.chmod(0o755)
        self.urls = [f"http://127.0.0.1:{free_port()}" for _ in range(2)]
        self.database_url, self.redis_url = embedded.database_url(self.data), embedded.redis_url(self.data)
        self._settings = {"RUSHES_LEASE_S": str(LEASE_S), "RUSHES_ORIGINS": ",".join(self.urls), **settings}
        self.webs = [
            self.part(f"web-{number}", "manage.py", "serve", "--host", "127.0.0.1", "--port", url.rpartition(":")[2])
            for number, url in enumerate(self.urls)
        ]
        self._workers: list[Part] = []
        self._names = 0

    def part(self, name: str, *words: str, **settings: str) -> Part:
        """A process of this studio, not started yet."""
        environment = {**os.environ, "RUSHES_ENV_FILE": "", "RUSHES_DATA": str(self.data), **self._settings, **settings}
        return Part(name, [sys.executable, *words], environment, self.data)

    def start(self) -> "Stage":
        """Start the servers and both web processes."""
        self.postgres, self.valkey = embedded.start_postgres(self.data), embedded.start_valkey(self.data)
        migrating = self.part("migrate", "manage.py", "migrate", "--verbosity", "0").start()
        migrating.wait(START_TIMEOUT_S)
        self.mend()
        return self

    def mend(self) -> None:
        """Start again whatever a test has left dead, asleep or spoilt."""
        if self.postgres.process.poll() is not None:
            self.postgres = embedded.start_postgres(self.data)
        if self.valkey.process.poll() is not None:
            self.valkey = embedded.start_valkey(self.data)
        for web in self.webs:
            if not web.is_alive:
                web.start()
        for web in self.webs:
            web.signal(signal.SIGCONT)
            self.await_web(web)

    def await_web(self, web: Part) -> float:
        """Wait until a web process answers; how long that took."""
        return wait_until(lambda: self.answers(web), START_TIMEOUT_S, f"{web.name} answers; {web.said()[-2000:]}")

    def answers(self, web: Part) -> bool:
        """Whether a web process answers."""
        try:
            with urllib.request.urlopen(f"{self.urls[self.webs.index(web)]}/healthz", timeout=2):
                return True
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def workers(self, count: int) -> list[Part]:
        """So many healthy workers of the usual kind and no other, each with its model loaded."""
        self._workers = [worker for worker in self._workers if worker.is_alive]
        for surplus in self._workers[count:]:
            surplus.stop()
        del self._workers[count:]
        while len(self._workers) < count:
            self._workers.append(self.worker())
        for worker in self._workers:
            self.await_worker(worker)
        return list(self._workers)

    def worker(self, *words: str, **settings: str) -> Part:
        """Start a worker, perhaps of another kind; its test ends it."""
        self._names += 1
        return self.part(f"worker-{self._names}", *(words or ("manage.py", "worker")), **settings).start()

    def await_worker(self, worker: Part) -> float:
        """Wait until a worker has its model loaded; how long that took."""

        def ready() -> bool:
            assert worker.is_alive, f"{worker.name} ended:\n{worker.said()[-4000:]}"
            return READY in worker.said()

        return wait_until(ready, START_TIMEOUT_S, f"{worker.name} is ready")

    def stop_postgres(self) -> None:
        """As ``pg_ctl stop -m immediate``: no goodbye to anybody, recovery at the next start."""
        self.postgres.process.send_signal(signal.SIGQUIT)
        self.postgres.process.wait(10)

    def start_postgres(self) -> None:
        self.postgres = embedded.start_postgres(self.data)

    @contextmanager
    def hung_postgres(self) -> Iterator[None]:
        """Postgres with all its processes asleep: it takes connections and answers none."""
        connections.close_all()  # one whose process sleeps would be asked, and never answer
        postmaster = psutil.Process(self.postgres.process.pid)
        family = [postmaster]
        try:
            postmaster.suspend()
            family += postmaster.children(recursive=True)  # no others come now
            for each in family:
                with suppress(psutil.NoSuchProcess):
                    each.suspend()
            yield
        finally:
            for each in family:
                with suppress(psutil.NoSuchProcess):
                    each.resume()

    def kill_valkey(self) -> None:
        self.valkey.process.kill()
        self.valkey.process.wait(10)

    def start_valkey(self) -> None:
        self.valkey = embedded.start_valkey(self.data)

    def stop(self) -> None:
        """End everything, and remove what it wrote."""
        for part in (*self._workers, *self.webs):
            if part.is_alive:
                part.signal(signal.SIGCONT)
                part.signal(signal.SIGTERM)
        for part in (*self._workers, *self.webs):
            if part.is_alive:
                part.wait()
        for server in (self.valkey, self.postgres):
            server.stop()
        shutil.rmtree(self.data, ignore_errors=True)

    def tail(self, size: int = 2500) -> str:
        """The ends of all logs."""
        return "\n".join(f"--- {log.name}\n{log.read_text(errors='replace')[-size:]}" for log in self._logs())

    def _logs(self) -> list[Path]:
        return sorted(self.data.glob("*.log"))
