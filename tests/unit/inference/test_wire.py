"""Preview packets: what is encoded comes back, and what is not a packet is refused by name."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.wire import MAX_PREVIEW_FRAMES, PacketError, PreviewPacket

U16 = st.integers(0, 2**16 - 1)


@st.composite
def packets(draw: st.DrawFn) -> PreviewPacket:
    indices = sorted(draw(st.sets(st.integers(0, 199), max_size=MAX_PREVIEW_FRAMES)))
    return PreviewPacket(
        take_id=draw(st.uuids()),
        attempt=draw(st.integers(0, 255)),
        step=draw(U16),
        steps=draw(U16),
        clip_frames=draw(st.integers(200, 2**16 - 1)),
        rate_hz=draw(U16),
        width=draw(U16),
        height=draw(U16),
        left_ms=draw(st.integers(0, 2**32 - 1)),
        frames=tuple((index, draw(st.binary(max_size=40))) for index in indices),
    )


@given(packets())
def test_a_packet_comes_back_as_it_was(packet: PreviewPacket) -> None:
    assert PreviewPacket.decode(packet.encode()) == packet


@given(packets(), st.integers(1, 200))
def test_a_packet_cut_inside_is_refused_or_shorter(packet: PreviewPacket, cut: int) -> None:
    data = packet.encode()[:-cut]
    try:
        shorter = PreviewPacket.decode(data)
    except PacketError:
        return
    assert shorter.frames == packet.frames[: len(shorter.frames)]


@given(st.binary(max_size=400))
def test_any_bytes_give_a_packet_or_a_packet_error(data: bytes) -> None:
    try:
        packet = PreviewPacket.decode(b"RP\x01" + data)
    except PacketError:
        return
    assert packet.encode() == b"RP\x01" + data


def packet_of(*frames: tuple[int, bytes]) -> bytes:
    return PreviewPacket(uuid.UUID(int=1), 1, 1, 8, 70, 8, 96, 64, 100, frames).encode()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "at least"),
        (b"XX" + packet_of()[2:], "expected b'RP' version 1"),
        (b"RP\x02" + packet_of()[3:], "version 2"),
        (packet_of() + b"\x00", "inside a frame's header"),
        (packet_of((3, b"abc"))[:-1], "frame 3: expected 3 bytes, got 2"),
        (packet_of((3, b"a"), (3, b"b")), "expected an index from 4 to 69"),
        (packet_of((70, b"a")), "expected an index from 0 to 69"),
        (packet_of(*((index, b"") for index in range(65))), "more than 64 frames"),
    ],
)
def test_a_wrong_packet_is_refused_by_name(data: bytes, message: str) -> None:
    with pytest.raises(PacketError, match=message):
        PreviewPacket.decode(data)
