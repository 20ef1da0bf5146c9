"""The golden preview packets, which the page's tests read too."""

import json

import pytest

from inference.wire import PacketError, PreviewPacket
from tests.fixtures.wire.write import FOLDER, fields, samples

NAMES = sorted(path.stem for path in FOLDER.glob("*.bin"))


def test_the_files_are_what_the_wire_writes_now() -> None:
    expected = samples()
    assert sorted(expected) == NAMES
    for name, (data, description) in expected.items():
        assert (FOLDER / f"{name}.bin").read_bytes() == data
        assert json.loads((FOLDER / f"{name}.json").read_text()) == description


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("bad_")])
def test_a_packet_is_read_as_its_description_says(name: str) -> None:
    data = (FOLDER / f"{name}.bin").read_bytes()
    packet = PreviewPacket.decode(data)
    assert fields(packet) == json.loads((FOLDER / f"{name}.json").read_text())
    assert packet.encode() == data


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("bad_")])
def test_what_is_no_packet_is_refused(name: str) -> None:
    with pytest.raises(PacketError):
        PreviewPacket.decode((FOLDER / f"{name}.bin").read_bytes())
