"""What the pre-scan lets through: rules D-2 and D-3 of studio/live/SPEC.md."""

import contextlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.live.prescan import GC, MAX_VALUE_BYTES, UpdateError, scan, scan_vector
from tests.helpers.yjs import Writers, seeded, setting, sized, varuint

SEEN_IN_THE_WILD = {
    "no structs; panics on apply": "0100e8070000",
    "a run of 2^32; the encoder panics for ever": "0101d00f0100808080801000",
    "a list; its own encoding cannot be loaded": "010101050201016101032261220205010000d00f010101",
    "text in an array; reading it never ends": "010101000401016104f09f8eac00",
}
HEAD = "01010100"
"""One client, one struct, client 1, clock 0."""
CRAFTED = {
    "a list in a map": HEAD + "2801010573686f747301610175017e00",
    "an array as a shot": HEAD + "27010573686f7473016100" + "00",
    "an XML element as a shot": HEAD + "27010573686f7473016103016100",
    "a value as a shot, of kind JSON": HEAD + "22010573686f747301610101" + "3100",
    "a subdocument": HEAD + "29010573686f7473016101" + "617600",
    "rich text": HEAD + "8601000000",
    "an embed": HEAD + "8501000000",
    "another root": HEAD + "2701036162630161" + "0100",
    "a reference to itself": HEAD + "840100016100",
    "a reference to what comes after it": HEAD + "840105016100",
    "an empty text": HEAD + "8402000000",
    "text that is not UTF-8": HEAD + "84020002c32800",
    "a deleted run of no length": HEAD + "0000",
    "a client twice": "02" + HEAD[2:] + "0001" + HEAD[2:] + "000100",
    "bytes after the end": "000000",
    "a length beyond the end": HEAD + "840200ffff036100",
    "an integer of ten bytes": "ffffffffffffffffff0100",
    "a client id above 2^53": "0101ffffffffffffffff7f00000100",
    "deletions of a client twice": "0002010100010101000101",
    "deletions of nothing": "000101010000",
    "nothing at all": "",
}


@pytest.mark.parametrize("vector", [*SEEN_IN_THE_WILD.values(), *CRAFTED.values()], ids=[*SEEN_IN_THE_WILD, *CRAFTED])
def test_d3_poison_is_refused(vector: str) -> None:
    with pytest.raises(UpdateError, match=r"expected"):
        scan(bytes.fromhex(vector))


def test_d3_nested_values_are_refused_at_the_first_level() -> None:
    nested = b"\x75\x01" * 26_000 + b"\x7e"
    assert len(setting((1, 2), nested)) > 52_000
    with pytest.raises(UpdateError, match="single value expected"):
        scan(setting((1, 2), nested))


@pytest.mark.parametrize(
    "value",
    [b"\x76\x00", b"\x74\x01\x00", b"\x7a" + bytes(8), b"\x7b\x7f\xf8" + bytes(6), b"\x7c\x7f\x80\x00\x00",
     b"\x77" + sized(b"x" * (MAX_VALUE_BYTES + 1))],
    ids=["object", "bytes", "big integer", "NaN", "infinity", "long text"],
)  # fmt: skip
def test_d3_values_that_are_not_single_finite_and_short_are_refused(value: bytes) -> None:
    with pytest.raises(UpdateError):
        scan(setting((1, 2), value))


@pytest.mark.parametrize(
    "value", [b"\x7e", b"\x7f", b"\x78", b"\x7d\x05", b"\x7b" + bytes(8), b"\x77" + sized(b"neon")]
)
def test_d3_single_values_pass(value: bytes) -> None:
    assert scan(setting((1, 2), value)).sections[0].structs[0].key == b"style"


def test_d3_what_honest_clients_send_passes() -> None:
    writers = Writers(count=3, seed=5)
    for update in [*writers.write(300), seeded().get_update(), writers.docs[0].get_update()]:
        scan(update)


def test_d3_every_honest_update_that_is_cut_short_is_refused() -> None:
    for update in Writers(seed=6).write(40):
        for length in range(len(update)):
            with pytest.raises(UpdateError):
                scan(update[:length])


def test_lengths_are_counted_in_utf_16() -> None:
    head = bytes.fromhex("010101008402")
    assert scan(head + b"\x00" + sized("é🎬".encode()) + b"\x00").sections[0].structs[0].length == 3


def test_deleted_content_may_be_long_in_clocks() -> None:
    [section] = scan(bytes.fromhex(HEAD) + bytes([GC]) + varuint(2**30) + b"\x00").sections
    assert section.structs[0].length == 2**30


@given(st.binary(max_size=200))
def test_d3_any_bytes_are_read_or_refused(data: bytes) -> None:
    for reader in (scan, scan_vector):
        with contextlib.suppress(UpdateError):
            reader(data)


@given(st.integers(0, 10_000), st.integers(0, 2**32))
def test_d3_honest_updates_with_bytes_changed_are_read_or_refused(seed: int, flips: int) -> None:
    chance = random.Random(flips)
    data = bytearray(Writers(count=1, seed=seed % 50).write(1)[0])
    for _ in range(chance.randint(1, 4)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    with contextlib.suppress(UpdateError):
        scan(bytes(data))
