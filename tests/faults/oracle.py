"""What must be true after any fault: of edits and of takes.

Edits: every acknowledged edit is there exactly once, in the rows, at a fresh client of each web process, and at every
client that stayed; all of them hold the same document. Takes: each ended exactly once, with its files or without any.
"""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any

from django.db import connection
from procrastinate.contrib.django.models import ProcrastinateJob
from pycrdt import Doc, Map

from studio.domain.takes import TRANSITIONS
from studio.jobs import store
from studio.live.prescan import scan_vector
from studio.live.threads import in_thread
from studio.models import DocumentSnapshot, DocumentUpdate, RoomEvent, Take, TakeState
from tests.faults.editors import Editor, until
from tests.faults.stage import Stage, wait_until

CONVERGED_S = 10.0
ENDS = {"take.done", "take.failed", "take.cancelled"}
STATES_AFTER = {
    "take.queued": TakeState.QUEUED, "take.retried": TakeState.QUEUED, "take.started": TakeState.RUNNING,
    "take.done": TakeState.DONE, "take.failed": TakeState.FAILED, "take.cancelled": TakeState.CANCELLED,
}  # fmt: skip


async def edits_hold(stayed: Sequence[Editor], left: Sequence[Editor] = ()) -> float:
    """Hold all clients to the oracle of edits; how long they took to come to the same."""
    took_s = await until(lambda: all(editor.is_saved for editor in stayed), 2 * CONVERGED_S, "all is saved")
    some = (*stayed, *left)[0]
    fresh = [Editor([url], some.project_id, some.cookie, some.shot, some.ink, some.chance) for url in some.urls]
    everybody = [*stayed, *[await editor.ready() for editor in fresh]]
    try:
        rows = await in_thread(document_of, some.project_id)
        check_letters(text_of(rows, some.shot), [*stayed, *left])
        wanted = whole(rows)
        took_s += await until(
            lambda: {whole(editor.doc) for editor in everybody} == {wanted},
            CONVERGED_S,
            "all hold the same document",
        )
        assert {editor.text for editor in everybody} == {text_of(rows, some.shot)}
        written = rows.get("shots", type=Map).to_py()
        assert all(editor.doc.get("shots", type=Map).to_py() == written for editor in everybody)
    finally:
        for editor in fresh:
            await editor.leave()
    return took_s


def whole(doc: "Doc[Any]") -> tuple[frozenset[tuple[int, int]], bytes]:
    """All that is known of a document and all that is deleted of it, in the only way to say it.

    The bytes of its state are not: yrs cuts the runs of one writer as they came, in one update or in several, and two
    documents that hold the same units and deletions may be cut differently.
    """
    vector = doc.get_state()
    return frozenset(scan_vector(vector).items()), doc.get_update(vector)  # beyond its own vector: the deletions


def document_of(project_id: Any) -> "Doc[Any]":
    """The document as its rows make it, without the studio."""
    doc: Doc[Any] = Doc()
    doc.get("shots", type=Map)
    for snapshot in DocumentSnapshot.objects.filter(project=project_id):
        doc.apply_update(bytes(snapshot.state))
    for payload in DocumentUpdate.objects.filter(project=project_id).order_by("pk").values_list("payload", flat=True):
        doc.apply_update(bytes(payload))
    return doc


def text_of(doc: "Doc[Any]", shot: str) -> str:
    return str(doc.get("shots", type=Map)[shot]["prompt"])


def check_letters(text: str, writers: Sequence[Editor]) -> None:
    """Each letter as often as its writer may expect by what was acknowledged."""
    wrong = [wrong for writer in writers for wrong in _wrong(text, writer)]
    assert wrong == [], f"{len(wrong)} edits are lost, doubled or back: {wrong[:10]}"


def _wrong(text: str, writer: Editor) -> list[str]:
    may_be: dict[str, set[int]] = {}
    for number, edit in enumerate(writer.log):
        now = 0 if edit.is_removal else 1
        is_sure = number < writer.acknowledged
        may_be[edit.letter] = {now} if is_sure else {now, *may_be.get(edit.letter, {0})}
    counts = ((letter, text.count(letter), allowed) for letter, allowed in may_be.items())
    client = writer.doc.client_id
    return [
        f"{letter} of {client}: {count}, not {allowed}" for letter, count, allowed in counts if count not in allowed
    ]


def takes_hold(stage: Stage, takes: Sequence[Take], within_s: float = 60.0) -> list[Take]:
    """Wait for the ends of takes, and hold each to the oracle; the takes as they ended."""
    keys = [take.pk for take in takes]
    unfinished = [state for state, ends in TRANSITIONS.items() if ends]
    running = Take.objects.filter(pk__in=keys, state__in=unfinished)
    wait_until(lambda: not running.exists(), within_s, "every take has ended")
    ended = [Take.objects.get(pk=key) for key in keys]
    for take in ended:
        check_history(take)
        wait_until(partial(is_tidy, stage, take), 10, f"nothing but its files is left of a take that is {take.state}")
    connection.close()
    return ended


def check_history(take: Take) -> None:
    """Its events are a way through the table of states, with one end, and as many starts as attempts."""
    types = [type_ for type_ in history(take) if type_ in STATES_AFTER]
    states = [STATES_AFTER[type_] for type_ in types]
    assert types[0] == "take.queued", types
    assert all(after in TRANSITIONS[before] for before, after in pairwise(states)), types
    assert [type_ for type_ in types if type_ in ENDS] == types[-1:], types
    assert types.count("take.started") == take.attempt, types


def history(take: Take) -> list[str]:
    """The types of its events, in order."""
    events = RoomEvent.objects.filter(project=take.project_id, payload__take__id=str(take.pk)).order_by("seq")
    return list(events.values_list("type", flat=True))


def files(stage: Stage, take: Take) -> list[str]:
    """What is stored of a take, below the folder of files."""
    media = stage.data / "media"
    return sorted(
        str(path.relative_to(media)) for path in (media / "takes" / str(take.pk)).rglob("*") if path.is_file()
    )


def expected_files(take: Take) -> list[str]:
    if take.state != TakeState.DONE:
        return []
    return [store.key(take.pk, take.attempt, name) for name in (store.CLIP, store.POSTER)]


def is_tidy(stage: Stage, take: Take) -> bool:
    """Whether its files are what they should be, and no job is left of it."""
    jobs = ProcrastinateJob.objects.filter(args__take_id=str(take.pk))
    return files(stage, take) == expected_files(take) and not jobs.exists()
