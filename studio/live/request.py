"""HTTP requests before anything is known of who sends them: they arrive within a minute, and hold a form at most.

Twisted writes a body of any size to a temporary file before a view can refuse it, and starts its time limit anew
with every byte. An answer may take as long as it takes: clips are streamed.
"""

from typing import Any

from daphne.http_protocol import HTTPFactory, WebRequest
from twisted.web import http

MAX_BODY_BYTES = 1024 * 1024
"""Forms and JSON of a few kilobytes come here; nothing is uploaded."""
REQUEST_TIMEOUT_S = 60
LINGER_S = 5
"""For so long a refused peer may go on sending: a connection that is closed at once takes the answer with it."""
_TOO_LARGE = b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Channel(http.HTTPChannel):  # type: ignore[misc]  # twisted's own types are partial
    """A connection. Each request has REQUEST_TIMEOUT_S from its first byte, and each first byte as long."""

    _waits, _is_refused = True, False

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - twisted's name
        if self._is_refused:
            return
        if self._waits:
            self._waits = False
            super().resetTimeout()
        super().dataReceived(data)

    def resetTimeout(self) -> None:  # noqa: N802 - twisted's name
        """Twisted would give more time for every byte."""

    def requestDone(self, request: Any) -> None:  # noqa: N802 - twisted's name
        self._waits = True
        super().requestDone(request)
        if not self.persistent:
            # Closing waits until all has gone out, and to a peer that does not read nothing goes.
            self.setTimeout(REQUEST_TIMEOUT_S)

    def refuse(self, answer: bytes) -> None:
        """Say the answer, then only throw away what comes."""
        self.transport.write(answer)
        self.transport.loseWriteConnection()
        self._is_refused = True
        self.setTimeout(LINGER_S)


class Request(WebRequest):  # type: ignore[misc]  # daphne has no types
    """A request whose body is counted as it comes."""

    _refused = False

    def gotLength(self, length: int | None) -> None:  # noqa: N802 - twisted's name
        too_large = length is not None and length > MAX_BODY_BYTES
        super().gotLength(0 if too_large else length)
        if too_large:
            self._refuse()

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802 - twisted's name
        if self._refused:
            return
        if self.content.tell() + len(data) > MAX_BODY_BYTES:
            self._refuse()
            return
        super().handleContentChunk(data)

    def process(self) -> Any:
        """Not for what was refused, even where all of it has come."""
        return None if self._refused else super().process()

    def handle_exception(self, exception: BaseException) -> None:
        """The application failed. Half an answer cannot become an error page: it is cut off, which a reader sees."""
        if self._response_started:
            self.abort()
        else:
            super().handle_exception(exception)

    def abort(self) -> None:
        """End the connection at once, with what of an answer has not gone out."""
        if self.channel is not None:
            self.channel.transport.abortConnection()

    def _refuse(self) -> None:
        self._refused = True
        # Else the channel would ask for the body next.
        self.requestHeaders.removeHeader(b"expect")
        self.channel.refuse(_TOO_LARGE)


class RequestFactory(HTTPFactory):  # type: ignore[misc]  # daphne has no types
    """Makes such connections and requests of Daphne's."""

    protocol = Channel

    def buildProtocol(self, addr: Any) -> Any:  # noqa: N802 - twisted's name
        channel = super().buildProtocol(addr)
        channel.requestFactory, channel.timeOut = Request, REQUEST_TIMEOUT_S
        return channel
