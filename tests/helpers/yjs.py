"""Yjs documents and logs for tests, as honest clients make them and as others might."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from pycrdt import Doc, Map, Text

SHOT = "0f8fad5b-d9cb-469f-a165-70867728950e"
LETTERS = "abc déf🎬 "


def seeded(shots: tuple[str, ...] = (SHOT,), prompt: str = "a red ball") -> "Doc[Any]":
    """A document as a project's begins."""
    doc: Doc[Any] = Doc()
    root = doc.get("shots", type=Map)
    with doc.transaction():
        for shot in shots:
            settings = {"style": "", "size": "96x64", "frames": 25, "seed": None, "quality": "draft"}
            root[shot] = Map({"prompt": Text(prompt), "settings": Map(settings)})
    return doc


@dataclass
class Writers:
    """Several people at one document, each hearing the others at once; ``log`` is all that they sent."""

    count: int = 3
    seed: int = 1
    shots: tuple[str, ...] = (SHOT,)
    log: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        first = seeded(self.shots).get_update()
        self.log.append(first)
        self.docs: list[Doc[Any]] = []
        for _ in range(self.count):
            doc: Doc[Any] = Doc()
            doc.get("shots", type=Map)
            doc.apply_update(first)
            self.docs.append(doc)

    def write(self, edits: int) -> list[bytes]:
        """So many edits by anybody; returns their updates."""
        made = [self._edit(self.random.choice(self.docs)) for _ in range(edits)]
        self.log += made
        return made

    def type(self, letters: str) -> list[bytes]:
        """The first of them types letters at the start of the first prompt, one update each."""
        return [self._send(self.docs[0], partial(self._prompt().insert, 0, letter)) for letter in letters]

    def text(self, shot: str = SHOT) -> str:
        """A prompt as everybody reads it."""
        return str(self.docs[0]["shots"][shot]["prompt"])

    def _prompt(self) -> Text:
        prompt: Text = self.docs[0]["shots"][self.shots[0]]["prompt"]
        return prompt

    def _edit(self, doc: "Doc[Any]") -> bytes:
        shot = doc["shots"][self.random.choice(self.shots)]
        return self._send(doc, lambda: self._change(shot))

    def _send(self, doc: "Doc[Any]", act: Callable[[], object]) -> bytes:
        """What a client sends of an edit: the transaction's own update, not a difference with all deletions in it."""
        sent: list[bytes] = []
        subscription = doc.observe(lambda event: sent.append(event.update))
        with doc.transaction():
            act()
        doc.unobserve(subscription)
        [update] = sent
        for other in self.docs:
            if other is not doc:
                other.apply_update(update)
        return update

    def _change(self, shot: Any) -> None:
        """pycrdt counts a text in bytes of UTF-8, so cuts are made between whole characters."""
        prompt, words = shot["prompt"], str(shot["prompt"])
        place = self.random.randrange(len(words) + 1)
        at = len(words[:place].encode())
        if self.random.random() < 0.1:
            shot["settings"]["seed"] = self.random.randrange(2**32)
        elif self.random.random() < 0.3 and place < len(words):
            del prompt[at : at + len(words[place].encode())]
        else:
            prompt.insert(at, self.random.choice(LETTERS))


def varuint(value: int) -> bytes:
    """A variable-length integer."""
    out = bytearray()
    while value > 0x7F:
        out.append(0x80 | (value & 0x7F))
        value >>= 7
    return bytes([*out, value])


def sized(data: bytes) -> bytes:
    """Bytes with their length in front."""
    return varuint(len(data)) + data


def setting(shot_map: tuple[int, int], value: bytes, client: int = 77, key: str = "style") -> bytes:
    """An update that sets a key of the map with this id to an encoded value."""
    head = bytes([1, 1]) + varuint(client) + bytes([0, 0x28, 0])
    return head + varuint(shot_map[0]) + varuint(shot_map[1]) + sized(key.encode()) + b"\x01" + value + b"\x00"


Id = tuple[int, int]


@dataclass(frozen=True)
class Ids:
    """Ids of things in ``seed``."""

    seed: bytes
    shot: Id
    prompt: Id
    settings: Id
    letter: Id
    value: Id


def outline_ids() -> Ids:
    """A seeded document, written by hand so that the id of each thing is known."""
    one = 1
    structs = [
        bytes([0x27, 1]) + sized(b"shots") + sized(SHOT.encode()) + b"\x01",
        bytes([0x27, 0, one, 0]) + sized(b"prompt") + b"\x02",
        bytes([0x04, 0, one, 1]) + sized(b"a red ball"),
        bytes([0x27, 0, one, 0]) + sized(b"settings") + b"\x01",
        bytes([0x28, 0, one, 12]) + sized(b"style") + b"\x01\x7e",
    ]
    seed = bytes([1, len(structs), one, 0]) + b"".join(structs) + b"\x00"
    return Ids(seed, (one, 0), (one, 1), (one, 12), (one, 3), (one, 13))


def struct_update(
    info: int,
    content: bytes,
    parent: Id | None = None,
    *,
    key: str = "",
    origin: Id | None = None,
    right: Id | None = None,
    client: int = 77,
    clock: int = 0,
) -> bytes:
    """An update of one struct, whatever it says; its parent is the root unless one is named."""
    out = b"\x01\x01" + varuint(client) + varuint(clock) + bytes([info])
    for reference in (origin, right):
        if reference is not None:
            out += varuint(reference[0]) + varuint(reference[1])
    if origin is None and right is None:
        out += b"\x01" + sized(b"shots") if parent is None else b"\x00" + varuint(parent[0]) + varuint(parent[1])
        out += sized(key.encode()) if info & 0x20 else b""
    return out + content + b"\x00"
