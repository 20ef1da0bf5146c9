"""A take's life: who may ask for one, and every change of its state.

Each change is one UPDATE that holds only from the states that the table allows and, for a worker's writes, only
under the attempt that the worker was given; the event goes into the same transaction, last. What a function
returns says whether the change held.
"""

import secrets
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Max, Q
from django.utils import timezone
from django.utils.translation import gettext

from inference.wire import SEED_LIMIT
from studio.domain import events, offers, requests, views
from studio.domain.access import Access, Right
from studio.domain.errors import DomainError, Kind, not_found
from studio.domain.requests import TakeRequest
from studio.domain.views import MAX_ATTEMPTS
from studio.models import Project, Shot, Take, TakeState, User

__all__ = ["MAX_ATTEMPTS", "TRANSITIONS", "Clip", "TakeRequest", "request_take"]

WAITING_LIMIT = 20
"""Takes that one person may have waiting: an hour's work of a small machine, and no flood of a large one."""

TRANSITIONS: dict[TakeState, frozenset[TakeState]] = {
    TakeState.QUEUED: frozenset({TakeState.RUNNING, TakeState.FAILED, TakeState.CANCELLED}),
    TakeState.RUNNING: frozenset({TakeState.QUEUED, TakeState.DONE, TakeState.FAILED, TakeState.CANCELLED}),
    TakeState.DONE: frozenset(),
    TakeState.FAILED: frozenset(),
    TakeState.CANCELLED: frozenset(),
}
UNFINISHED = [state for state, ends in TRANSITIONS.items() if ends]

Enqueue = Callable[[Take], int]
"""Makes the job of a take that waits, in the running transaction; returns the job's number."""


@dataclass(frozen=True)
class Clip:
    """A finished clip: where it is stored and what is in it."""

    clip_key: str
    poster_key: str
    clip_size_bytes: int
    clip_sha256: str
    rate_hz: int
    sample_rate_hz: int
    waveform: list[int]
    model: str
    model_prompt: str
    render_ms: int


def request_take(access: Access, request: TakeRequest, enqueue: Enqueue | None = None) -> tuple[Take, bool]:
    """Put a take into the queue; a repeat of the same key gives the first one, and False.

    Raises:
        DomainError: forbidden; not_found for a shot that is not here; what the offer has not; too many waiting.
    """
    access.require(Right.GENERATE)
    requests.check_key(request.key)
    with transaction.atomic():
        # One request of a person at a time: repeats meet, and the limit is exact. Locks go person, project.
        User.objects.select_for_update(no_key=True).get(pk=access.user.pk)
        earlier = _earlier(access, request)
        if earlier is not None:
            return earlier, False
        size = requests.check(request, offers.current())
        _check_waiting(access.user)
        take = _new_take(_shot(access, request.shot_id), access.user, request, size)
        if enqueue is not None:
            _set_job(take, enqueue)
        _record(take, "take.queued")
    return take, True


def begin(take_id: UUID, job_id: int) -> Take | None:
    """Start the next attempt of a waiting take; None when it waits no more, or for another job."""
    return _move(
        take_id,
        Q(job_id=job_id, cancel_requested_at=None),
        TakeState.RUNNING,
        "take.started",
        attempt=F("attempt") + 1,
        started_at=timezone.now(),
        step=0,
        is_untidy=True,
    )


def started(take_id: UUID, attempt: int, *, model_prompt: str, step: int, steps: int) -> bool:
    """Note what the model really reads and where the attempt begins. No event: the first step follows at once."""
    return _note(take_id, attempt, model_prompt=model_prompt, step=step, steps=steps)


def progress(take_id: UUID, attempt: int, step: int, steps: int) -> bool:
    """Note how far an attempt is. No event: previews carry it."""
    return _note(take_id, attempt, step=step, steps=steps)


def checkpointed(take_id: UUID, attempt: int, key: str) -> bool:
    """Note where the state is stored from which the next attempt would go on."""
    return _note(take_id, attempt, checkpoint_key=key)


def stalled(take_id: UUID, attempt: int, code: str, message: str) -> bool:
    """Note why an attempt does not get on, though it goes on trying, and tell the room."""
    with transaction.atomic():
        if not _note(take_id, attempt, error_code=code, error_message=message):
            return False
        _record(Take.objects.select_related("requested_by").get(pk=take_id), "take.stalled")
    return True


