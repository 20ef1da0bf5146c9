"""The id of a request: in its log lines, and on its response."""

import uuid
from typing import Any

import pytest

from project.traced import HEADER, Traced
from studio import trace

ROOM, TAKE = str(uuid.uuid4()), str(uuid.uuid4())


async def ids_of(path: str, type_: str = "http", given: bytes = b"", *, behind_proxy: bool = False) -> Any:
    """The ids inside a request, and the headers of what it answered."""
    seen: list[Any] = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        seen.append(dict(trace.current()))
        await send({"type": f"{type_}.response.start", "status": 200, "headers": [(b"a", b"b")]})

    async def send(message: dict[str, Any]) -> None:
        seen.append(dict(message["headers"]))

    headers = [(HEADER, given)] if given else []
    await Traced(inner, behind_proxy=behind_proxy)({"type": type_, "path": path, "headers": headers}, None, send)  # type: ignore[arg-type]
    return seen


async def test_each_request_has_an_id_of_its_own_and_its_response_bears_it() -> None:
    (one, answered), (other, _) = await ids_of("/"), await ids_of("/")
    assert answered == {b"a": b"b", HEADER: one["request"].encode()}
    assert one["request"] != other["request"]
    assert set(one) == {"request"}


@pytest.mark.parametrize(
    ("path", "named"),
    [
        (f"/ws/rooms/{ROOM}/", {"room": ROOM}),
        (f"/ws/rooms/{ROOM}/doc", {"room": ROOM}),
        (f"/projects/{ROOM}/invite/", {"room": ROOM}),
        (f"/media/takes/{TAKE}/clip.mp4", {"take": TAKE}),
        (f"/projects/{ROOM}x/", {}),
        ("/projects/new/", {}),
        ("/join/" + "0" * 36, {}),
    ],
)
async def test_an_address_names_its_room_or_take(path: str, named: dict[str, str]) -> None:
    (ids, _) = await ids_of(path)
    assert {name: value for name, value in ids.items() if name != "request"} == named


async def test_the_id_of_a_trusted_proxy_is_kept_and_a_strangers_is_not() -> None:
    assert (await ids_of("/", given=b"edge-7.1", behind_proxy=True))[0]["request"] == "edge-7.1"
    assert (await ids_of("/", given=b"edge-7.1"))[0]["request"] != "edge-7.1"
    for forged in (b"a b", b"a\nb", b"x" * 65, b"caf\xe9"):
        assert (await ids_of("/", given=forged, behind_proxy=True))[0]["request"].encode() != forged


async def test_a_socket_has_an_id_too_and_its_messages_are_left_alone() -> None:
    ids, headers = await ids_of(f"/ws/rooms/{ROOM}/", "websocket")
    assert set(ids) == {"request", "room"}
    assert headers == {b"a": b"b"}
