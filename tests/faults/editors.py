"""Clients that log: each edit with its client and clock, and whether the server has acknowledged it.

An ``Editor`` does what the page does: it keeps its document while it is away, comes back by itself, and then sends
what the server lacks. Each edit is one letter that nobody else writes, or the removal of one such letter.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pycrdt import Doc, Map, Text
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from studio.live.document_wire import step_1, step_2, update_frame
from studio.live.prescan import Cursor, read, scan_vector

DEADLINE_S = 20.0
SAVED = 100
STEP_1, STEP_2, UPDATE = b"\x00\x00", b"\x00\x01", b"\x00\x02"
FIRST_BACKOFF_S, LAST_BACKOFF_S = 0.1, 2.5
"""As y-websocket waits before it tries again."""
COMES_BACK = {1000, 1001, 1006, 1011, 1012, 4408, 4429, 4503}
"""After any other close code a page does not try again by itself."""
AWAY = (OSError, TimeoutError, InvalidHandshake, ConnectionClosed)


async def until(holds: Callable[[], object], within_s: float, what: str) -> float:
    """Look until something holds; how long that took."""
    begun_s = time.monotonic()
    while not holds():
        assert time.monotonic() - begun_s < within_s, f"not within {within_s} s: {what}"
        await asyncio.sleep(0.02)
    return time.monotonic() - begun_s


def letters() -> Iterator[str]:
    """Letters of which each comes once; all of three bytes, so that a place in a text is easily found."""
    return map(chr, range(0x4E00, 0xA000))


@dataclass(frozen=True)
class Edit:
    """One letter written or removed. ``clock`` is its writer's after it."""

    letter: str
    clock: int
    is_removal: bool = False


@dataclass
class Ack:
    """Up to which edit one frame goes."""

    edits: int
    clock: int


@dataclass
class Absence:
    """A connection that was lost, and when this client had everything again."""

    lost_at_s: float
    back_at_s: float = 0.0