def finish(take_id: UUID, attempt: int, clip: Clip) -> bool:
    """End an attempt with its clip."""
    return _end(take_id, _running(attempt), TakeState.DONE, "take.done", **asdict(clip))


def fail(take_id: UUID, attempt: int | None, code: str, message: str) -> bool:
    """End a take without a clip; ``attempt`` None ends it whether it waits or runs."""
    at = Q() if attempt is None else _running(attempt)
    return _end(take_id, at, TakeState.FAILED, "take.failed", error_code=code, error_message=message)


def cancelled(take_id: UUID, attempt: int) -> bool:
    """End an attempt because somebody asked for that."""
    return _end(take_id, _running(attempt), TakeState.CANCELLED, "take.cancelled")


def retry(take_id: UUID, attempt: int, enqueue: Enqueue, *, code: str, message: str) -> bool:
    """Have a broken attempt tried again.

    After the last attempt the take fails with ``code`` and ``message`` instead; if somebody has asked to cancel it,
    it is cancelled.
    """
    take = Take.objects.filter(_running(attempt), pk=take_id).first()
    if take is None:
        return False
    if take.cancel_requested_at is not None:
        return cancelled(take_id, attempt)
    if take.tries >= MAX_ATTEMPTS:
        return fail(take_id, attempt, code, message)
    wanted = _running(attempt) & Q(cancel_requested_at=None)
    again = _move(take_id, wanted, TakeState.QUEUED, "take.retried", enqueue, step=0)
    return again is not None or cancelled(take_id, attempt)


def release(take_id: UUID, attempt: int, enqueue: Enqueue) -> bool:
    """Give an attempt back because its worker stops cleanly; it does not count as a try."""
    spared = F("spared_attempts") + 1
    held = _running(attempt)
    return _move(take_id, held, TakeState.QUEUED, "take.queued", enqueue, spared_attempts=spared, step=0) is not None


def requeue(take_id: UUID, job_id: int | None, enqueue: Enqueue) -> bool:
    """Give a waiting take another job in place of ``job_id``, which is gone."""
    with transaction.atomic():
        waiting = Take.objects.select_for_update().filter(pk=take_id, state=TakeState.QUEUED)
        take = (waiting.filter(job_id=job_id) if job_id else waiting.filter(job_id=None)).first()
        if take is None:
            return False
        _set_job(take, enqueue)
    return True


def cancel(access: Access, take_id: UUID) -> Take:
    """Take a waiting take out of the queue, or ask for a running one to stop at its next step.

    Raises:
        DomainError: forbidden; not_found; take.not_cancellable once it has ended.
    """
    access.require(Right.GENERATE)
    if not Take.objects.filter(pk=take_id, project=access.project).exists():
        raise not_found()
    _cancel(take_id)
    take = Take.objects.get(pk=take_id)
    if take.state != TakeState.CANCELLED and take.cancel_requested_at is None:
        raise DomainError(
            "take.not_cancellable",
            gettext("Expected a take that waits or runs; this one is %(state)s.") % {"state": take.state},
            kind=Kind.CONFLICT,
        )
    return take


def cancel_where(which: Q) -> None:
    """Cancel every unfinished take that ``which`` selects, each in a transaction of its own."""
    for take_id in Take.objects.filter(which, state__in=UNFINISHED).values_list("pk", flat=True):
        _cancel(take_id)


def cancel_wanted(take_ids: Iterable[UUID]) -> set[UUID]:
    """Those of some running takes that somebody wants to stop, or that run no more."""
    return _not_wanted(take_ids, TakeState.RUNNING)


def wait_no_more(take_ids: Iterable[UUID]) -> set[UUID]:
    """Those of some waiting takes that somebody has cancelled, or that wait no more."""
    return _not_wanted(take_ids, TakeState.QUEUED)


def ended(take_id: UUID) -> Take | None:
    """The take, if it has ended."""
    return Take.objects.exclude(state__in=UNFINISHED).filter(pk=take_id).first()


def untidy() -> list[Take]:
    """Takes that have ended and whose attempts may have left files."""
    return list(Take.objects.filter(is_untidy=True).exclude(state__in=UNFINISHED)[:100])


def tidied(take_id: UUID) -> None:
    """Note that an ended take has nothing left but its clip and its poster."""
    ended_takes = Take.objects.exclude(state__in=UNFINISHED)
    ended_takes.filter(pk=take_id).update(is_untidy=False, checkpoint_key="")


