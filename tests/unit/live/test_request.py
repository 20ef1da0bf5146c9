"""How long an HTTP request may take to arrive, and its answer to be read: R-30 and R-32 of SPEC-ROOM.md."""

from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.web import http

from studio.live.request import REQUEST_TIMEOUT_S, Channel

REQUEST = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"


class Slow(http.Request):  # type: ignore[misc]  # twisted's own types are partial
    """A request that the test answers."""

    def process(self) -> None:
        self.channel.answering = self


class Transport(StringTransport):  # type: ignore[misc]  # twisted's own types are partial
    """One to a peer that reads nothing: closing in order waits for ever."""

    def unregisterProducer(self) -> None:
        self.producer = None


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def channel(clock: Clock) -> Any:
    made: Any = Channel()
    made.requestFactory, made.callLater, made.timeOut = Slow, clock.callLater, REQUEST_TIMEOUT_S
    made.factory = http.HTTPFactory(reactor=clock)
    made.makeConnection(Transport())
    return made


def drip(channel: Any, clock: Clock, data: bytes, gap_s: float) -> None:
    for byte in data:
        if not channel.transport.disconnecting:
            channel.dataReceived(bytes([byte]))
            clock.advance(gap_s)


def test_r30_a_request_that_drips_in_is_closed_after_a_minute(channel: Any, clock: Clock) -> None:
    drip(channel, clock, REQUEST[:-1], REQUEST_TIMEOUT_S / (len(REQUEST) - 2))
    assert channel.transport.disconnecting


def test_r30_a_body_that_drips_in_is_closed_after_a_minute(channel: Any, clock: Clock) -> None:
    channel.dataReceived(b"POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\n")
    drip(channel, clock, bytes(99), REQUEST_TIMEOUT_S / 98)
    assert channel.transport.disconnecting


def test_r30_a_connection_that_says_nothing_is_closed(channel: Any, clock: Clock) -> None:
    clock.advance(REQUEST_TIMEOUT_S + 1)
    assert channel.transport.disconnecting


def test_r30_the_time_counts_from_the_first_byte_of_each_request(channel: Any, clock: Clock) -> None:
    for _ in range(3):
        clock.advance(REQUEST_TIMEOUT_S - 1)
        channel.dataReceived(REQUEST[:10])
        clock.advance(REQUEST_TIMEOUT_S - 1)
        channel.dataReceived(REQUEST[10:])
        channel.answering.finish()
    assert not channel.transport.disconnecting


def test_r32_a_last_answer_that_nobody_reads_is_cut_off(channel: Any, clock: Clock) -> None:
    channel.dataReceived(b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
    channel.answering.finish()
    assert (channel.transport.disconnecting, channel.transport.disconnected) == (True, False)
    clock.advance(REQUEST_TIMEOUT_S)
    clock.advance(channel.abortTimeout)
    assert channel.transport.disconnected


def test_r30_an_answer_may_take_as_long_as_it_takes(channel: Any, clock: Clock) -> None:
    channel.dataReceived(REQUEST)
    clock.advance(100 * REQUEST_TIMEOUT_S)
    assert not channel.transport.disconnecting
    channel.answering.finish()
