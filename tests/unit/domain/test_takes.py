"""What may be asked for, and every change of a take's state."""

import itertools
from typing import Any

import pytest
from django.utils import timezone, translation

from inference.wire import PROMPT_LIMIT, SEED_LIMIT
from studio.domain import takes
from studio.domain.errors import DomainError, Kind
from studio.domain.takes import TRANSITIONS
from studio.models import RoomEvent, Take, TakeState, WorkerNode
from tests.factories import Cast, make_request, make_worker_node

pytestmark = pytest.mark.django_db
CLIP = takes.Clip("clip", "poster", 9, "sum", 8, 16000, [1], "Rushes Test", "a red ball", 900)


@pytest.fixture
def cast() -> Cast:
    make_worker_node()
    return Cast()


def enqueue(take: Take) -> int:
    return (take.job_id or 0) + 1


def ask(cast: Cast, **fields: Any) -> Take:
    return takes.request_take(cast.access(), make_request(cast.shots[0], **fields), enqueue)[0]


def types() -> list[str]:
    return list(RoomEvent.objects.order_by("seq").values_list("type", flat=True))


@pytest.mark.parametrize(
    ("field", "given", "code", "words"),
    [
        ("prompt", "", "prompt.empty", "4000"),
        ("prompt", " \n\t", "prompt.empty", "4000"),
        ("prompt", "x" * (PROMPT_LIMIT + 1), "prompt.too_long", "4001"),
        ("prompt", "a\x00b", "prompt.unreadable", "NUL"),
        ("prompt", "a\ud800b", "prompt.unreadable", "half of a character"),
        ("size", "97x64", "size.unknown", "96x64; got “97x64”"),
        ("size", "", "size.unknown", "96x64; got “”"),
        ("frames", 26, "frames.unknown", "25 (3.1 s); got 26"),
        ("frames", -1, "frames.unknown", "got -1"),
        ("seed", -1, "seed.invalid", "got -1"),
        ("seed", SEED_LIMIT + 1, "seed.invalid", f"0 to {SEED_LIMIT}"),
        ("seed", 10**100, "seed.invalid", "got 1000"),
        ("style", "noir", "style.unknown", "neon; got “noir”"),
        ("light", "neon", "light.unknown", "dusk; got “neon”"),
        ("pace", "x" * 5000, "pace.unknown", "slow; got “xxx"),
        ("quality", "best", "quality.unknown", "draft, final; got “best”"),
        ("key", "short", "key.invalid", "got 5"),
        ("key", "x" * 81, "key.invalid", "got 81"),
        ("key", "eight\x00eight", "key.unreadable", "NUL"),
        ("key", "eight\ud800eight", "key.unreadable", "half of a character"),
    ],
)
def test_what_cannot_be_done_is_refused_with_what_was_expected_and_given(
    cast: Cast, field: str, given: Any, code: str, words: str
) -> None:
    with pytest.raises(DomainError) as refused:
        ask(cast, **{field: given})
    assert (refused.value.code, refused.value.field, refused.value.kind) == (code, field, Kind.INVALID)
    assert words in refused.value.message
    assert len(refused.value.message) < 300
    assert (Take.objects.count(), RoomEvent.objects.count()) == (0, 0)


@pytest.mark.parametrize(
    ("field", "given"),
    [("prompt", "x" * PROMPT_LIMIT), ("seed", 0), ("seed", SEED_LIMIT), ("style", "neon"), ("pace", "slow")],
)
def test_the_edges_of_what_can_be_done_are_taken(cast: Cast, field: str, given: Any) -> None:
    assert getattr(ask(cast, **{field: given}), field) == given


def test_a_seed_is_drawn_when_none_is_given(cast: Cast) -> None:
    seeds = {ask(cast, seed=None).seed for _ in range(8)}
    assert len(seeds) == 8
    assert all(0 <= seed <= SEED_LIMIT for seed in seeds)


def test_takes_are_numbered_within_their_shot(cast: Cast) -> None:
    assert [ask(cast).number, ask(cast).number] == [1, 2]
    other = takes.request_take(cast.access(), make_request(cast.shots[1]))[0]
    assert other.number == 1


def test_a_shot_of_another_room_is_not_there(cast: Cast) -> None:
    with pytest.raises(DomainError) as refused:
        takes.request_take(cast.access(), make_request(Cast().shots[0]))
    assert refused.value.kind is Kind.NOT_FOUND


def test_a_key_used_in_another_room_is_refused_without_telling_of_the_take(cast: Cast) -> None:
    ask(cast, key="the same key")
    other = Cast(editor=cast.editor)
    with pytest.raises(DomainError) as refused:
        takes.request_take(other.access(), make_request(other.shots[0], key="the same key"))
    assert (refused.value.code, refused.value.kind) == ("key.used", Kind.CONFLICT)


def test_nothing_can_be_asked_of_a_model_that_nobody_knows(cast: Cast, settings: Any, tmp_path: Any) -> None:
    WorkerNode.objects.all().delete()
    settings.RUSHES_MODEL_FOLDER = tmp_path
    with pytest.raises(DomainError) as refused:
        ask(cast)
    assert (refused.value.code, refused.value.kind) == ("offer.unknown", Kind.UNAVAILABLE)


