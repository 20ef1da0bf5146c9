"""The two frames that go past the server's queues, against those of another implementation of RFC 6455."""

import pytest
from websockets.frames import Frame, Opcode

from studio.live.shortcut import binary_frame, short_text


def from_client(opcode: Opcode, data: bytes, *, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=True)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 200_000])
def test_a_binary_frame_is_as_the_standard_has_it(size: int) -> None:
    payload = bytes(size)
    assert binary_frame(payload) == Frame(Opcode.BINARY, payload).serialize(mask=False)


@pytest.mark.parametrize("size", [1, 3, 4, 41, 125])
def test_a_whole_short_text_is_read(size: int) -> None:
    text = bytes(range(1, size + 1))
    assert short_text(from_client(Opcode.TEXT, text)) == text


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x81",
        from_client(Opcode.TEXT, b""),
        from_client(Opcode.TEXT, b"x" * 126),
        from_client(Opcode.BINARY, b"hello"),
        from_client(Opcode.PING, b"hello"),
        from_client(Opcode.CLOSE, b"\x03\xe8"),
        from_client(Opcode.TEXT, b"hello", fin=False),
        from_client(Opcode.TEXT, b"hello")[:-1],
        from_client(Opcode.TEXT, b"hello") + b"\x81",
        from_client(Opcode.TEXT, b"one") * 2,
        Frame(Opcode.TEXT, b"not masked").serialize(mask=False),
        b"\xc1" + from_client(Opcode.TEXT, b"reserved bit")[1:],
    ],
)
def test_anything_else_is_left_to_the_server(data: bytes) -> None:
    assert short_text(data) is None
