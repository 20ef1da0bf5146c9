"""One Yjs document inside the keeper: takes updates in only after reading the result back.

Every batch goes the whole way (SPEC.md, D-4): scan, outline, apply, encode, load the encoding into a fresh document,
read that one by our schema. The fresh document is then the one that is kept, so what answers a client has always been
read back from its own bytes, and a failure costs the copy that failed and nothing else.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pycrdt import Doc, Map, Text, Transaction, merge_updates

from studio.live.keeper_outline import Outline
from studio.live.keeper_wire import Effect
from studio.live.prescan import EMPTY, UpdateError, scan, scan_vector

MAX_STATE_BYTES = 2 * 1024 * 1024
MAX_PROMPT = 20_000
"""Characters. The page stops at 4,000; this is what several people pasting at once may pass it by."""
MAX_SHOTS = 1000
MAX_SETTINGS = 64
MAX_WAITING = 64
MAX_WAITING_BYTES = 8 * 1024
"""On average: an edit is 30 bytes, and half a megabyte of waiting edits is more than anybody has."""
MAX_MERGED_BYTES = 64 * 1024

Document = Doc[Map[Any]]


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of a batch: the effect of each update; one update that says what all that changed something said, with
    what had waited for it, or nothing where they cannot be one; and the waiting updates that had to go: good ones
    closed their gap, and what came of it was bad."""

    effects: list[Effect]
    merged: bytes = b""
    evicted: list[bytes] = field(default_factory=list)