def places(project_id: UUID) -> dict[str, int]:
    """Places of a room's waiting takes in the whole queue, from 1, by take id."""
    return views.places().get(project_id, {})


def _running(attempt: int) -> Q:
    return Q(attempt=attempt, state=TakeState.RUNNING)


def _move(
    take_id: UUID, at: Q, to: TakeState, type_: str, enqueue: Enqueue | None = None, **changes: Any
) -> Take | None:
    """The one way a state changes: fenced by ``at`` and by the table, with its event. It ends a stall."""
    sources = [state for state, ends in TRANSITIONS.items() if to in ends]
    changes = {"error_code": "", "error_message": "", **changes}
    with transaction.atomic():
        if not Take.objects.filter(at, pk=take_id, state__in=sources).update(state=to, **changes):
            return None
        take = Take.objects.select_related("requested_by").get(pk=take_id)
        if enqueue is not None:
            _set_job(take, enqueue)
        _record(take, type_)
    return take


def _end(take_id: UUID, at: Q, to: TakeState, type_: str, **changes: Any) -> bool:
    return _move(take_id, at, to, type_, ended_at=timezone.now(), **changes) is not None


def _not_wanted(take_ids: Iterable[UUID], state: TakeState) -> set[UUID]:
    wanted = Take.objects.filter(pk__in=list(take_ids), state=state, cancel_requested_at=None)
    return set(take_ids) - set(wanted.values_list("pk", flat=True))


def _note(take_id: UUID, attempt: int, **changes: Any) -> bool:
    return Take.objects.filter(_running(attempt), pk=take_id).update(**changes) == 1


def _cancel(take_id: UUID) -> None:
    if _end(take_id, Q(state=TakeState.QUEUED), TakeState.CANCELLED, "take.cancelled"):
        return
    with transaction.atomic():
        wanted = Take.objects.filter(pk=take_id, state=TakeState.RUNNING, cancel_requested_at=None)
        if wanted.update(cancel_requested_at=timezone.now()):
            _record(Take.objects.get(pk=take_id), "take.cancelling")


def _record(take: Take, type_: str) -> None:
    place = places(take.project_id).get(str(take.pk), 0) if take.state == TakeState.QUEUED else 0
    events.record(take.project_id, type_, {"take": views.take_view(take, place)})


def _set_job(take: Take, enqueue: Enqueue) -> None:
    take.job_id = enqueue(take)
    take.save(update_fields=["job_id"])


def _earlier(access: Access, request: TakeRequest) -> Take | None:
    earlier = Take.objects.filter(requested_by=access.user, idempotency_key=request.key).first()
    if earlier is not None and earlier.project_id != access.project.pk:
        raise DomainError(
            "key.used",
            gettext("Expected a new key: this one belongs to a take of another project."),
            kind=Kind.CONFLICT,
            field="key",
        )
    return earlier


def _check_waiting(person: User) -> None:
    waiting = Take.objects.filter(requested_by=person, state=TakeState.QUEUED).count()
    if waiting >= WAITING_LIMIT:
        raise DomainError(
            "take.too_many",
            gettext("You have %(given)d takes waiting; at most %(limit)d can wait. Cancel one, or let them render.")
            % {"given": waiting, "limit": WAITING_LIMIT},
            kind=Kind.LIMITED,
        )


def _shot(access: Access, shot_id: UUID) -> Shot:
    project = Project.objects.select_for_update(no_key=True).filter(pk=access.project.pk, deleted_at=None).first()
    shot = project.shots.filter(pk=shot_id, deleted_at=None).first() if project else None
    if shot is None:
        raise not_found()
    return shot


def _new_take(shot: Shot, person: User, request: TakeRequest, size: offers.Size) -> Take:
    offer = offers.current()
    last = shot.takes.aggregate(last=Max("number"))["last"]
    return Take.objects.create(
        project_id=shot.project_id,
        shot=shot,
        number=(last or 0) + 1,
        requested_by=person,
        idempotency_key=request.key,
        prompt=request.prompt,
        quality=request.quality,
        style=request.style,
        light=request.light,
        pace=request.pace,
        width=size.width,
        height=size.height,
        frames=request.frames,
        rate_hz=offer.rate_hz,
        steps=offer.steps[request.quality],
        seed=secrets.randbelow(SEED_LIMIT + 1) if request.seed is None else request.seed,
    )