@dataclass
class Editor:
    """One tab of one person. ``urls`` are the addresses that it tries in turn, the first one first."""

    urls: Sequence[str]
    project_id: object
    cookie: str
    shot: str
    ink: Iterator[str]
    chance: random.Random
    doc: "Doc[Any]" = field(default_factory=Doc)
    log: list[Edit] = field(default_factory=list)
    acknowledged: int = 0
    absences: list[Absence] = field(default_factory=list)
    ack_delays_s: list[tuple[float, float]] = field(default_factory=list)
    """When each acknowledgement came, and how long after its frame was sent."""
    close_codes: list[int] = field(default_factory=list)
    forgotten: int = 0
    """Clocks that were acknowledged, and that the server did not have when this client came back."""
    is_synced: bool = False
    url: str = ""

    def __post_init__(self) -> None:
        self.doc.get("shots", type=Map)
        self._acknowledged_clock = 0
        self._frames: list[tuple[Ack, float]] = []
        self._socket: ClientConnection | None = None
        self._answered, self._online = False, asyncio.Event()
        self._online.set()
        self._outbox: asyncio.Queue[bytes] = asyncio.Queue()
        self._task = asyncio.create_task(self._live())

    @property
    def text(self) -> str:
        """The prompt as it reads here; "" before it is here."""
        shots = self.doc.get("shots", type=Map)
        return str(shots[self.shot]["prompt"]) if self.shot in shots else ""

    @property
    def port(self) -> int:
        """Our end of the connection; 0 while there is none."""
        return int(self._socket.local_address[1]) if self._socket is not None else 0

    @property
    def is_saved(self) -> bool:
        return self.is_synced and self.acknowledged == len(self.log)

    def write(self) -> str:
        """One letter at a place of chance; the letter."""
        letter = next(self.ink)
        self._insert(letter)
        return letter

    def edit(self) -> None:
        """One letter, or now and then one of our own away."""
        standing = {edit.letter for edit in self.log} - {edit.letter for edit in self.log if edit.is_removal}
        if standing and self.chance.random() < 0.1:
            self._remove(self.chance.choice(sorted(standing)))
        else:
            self.write()

    async def ready(self) -> "Editor":
        """Wait until all there is is here."""
        what = f"an editor at {self.url} has the document"
        await until(lambda: self.is_synced or self._task.done(), DEADLINE_S, what)
        self.check()
        return self

    async def saved(self) -> None:
        """Wait until all that was written here is acknowledged."""
        await until(lambda: self.is_saved or self._task.done(), DEADLINE_S, "an editor's edits are acknowledged")
        self.check()

    def check(self) -> None:
        """Raise what ended this client, if anything did."""
        if self._task.done() and not self._task.cancelled():
            self._task.result()

    def go_offline(self) -> None:
        """Cut the connection; nothing is tried until ``go_online``."""
        self._online.clear()
        if self._socket is not None:
            self._socket.transport.abort()

    def go_online(self) -> None:
        self._online.set()

    def ack_p95_s(self, since_s: float = 0.0) -> float:
        """How long acknowledgements took that came since then: the 95th of a hundred."""
        delays = sorted(delay for at, delay in self.ack_delays_s if at >= since_s)
        return delays[int(0.95 * (len(delays) - 1))]

    async def leave(self) -> None:
        """Close the tab."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self.is_synced = False

    def _prompt(self) -> Text:
        prompt: Text = self.doc["shots"][self.shot]["prompt"]
        return prompt

    def _insert(self, letter: str) -> None:
        text = self.text
        at = len(text[: self.chance.randrange(len(text) + 1)].encode())
        self._change(lambda: self._prompt().insert(at, letter), letter, is_removal=False)

    def _remove(self, letter: str) -> None:
        at = len(self.text.partition(letter)[0].encode())

        def remove() -> None:
            del self._prompt()[at : at + len(letter.encode())]

        self._change(remove, letter, is_removal=True)

    def _change(self, act: Callable[[], object], letter: str, *, is_removal: bool) -> None:
        sent: list[bytes] = []
        subscription = self.doc.observe(lambda event: sent.append(event.update))
        with self.doc.transaction():
            act()
        self.doc.unobserve(subscription)
        self.log.append(Edit(letter, self._clock(), is_removal))
        if self._answered:
            for update in sent:
                self._send_counted(update_frame(update))

    def _clock(self) -> int:
        return scan_vector(self.doc.get_state()).get(self.doc.client_id, 0)

    def _send_counted(self, frame: bytes) -> None:
        self._frames.append((Ack(len(self.log), self._clock()), time.monotonic()))
        self._outbox.put_nowait(frame)

    async def _live(self) -> None:
        tries, turn = 0, 0
        while True:
            self.url = self.urls[turn % len(self.urls)]
            try:
                await self._visit()
            except AWAY as error:
                self._note_close(error)
            if self.is_synced:
                tries, self.is_synced = 0, False
                self.absences.append(Absence(time.monotonic()))
            tries, turn = tries + 1, turn + 1
            await asyncio.sleep(min(LAST_BACKOFF_S, FIRST_BACKOFF_S * 2**tries) * self.chance.uniform(0.5, 1.0))
            await self._online.wait()

    def _note_close(self, error: Exception) -> None:
        if isinstance(error, ConnectionClosed):
            code = error.rcvd.code if error.rcvd else 1006
            self.close_codes.append(code)
            assert code in COMES_BACK, f"closed for good: {code}"

    async def _visit(self) -> None:
        address = f"{self.url.replace('http', 'ws', 1)}/ws/rooms/{self.project_id}/doc?acks=1"
        options: Any = {"additional_headers": {"Cookie": self.cookie}, "origin": self.url, "max_size": None}
        async with connect(address, open_timeout=5, close_timeout=0.5, ping_interval=None, **options) as socket:
            self._socket, self._outbox, self._frames = socket, asyncio.Queue(), []
            await socket.send(step_1(self.doc.get_state()))
            sending = asyncio.create_task(self._send(socket))
            try:
                while True:
                    frame = await socket.recv()
                    assert isinstance(frame, bytes)
                    self._hear(frame)
            finally:
                self._answered, self._socket = False, None
                sending.cancel()

    async def _send(self, socket: ClientConnection) -> None:
        with contextlib.suppress(*AWAY):
            while True:
                await socket.send(await self._outbox.get())

    def _hear(self, frame: bytes) -> None:
        if frame[0] == SAVED:
            self._acknowledge(read(frame[1:], saved_count))
        elif frame[:2] == STEP_1:
            self._answer(read(frame[2:], payload_of))
        elif frame[:2] == STEP_2:
            self._take(read(frame[2:], payload_of))
        elif frame[:2] == UPDATE:
            self.doc.apply_update(read(frame[2:], payload_of))

    def _answer(self, vector: bytes) -> None:
        """The server says what it has: by then it has all that it acknowledged, whoever acknowledged it."""
        held = scan_vector(vector).get(self.doc.client_id, 0)
        self.forgotten += max(0, self._acknowledged_clock - held)
        self._answered = True
        self._send_counted(step_2(self.doc.get_update(vector)))

    def _take(self, update: bytes) -> None:
        self.doc.apply_update(update)
        self.is_synced = True
        if self.absences and not self.absences[-1].back_at_s:
            self.absences[-1].back_at_s = time.monotonic()

    def _acknowledge(self, count: int) -> None:
        ack, sent_at_s = self._frames[count - 1]
        self.acknowledged = max(self.acknowledged, ack.edits)
        self._acknowledged_clock = max(self._acknowledged_clock, ack.clock)
        self.ack_delays_s.append((time.monotonic(), time.monotonic() - sent_at_s))


def saved_count(cursor: Cursor) -> int:
    """How many frames an acknowledgement covers."""
    return cursor.number(2**31)


def payload_of(cursor: Cursor) -> bytes:
    """The state vector or update of a sync frame; the server's may be of any size."""
    return cursor.words(16 * 1024 * 1024)