def test_refusals_are_said_in_the_readers_language(cast: Cast) -> None:
    with translation.override("fr"), pytest.raises(DomainError) as refused:
        ask(cast, prompt="")
    assert str(PROMPT_LIMIT) in refused.value.message


# Every state against every change: what the table forbids changes nothing and tells nothing.

CHANGES: dict[TakeState, Any] = {
    TakeState.RUNNING: lambda take: takes.begin(take.pk, take.job_id),
    TakeState.QUEUED: lambda take: takes.retry(take.pk, take.attempt, enqueue, code="c", message="m"),
    TakeState.DONE: lambda take: takes.finish(take.pk, take.attempt, CLIP),
    TakeState.FAILED: lambda take: takes.fail(take.pk, None, "c", "m"),
    TakeState.CANCELLED: lambda take: takes.cancelled(take.pk, take.attempt),
}


@pytest.mark.parametrize(("source", "target"), list(itertools.product(TakeState, TakeState)))
def test_a_state_changes_only_along_the_table_j5(cast: Cast, source: TakeState, target: TakeState) -> None:
    take = ask(cast)
    Take.objects.filter(pk=take.pk).update(state=source, attempt=1)
    take.refresh_from_db()
    before = types()
    held = bool(CHANGES[target](take))
    # A worker's cancel needs an attempt that runs; a person's is tested below.
    allowed = target in TRANSITIONS[source] and (source, target) != (TakeState.QUEUED, TakeState.CANCELLED)
    take.refresh_from_db()
    assert (held, take.state) == (allowed, target if allowed else source)
    assert len(types()) == len(before) + allowed


@pytest.mark.parametrize("stale", [1, 3])
def test_a_write_under_another_attempt_changes_nothing_j6(cast: Cast, stale: int) -> None:
    take = ask(cast)
    Take.objects.filter(pk=take.pk).update(state=TakeState.RUNNING, attempt=2)
    before = list(Take.objects.filter(pk=take.pk).values())
    assert not takes.started(take.pk, stale, model_prompt="x", step=1, steps=4)
    assert not takes.progress(take.pk, stale, 3, 4)
    assert not takes.checkpointed(take.pk, stale, "x")
    assert not takes.stalled(take.pk, stale, "x", "x")
    assert not takes.finish(take.pk, stale, CLIP)
    assert not takes.fail(take.pk, stale, "x", "x")
    assert not takes.cancelled(take.pk, stale)
    assert not takes.retry(take.pk, stale, enqueue, code="x", message="x")
    assert not takes.release(take.pk, stale, enqueue)
    assert list(Take.objects.filter(pk=take.pk).values()) == before
    assert types() == ["take.queued"]


def test_what_held_a_take_up_is_told_and_forgotten_when_it_goes_on_j15(cast: Cast) -> None:
    take = ask(cast)
    takes.begin(take.pk, take.job_id or 0)
    assert takes.stalled(take.pk, 1, "storage.away", "The storage does not answer.")
    assert takes.finish(take.pk, 1, CLIP)
    told = RoomEvent.objects.order_by("seq").values_list("type", "payload__take__state", "payload__take__error_code")
    assert list(told)[2:] == [("take.stalled", "running", "storage.away"), ("take.done", "done", "")]


def test_a_waiting_take_is_cancelled_at_once_j13(cast: Cast) -> None:
    take = ask(cast)
    assert takes.cancel(cast.access("owner"), take.pk).state == TakeState.CANCELLED
    assert types() == ["take.queued", "take.cancelled"]


def test_a_running_take_is_asked_to_stop_once_j13(cast: Cast) -> None:
    take = ask(cast)
    takes.begin(take.pk, take.job_id or 0)
    for _ in range(2):
        assert takes.cancel(cast.access(), take.pk).state == TakeState.RUNNING
    assert types() == ["take.queued", "take.started", "take.cancelling"]
    assert takes.cancel_wanted([take.pk]) == {take.pk}


@pytest.mark.parametrize("state", [TakeState.DONE, TakeState.FAILED])
def test_a_take_that_has_ended_cannot_be_cancelled(cast: Cast, state: TakeState) -> None:
    take = ask(cast)
    Take.objects.filter(pk=take.pk).update(state=state, ended_at=timezone.now())
    with pytest.raises(DomainError) as refused:
        takes.cancel(cast.access(), take.pk)
    assert (refused.value.code, refused.value.kind) == ("take.not_cancellable", Kind.CONFLICT)
    assert state.value in refused.value.message


def test_a_cancelled_take_does_not_begin_j14(cast: Cast) -> None:
    take = ask(cast)
    Take.objects.filter(pk=take.pk).update(cancel_requested_at=timezone.now())
    assert takes.begin(take.pk, take.job_id or 0) is None


def test_events_carry_the_whole_take(cast: Cast) -> None:
    take = ask(cast)
    takes.begin(take.pk, take.job_id or 0)
    takes.finish(take.pk, 1, CLIP)
    shown = RoomEvent.objects.get(type="take.done").payload["take"]
    assert (shown["state"], shown["clip_url"]) == ("done", f"/media/takes/{take.pk}/clip.mp4")
    assert shown["requested_by"]["name"] == "Ed Editor"
    assert RoomEvent.objects.get(type="take.queued").payload["take"]["clip_url"] == ""
