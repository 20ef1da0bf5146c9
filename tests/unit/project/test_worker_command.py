"""How ``manage.py worker`` ends."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from project.env import ROOT

HELD_S = 60
PROGRAM = """
import asyncio, logging, threading, time, uuid
import django
django.setup()
from studio.jobs import worker
from studio.management.commands.worker import _until_stopped

async def run(renderer, node_id, ready):
    held = threading.Event()
    def put():
        held.set()
        time.sleep({held_s})
    asyncio.get_running_loop().run_in_executor(None, put)
    held.wait()
    logging.getLogger("studio").warning("the last line")
    {end}

worker.run = run
asyncio.run(_until_stopped(None, uuid.uuid4(), None))
"""


@pytest.mark.parametrize(("end", "code"), [("return", 0), ("raise OSError('Postgres is away')", 1)])
def test_a_worker_ends_though_a_thread_waits_for_a_store_that_says_nothing(end: str, code: int, tmp_path: Path) -> None:
    begun_s = time.monotonic()
    program = PROGRAM.format(held_s=HELD_S, end=end)
    environment = {"DJANGO_SETTINGS_MODULE": "project.settings", "RUSHES_ENV_FILE": "", "RUSHES_DATA": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    assert time.monotonic() - begun_s < HELD_S / 2
    assert "the last line" in done.stderr
    assert ("Postgres is away" in done.stderr) == bool(code)
