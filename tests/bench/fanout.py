"""CPU of the web process for each preview packet and viewer, beside a bare ``websockets`` broadcast.

``python -m tests.bench.fanout [viewers] [packets]``. Both servers run in a process of their own, on the same
machine in the same run; clients read and acknowledge every packet.
"""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
from websockets.asyncio.client import ClientConnection, connect

from inference.wire import PreviewPacket
from tests.helpers.studio import Studio, free_port

PACKET_BYTES = 13_000
"""A step preview at 512×320."""
RATE_HZ = 20
ACK = '{"type":"preview.ack","v":1,"count":1}'

BARE = """
import asyncio, sys
from websockets.asyncio.server import broadcast, serve

async def main(port):
    viewers = set()
    async def handle(socket):
        if socket.request.path == "/source":
            async for packet in socket:
                broadcast(viewers, packet)
            return
        viewers.add(socket)
        async for _ in socket:
            pass
    async with serve(handle, "127.0.0.1", port, compression=None):
        await asyncio.get_running_loop().create_future()

asyncio.run(main(int(sys.argv[1])))
"""


async def measure(
    pid: int, viewers: list[ClientConnection], say: Callable[[bytes], Awaitable[object]], packets: int
) -> float:
    """Microseconds of CPU of a process for each packet and viewer."""
    data = PreviewPacket(uuid4(), 1, 1, 4, 25, 24, 512, 320, 0, ((0, os.urandom(PACKET_BYTES)),)).encode()
    watched = psutil.Process(pid)
    before = sum(watched.cpu_times()[:2])
    readers = [asyncio.create_task(_read(viewer, packets)) for viewer in viewers]
    for _ in range(packets):
        await say(data)
        await asyncio.sleep(1 / RATE_HZ)
    async with asyncio.timeout(10):
        await asyncio.gather(*readers)
    spent_s: float = sum(watched.cpu_times()[:2]) - before
    return spent_s / packets / len(viewers) * 1e6


async def _read(viewer: ClientConnection, packets: int) -> None:
    while packets:
        if isinstance(await viewer.recv(), bytes):
            packets -= 1
            await viewer.send(ACK)


async def bare(count: int, packets: int) -> float:
    """The floor: sockets and nothing else."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", BARE, str(port))
    address = f"ws://127.0.0.1:{port}"
    try:
        async with asyncio.timeout(10):
            source = await _connect_when_up(f"{address}/source")
        viewers = [await connect(address, compression=None) for _ in range(count)]
        return await measure(process.pid, viewers, source.send, packets)
    finally:
        process.terminate()
        await process.wait()


async def _connect_when_up(address: str) -> ClientConnection:
    while True:
        try:
            return await connect(address, compression=None)
        except OSError:
            await asyncio.sleep(0.05)


async def rushes(studio: Studio, project_id: Any, cookies: list[str], packets: int) -> float:
    """The room socket as it is: hub, credits, Daphne."""
    import redis.asyncio

    address = f"{studio.url.replace('http', 'ws', 1)}/ws/rooms/{project_id}/"
    options: Any = {"origin": studio.url, "compression": None}
    viewers = [await connect(address, additional_headers={"Cookie": cookie}, **options) for cookie in cookies]
    for viewer in viewers:
        await viewer.send('{"type":"hello","v":1}')
        await viewer.recv()
    client: redis.asyncio.Redis = redis.asyncio.Redis.from_url(studio.redis_url)
    async with client:
        (pid,) = studio.children("serve")
        return await measure(pid, viewers, lambda data: client.publish(f"rushes:room:{project_id}", data), packets)


def _rows(count: int) -> tuple[Any, list[str]]:
    """A project, and the cookies of as many viewers; at most twenty sockets are one person's."""
    import django

    django.setup()
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    from studio.models import Membership
    from tests.factories import Cast, make_person

    cast, cookies = Cast(), []
    for _ in range(-(-count // 20)):
        person = make_person()
        Membership.objects.create(workspace=cast.workspace, user=person, role="viewer")
        session = SessionStore()
        session[SESSION_KEY] = str(person.pk)
        session[BACKEND_SESSION_KEY] = "allauth.account.auth_backends.AuthenticationBackend"
        session[HASH_SESSION_KEY] = person.get_session_auth_hash()
        session.save()
        cookies += [f"sessionid={session.session_key}"] * 20
    return cast.project.pk, cookies[:count]


def main(count: int = 50, packets: int = 100) -> None:
    """Print both figures and their ratio."""
    data = Path(tempfile.mkdtemp(prefix="rushes-bench-"))
    os.environ |= {"DJANGO_SETTINGS_MODULE": "project.settings", "RUSHES_DATA": str(data), "RUSHES_ENV_FILE": ""}
    studio = Studio(data, RUSHES_WORKERS="0").start()
    try:
        project_id, cookies = _rows(count)
        ours = asyncio.run(rushes(studio, project_id, cookies, packets))
        floor = asyncio.run(bare(count, packets))
    finally:
        studio.stop()
        shutil.rmtree(data, ignore_errors=True)
    machine = subprocess.run(["uname", "-srm"], capture_output=True, text=True, check=True).stdout.strip()
    print(f"{machine}, {os.cpu_count()} cores; {count} viewers, {packets} packets of {PACKET_BYTES} bytes")
    print(f"a packet and viewer: Rushes {ours:.0f} µs, bare websockets {floor:.0f} µs, ratio {ours / floor:.2f}")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