class KeptDocument:
    """A room's document, its outline, and the updates that wait for a gap to close: those it has not seen."""

    def __init__(self) -> None:
        self.state = EMPTY
        self.waiting: list[bytes] = []
        self._doc, self._outline = _load(self.state), Outline()

    @classmethod
    def replay(cls, snapshot: bytes, rows: Sequence[bytes]) -> tuple["KeptDocument", list[bytes]]:
        """The document that a snapshot and a log make, and the rows that had to be left out.

        Raises:
            UpdateError: the snapshot cannot be taken in.
        """
        kept, left_out = cls(), list[bytes]()
        kept.check([snapshot])
        max_waiting = len(rows) + MAX_WAITING
        kept._sift(rows, left_out, max_waiting)
        kept._retry(left_out, max_waiting)
        return kept, left_out

    def check(self, updates: Sequence[bytes], max_waiting: int = MAX_WAITING) -> Taken:
        """Take updates in, all or none of them, while no more than ``max_waiting`` wait.

        Raises:
            UpdateError: together they cannot be taken in; the document is what it was.
        """
        waiting = list(self.waiting)
        try:
            return self._check(updates, max_waiting)
        except BaseException as error:
            self.waiting = waiting
            self._recover(error)
            raise _refusal(error) from None

    def probe(self, update: bytes) -> bool:
        """Whether an update would change anything. Raises UpdateError.

        Only one of what is known all through is applied: it may still delete. The outline is as it was then, and
        outlining is what costs most of a reload.
        """
        if not self._outline.holds(scan(update)):
            return True
        try:
            changes = self._apply(update)
        except BaseException as error:
            self._recover(error)
            raise _refusal(error) from None
        if changes:
            self._doc = _load(self.state)
        return changes

    def encoded_vector(self) -> bytes:
        """The state vector, for a client that is to send what is lacking here."""
        return self._doc.get_state()

    def diff(self, vector: bytes) -> bytes:
        """What a client with this state vector lacks, but for what waits. Raises UpdateError."""
        scan_vector(vector)
        try:
            return self._doc.get_update(vector)
        except BaseException as error:
            self._recover(error)
            raise _refusal(error) from None

    def _sift(self, rows: Sequence[bytes], left_out: list[bytes], max_waiting: int) -> None:
        """Take a log in as a whole or, where that fails, by halves, down to the rows at fault."""
        try:
            left_out += self.check(rows, max_waiting).evicted
        except UpdateError:
            if len(rows) == 1:
                left_out += rows
                return
            self._sift(rows[: len(rows) // 2], left_out, max_waiting)
            self._sift(rows[len(rows) // 2 :], left_out, max_waiting)

    def _retry(self, left_out: list[bytes], max_waiting: int) -> None:
        """Try again what was left out, as long as that helps.

        Rows were taken in when they came, perhaps on an outline read from the state, which does not know what was
        deleted. One that remembers it refuses what that one let pass, and everything that was built on it would wait.
        """
        tried = 0
        while left_out and len(left_out) != tried:
            tried = len(left_out)
            rows = list(left_out)
            left_out.clear()
            self._reload()
            for row in rows:
                self._sift([row], left_out, max_waiting)

    def _check(self, updates: Sequence[bytes], max_waiting: int) -> Taken:
        known = self._doc.get_state()
        effects = [self._take(update) for update in updates]
        changes = [update for update, effect in zip(updates, effects, strict=True) if effect is Effect.CHANGED]
        waited = len(self.waiting)
        evicted = self._take_waiting() if changes else []
        # Whoever adds nothing to what waits is not refused for it, however much that is.
        is_full = len(self.waiting) > max_waiting or sum(map(len, self.waiting)) > max_waiting * MAX_WAITING_BYTES
        if is_full and Effect.WAITING in effects:
            raise UpdateError(f"at most {max_waiting} updates that wait for others expected, got {len(self.waiting)}")
        if changes:
            state = self._doc.get_update()
            self._doc, self.state = _read_back(state, self._outline.ends), state
            if self._outline.is_stale:
                self._outline = _outlined(state)
        if waited == len(self.waiting) + len(evicted):
            return Taken(effects, _merge(changes), evicted)
        # Nobody but us has seen what waited until now.
        closed: list[Effect] = [Effect.CLOSED if effect is Effect.CHANGED else effect for effect in effects]
        return Taken(closed, self._doc.get_update(known), evicted)

    def _take(self, update: bytes) -> Effect:
        if update in self.waiting:
            return Effect.NOTHING
        if not self._outline.take(scan(update)):
            self.waiting.append(update)
            return Effect.WAITING
        return Effect.CHANGED if self._apply(update) else Effect.NOTHING

    def _take_waiting(self) -> list[bytes]:
        """Take in what waits no more, until nothing moves; returns what turns out to be bad."""
        evicted: list[bytes] = []
        moved = True
        while moved:
            moved = False
            for update in list(self.waiting):
                try:
                    if not self._outline.take(scan(update)):
                        continue
                    self._apply(update)
                except UpdateError:
                    evicted.append(update)
                self.waiting.remove(update)
                moved = True
        return evicted

    def _apply(self, update: bytes) -> bool:
        """Have the library apply an update that has its place; whether the document changed."""
        fired: list[object] = []
        subscription = self._doc.observe(fired.append)
        try:
            self._doc.apply_update(update)
        finally:
            self._doc.unobserve(subscription)
        return bool(fired)

    def _is_known(self, update: bytes) -> bool:
        try:
            return self.check([update]).effects == [Effect.NOTHING]
        except UpdateError:
            return False

    def _recover(self, error: BaseException) -> None:
        """Throw the touched copy away. A panic is a BaseException, and so is being told to stop."""
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise error
        self._reload()

    def _reload(self) -> None:
        self._doc, self._outline = _load(self.state), _outlined(self.state)


def contained(state: bytes, updates: Sequence[bytes]) -> list[bool]:
    """Which updates are in a state, so that their bytes add nothing to it. Raises UpdateError."""
    kept, _ = KeptDocument.replay(state, [])
    return [kept._is_known(update) for update in updates]


def _merge(updates: list[bytes]) -> bytes:
    """One update in the place of several: 200 editors then get 40 frames a second instead of 400."""
    if len(updates) < 2 or sum(map(len, updates)) > MAX_MERGED_BYTES:
        return b""
    try:
        merged = merge_updates(*updates)
        scan(merged)
        return merged
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        return b""


def _load(state: bytes) -> Document:
    doc: Document = Doc()
    doc.get("shots", type=Map)
    doc.apply_update(state)
    return doc


def _outlined(state: bytes) -> Outline:
    outline = Outline()
    outline.take(scan(state))
    outline.is_stale = False
    return outline


def _read_back(state: bytes, vector: dict[int, int]) -> Document:
    """A fresh document made of an encoding, read by our schema. Raises UpdateError."""
    if len(state) > MAX_STATE_BYTES:
        raise UpdateError(f"a document of at most {MAX_STATE_BYTES} bytes expected, got {len(state)}")
    fresh = _load(state)
    if scan_vector(fresh.get_state()) != vector:
        raise UpdateError("a document that its own encoding restores expected")
    with fresh.transaction() as transaction:
        _check_schema(fresh, transaction)
    return fresh


def _check_schema(doc: Document, transaction: Transaction) -> None:
    """Read it all once, through the library's own objects: pycrdt's wrappers cost 10 times as much.

    Raises UpdateError.
    """
    if list(doc.keys()) != ["shots"]:
        raise UpdateError(f"the one root 'shots' expected, got {sorted(doc.keys())}")
    inner = transaction._txn
    shots = doc["shots"].integrated
    values: dict[str, Any] = json.loads(shots.to_json(inner))
    if len(values) > MAX_SHOTS:
        raise UpdateError(f"at most {MAX_SHOTS} shots expected, got {len(values)}")
    for key, value in values.items():
        if not isinstance(value, dict) or not value.keys() <= {"prompt", "settings"}:
            raise UpdateError(f"a shot of prompt and settings expected at {key!r}")
        _check_shot(shots.get(inner, key), value, inner)


def _check_shot(shot: Any, value: dict[str, Any], inner: Any) -> None:
    if "prompt" in value:
        _check_prompt(shot.get(inner, "prompt"), inner)
    if "settings" in value:
        _check_settings(shot.get(inner, "settings"), value["settings"])


def _check_prompt(prompt: Any, inner: Any) -> None:
    """A text of letters only: what is embedded counts in its length, but has no letters."""
    if not isinstance(prompt, _TEXT):
        raise UpdateError("a text as prompt expected")
    words: str = prompt.get_string(inner)
    if len(words) > MAX_PROMPT:
        raise UpdateError(f"a prompt of at most {MAX_PROMPT} characters expected, got {len(words)}")
    if len(words.encode()) != prompt.len(inner):
        raise UpdateError("a prompt of characters only expected")


def _check_settings(settings: Any, values: Any) -> None:
    if not isinstance(settings, _MAP) or len(values) > MAX_SETTINGS:
        raise UpdateError(f"settings as a map of at most {MAX_SETTINGS} values expected")
    if any(isinstance(value, dict | list) for value in values.values()):
        raise UpdateError("single values as settings expected")


def _refusal(error: BaseException) -> UpdateError:
    if isinstance(error, UpdateError):
        return error
    return UpdateError(f"an update that the library can apply expected: {type(error).__name__}")


def _native(kind: type[Map[Any]] | type[Text]) -> Any:
    """The library's own class under one of pycrdt's."""
    doc: Doc[Any] = Doc()
    return type(doc.get("probe", type=kind).integrated)


_TEXT, _MAP = _native(Text), _native(Map)
