"""What an HTTP request may cost before anything is known of who sends it: R-30 of SPEC-ROOM.md."""

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from studio.live.request import MAX_BODY_BYTES
from tests.helpers.studio import Studio

DEADLINE_S = 10.0
CHUNK = b"10000\r\n" + bytes(0x10000) + b"\r\n"


@pytest.fixture
def wire(studio: Studio) -> Iterator[socket.socket]:
    address = urlsplit(studio.url)
    with socket.create_connection((address.hostname, address.port), DEADLINE_S) as connection:
        yield connection


def begin(wire: socket.socket, header: str) -> None:
    host = "{}:{}".format(*wire.getpeername())
    wire.sendall(f"POST /try/ HTTP/1.1\r\nHost: {host}\r\n{header}\r\n\r\n".encode())


def answer(wire: socket.socket) -> bytes:
    """All that comes until the server ends it."""
    parts = []
    while part := wire.recv(65536):
        parts.append(part)
    return b"".join(parts)


def test_r30_a_body_that_is_said_to_be_too_large_is_refused_before_it_comes(wire: socket.socket) -> None:
    begin(wire, "Expect: 100-continue\r\nContent-Length: 400000000")
    said = answer(wire)
    assert said.startswith(b"HTTP/1.1 413 ")
    assert b"100 Continue" not in said


def test_r30_a_body_in_chunks_is_refused_once_it_is_too_large(wire: socket.socket) -> None:
    begin(wire, "Transfer-Encoding: chunked")
    # The last chunk comes with it: what is refused must not reach a view as a shorter body.
    wire.sendall(CHUNK * (MAX_BODY_BYTES // 0x10000 + 1) + b"0\r\n\r\n")
    said = answer(wire)
    assert said.startswith(b"HTTP/1.1 413 ")
    assert said.count(b"HTTP/1.1") == 1


def test_r30_whoever_is_refused_can_read_why_though_they_send_on(wire: socket.socket) -> None:
    begin(wire, f"Content-Length: {8 * MAX_BODY_BYTES}")
    wire.sendall(bytes(8 * MAX_BODY_BYTES))
    assert answer(wire).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunks"])
def test_r30_the_largest_body_is_taken(wire: socket.socket, chunked: bool) -> None:
    size = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {MAX_BODY_BYTES}"
    begin(wire, f"Connection: close\r\n{size}")
    wire.sendall(CHUNK * (MAX_BODY_BYTES // 0x10000) + b"0\r\n\r\n" if chunked else bytes(MAX_BODY_BYTES))
    assert answer(wire).startswith(b"HTTP/1.1 403 ")
