"""Who is where: rule D-11 of studio/live/SPEC.md."""

import asyncio
import json

import pytest

from studio.live.document_wire import State, awareness_payload
from studio.live.prescan import UpdateError
from studio.live.presence import GONE, MAX_CLIENTS, STALE_S, Presence, Speaker

ED = {"id": 2, "name": "Ed", "colour": 3, "role": "editor"}
VIC = {"id": 5, "name": "Vic", "colour": 1, "role": "viewer"}


class Told:
    """A presence, what it passed on, and a clock to move."""

    def __init__(self) -> None:
        self.now, self.states, self.news = 1000.0, list[State](), asyncio.Event()
        self.presence = Presence(self.tell, clock=lambda: self.now)

    def tell(self, _speaker: Speaker, state: State) -> None:
        self.states.append(state)
        self.news.set()

    def speaker(self, person: dict[str, object] = ED) -> Speaker:
        return Speaker(self.presence, person)


@pytest.fixture
def told() -> Told:
    return Told()


def payload(client: int, state: object, clock: int = 1) -> bytes:
    return awareness_payload([State(client, clock, json.dumps(state))])


async def test_d11_a_state_says_who_it_really_is(told: Told) -> None:
    told.speaker().hear(payload(7, {"user": {"name": "Olga", "id": 1, "role": "owner"}, "cursor": {"anchor": 1}}))
    [state] = told.states
    assert json.loads(state.text) == {"user": ED, "cursor": {"anchor": 1}}


async def test_d11_a_connection_speaks_for_one_client_only(told: Told) -> None:
    one, two = told.speaker(), told.speaker(VIC)
    one.hear(payload(7, {}))
    two.hear(awareness_payload([State(7, 99, '{"x":1}'), State(8, 1, "{}"), State(9, 1, "{}")]))
    assert [state.client for state in told.states] == [7, 8]
    assert two.client == 8


async def test_d11_what_is_said_back_of_others_is_left_out(told: Told) -> None:
    one, two = told.speaker(), told.speaker()
    one.hear(payload(7, {}))
    two.hear(payload(8, {}))
    two.hear(payload(7, {"stolen": True}, clock=50))
    two.leave()
    assert [(state.client, state.text == GONE) for state in told.states] == [(7, False), (8, False), (8, True)]


async def test_d11_leaving_is_told_with_a_higher_clock_and_coming_back_too(told: Told) -> None:
    one = told.speaker()
    one.hear(payload(7, {}, clock=900))
    one.leave()
    again = told.speaker()
    again.hear(payload(7, {}, clock=900))
    clocks = [state.clock for state in told.states]
    assert clocks == sorted(set(clocks))
    assert [state.text == GONE for state in told.states] == [False, True, False]


async def test_d11_a_client_that_is_back_already_is_not_told_gone(told: Told) -> None:
    one, again = told.speaker(), told.speaker()
    one.hear(payload(7, {}))
    again.hear(payload(7, {}))
    one.leave()
    assert GONE not in [state.text for state in told.states]


async def test_d11_of_more_than_ten_a_second_the_newest_is_kept(told: Told) -> None:
    one = told.speaker()
    for number in range(50):
        one.hear(payload(7, {"n": number}))
    assert [json.loads(state.text)["n"] for state in told.states] == [0]
    told.news.clear()
    await asyncio.wait_for(told.news.wait(), 5)
    assert json.loads(told.states[1].text)["n"] == 49
    one.leave()


@pytest.mark.parametrize(
    "text",
    [
        '{"a":"\\ud800"}',
        '{"\\udfff":1}',
        '{"a":["\\udc00\\ud800"]}',
        '{"a":NaN}',
        '{"a":Infinity}',
        '{"a":-Infinity}',
        '{"a":1e999}',
    ],
)
async def test_d11_a_state_that_no_browser_could_read_is_dropped(told: Told, text: str) -> None:
    told.speaker().hear(awareness_payload([State(7, 1, text)]))
    assert told.states == []
    assert told.presence.frame() is None


async def test_d11_what_could_not_be_told_is_not_remembered() -> None:
    def fail(_speaker: Speaker, _state: State) -> None:
        raise ValueError("not told")

    presence = Presence(fail)
    with pytest.raises(ValueError, match="not told"):
        Speaker(presence, ED).hear(payload(7, {}))
    assert presence.frame() is None


@pytest.mark.parametrize("text", ["[]", "3", '"x"', "{", "[" * 900, '{"x":"' + "y" * 1100 + '"}'])
async def test_d11_what_is_no_state_or_too_big_is_dropped(told: Told, text: str) -> None:
    told.speaker().hear(awareness_payload([State(7, 1, text)]))
    assert told.states == []


@pytest.mark.parametrize("data", [b"\x05", b"\x01\x07\x01\x05ab", b"\x01\x07\x01\x02\xff\xff", b"\x00\x00"])
async def test_d11_what_cannot_be_read_is_refused(told: Told, data: bytes) -> None:
    with pytest.raises(UpdateError):
        told.speaker().hear(data)


async def test_a_late_joiner_is_told_who_is_here_and_not_who_was(told: Told) -> None:
    one, two = told.speaker(), told.speaker(VIC)
    one.hear(payload(7, {}))
    two.hear(payload(8, {}))
    two.leave()
    told.presence.hear([State(20, 1, json.dumps({"user": VIC}))])
    assert [state.client for state in told.presence.states()] == [7, 20]
    assert [state.client for state in told.presence.states(local_only=True)] == [7]
    told.now += STALE_S + 1
    assert [state.client for state in told.presence.states()] == [7]


async def test_what_other_processes_repeat_is_no_news_and_cannot_speak_for_one_here(told: Told) -> None:
    told.speaker().hear(payload(7, {}))
    remote = State(20, 5, json.dumps({"user": VIC}))
    assert told.presence.hear([remote, State(7, 2**50, GONE)]) == [remote]
    assert told.presence.hear([remote, State(20, 4, GONE)]) == []
    assert told.presence.hear([State(20, 6, GONE)]) == [State(20, 6, GONE)]


async def test_a_room_remembers_a_bounded_number_of_clients(told: Told) -> None:
    for client in range(MAX_CLIENTS + 10):
        speaker = told.speaker()
        speaker.hear(payload(client, {}))
        speaker.leave()
    one = told.speaker()
    one.hear(payload(9999, {}))
    assert [state.client for state in told.presence.states()] == [9999]
