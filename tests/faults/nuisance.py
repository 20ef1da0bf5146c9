"""Clients of bad manners, in a process of their own so that they take no time from the bystander who is measured.

``python -m tests.faults.nuisance flood <url> <project> <cookie>`` or ``… drip <url> <connections>``, until killed.
Each prints a line with the close code of every connection that the server ended.
"""

import asyncio
import contextlib
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

HELLO, ACK = '{"type":"hello","v":1}', '{"type":"preview.ack","v":1,"count":1}'
FLOODS = 3


async def flood(url: str, project_id: str, cookie: str) -> None:
    """Send as fast as the sockets take, and come back whenever one is closed."""
    address = f"{url.replace('http', 'ws', 1)}/ws/rooms/{project_id}/"
    await asyncio.gather(*(_flood(address, url, cookie) for _ in range(FLOODS)))


async def _flood(address: str, url: str, cookie: str) -> None:
    while True:
        try:
            async with connect(address, additional_headers={"Cookie": cookie}, origin=url) as socket:  # type: ignore[arg-type]
                await socket.send(HELLO)
                while True:
                    await socket.send(ACK)
        except ConnectionClosed as error:
            print(error.rcvd.code if error.rcvd else 1006, flush=True)


async def drip(url: str, connections: str) -> None:
    """Requests that never end: a letter of a header ten times a second, each on a connection of its own."""
    await asyncio.gather(*(_drip(url.rpartition("/")[2]) for _ in range(int(connections))))


async def _drip(where: str) -> None:
    host, _, port = where.partition(":")
    while True:
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"GET / HTTP/1.1\r\nHost: {where}\r\nX-Slow: ".encode())
        with contextlib.suppress(OSError):
            while not reader.at_eof():
                writer.write(b"a")
                await writer.drain()
                await asyncio.sleep(0.1)
        print("ended", flush=True)


if __name__ == "__main__":
    asyncio.run(flood(*sys.argv[2:]) if sys.argv[1] == "flood" else drip(*sys.argv[2:]))
