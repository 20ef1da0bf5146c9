"""How rows look from outside: plain dicts of the shapes that the room's protocol defines."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from inference.wire import PROMPT_LIMIT, SEED_LIMIT
from studio.domain import offers
from studio.domain.errors import not_found
from studio.models import Project, Shot, Take, TakeState, User

MAX_ATTEMPTS = 3
"""How often a take is tried before it counts as failed."""


def room_view(project_id: UUID) -> dict[str, Any]:
    """The whole room at one moment, in a constant number of queries.

    Raises:
        DomainError: not_found when the project is deleted.
    """
    with _one_moment():
        project = Project.objects.select_related("workspace").filter(pk=project_id, deleted_at=None).first()
        if project is None:
            raise not_found()
        return {
            "project_id": str(project.pk),
            "title": project.title,
            "workspace": project.workspace.name,
            "seq": project.event_seq,
            "doc_epoch": project.doc_epoch,
            "shots": shot_views(project),
            "takes": _take_views(project),
            "offer": offer_view(),
            "workers": workers_view(),
        }


def workers_view() -> dict[str, Any]:
    """How it stands with the workers."""
    return asdict(offers.workers())


def shot_views(project: Project) -> list[dict[str, Any]]:
    """The storyboard in order; places count from 0 without gaps."""
    shots = project.shots.filter(deleted_at=None)
    return [_shot_view(shot, position) for position, shot in enumerate(shots)]


def take_view(take: Take, place: int) -> dict[str, Any]:
    """A take; ``place`` is its place in the queue, 0 when it does not wait."""
    done = take.state == TakeState.DONE
    return {
        "id": str(take.pk),
        "shot_id": str(take.shot_id),
        "number": take.number,
        "state": take.state,
        "cancelling": take.cancel_requested_at is not None and take.state in (TakeState.QUEUED, TakeState.RUNNING),
        "place": place,
        "attempt": take.tries,
        "max_attempts": MAX_ATTEMPTS,
        "step": take.step,
        "steps": take.steps,
        "prompt": take.prompt,
        "quality": take.quality,
        "style": take.style,
        "light": take.light,
        "pace": take.pace,
        "width": take.width,
        "height": take.height,
        "frames": take.frames,
        "rate_hz": take.rate_hz,
        "seed": take.seed,
        "requested_by": person_view(take.requested_by) if take.requested_by else None,
        "created_at": take.created_at.isoformat(),
        "started_at": _moment(take.started_at),
        "ended_at": _moment(take.ended_at),
        "error_code": take.error_code,
        "error_message": take.error_message,
        "clip_url": media_url(take.pk, "clip.mp4") if done else "",
        "poster_url": media_url(take.pk, "poster.jpg") if done else "",
        "download_url": media_url(take.pk, "clip.mp4?download=1") if done else "",
        "clip_size_bytes": take.clip_size_bytes,
        "clip_sha256": take.clip_sha256,
        "waveform": take.waveform,
        "model": take.model,
        "model_prompt": take.model_prompt,
        "render_ms": take.render_ms,
    }


def person_view(person: User) -> dict[str, Any]:
    """Somebody, as others see them."""
    return {"id": person.pk, "name": str(person), "colour": person.colour}


def offer_view() -> dict[str, Any]:
    """What the model can be asked for, in the reader's language."""
    offer = offers.current()
    return {
        "model": offer.model,
        "rate_hz": offer.rate_hz,
        "sizes": [vars(size).copy() for size in offer.sizes],
        "lengths": list(offer.lengths),
        "styles": _choice_views(offer.styles),
        "lights": _choice_views(offer.lights),
        "paces": _choice_views(offer.paces),
        "suggestions": list(offers.local(offer.suggestions, ())),
        "prompt_limit": PROMPT_LIMIT,
        "seed_limit": SEED_LIMIT,
    }


def media_url(take_id: UUID, name: str) -> str:
    """Where a file of a finished take is served."""
    return f"/media/takes/{take_id}/{name}"


def places() -> dict[UUID, dict[str, int]]:
    """Every waiting take's place in the whole queue, from 1, by project and take id; in the order of the jobs."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT take.project_id, take.id, row_number() OVER (
                ORDER BY job.priority DESC NULLS LAST, job.id, take.created_at
            )
            FROM studio_take take LEFT JOIN procrastinate_jobs job ON job.id = take.job_id
            WHERE take.state = %s
            """,
            [TakeState.QUEUED.value],
        )
        rows = cursor.fetchall()
    by_project: dict[UUID, dict[str, int]] = {}
    for project_id, take_id, place in rows:
        by_project.setdefault(project_id, {})[str(take_id)] = place
    return by_project


def running(project_id: UUID) -> list[UUID]:
    """The takes of a project that are being rendered now."""
    return list(Take.objects.filter(project=project_id, state=TakeState.RUNNING).values_list("pk", flat=True))


@contextmanager
def _one_moment() -> Iterator[None]:
    """All reads inside see the same moment. Within a running transaction they see what that one sees."""
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield


def _take_views(project: Project) -> list[dict[str, Any]]:
    waiting = places().get(project.pk, {})
    takes = (
        project.takes.filter(shot__deleted_at=None).prefetch_related("requested_by").order_by("created_at", "number")
    )
    return [take_view(take, waiting.get(str(take.pk), 0)) for take in takes]


def _shot_view(shot: Shot, position: int) -> dict[str, Any]:
    return {
        "id": str(shot.pk),
        "title": shot.title,
        "position": position,
        "picked_take_id": str(shot.picked_take_id) if shot.picked_take_id else None,
    }


def _choice_views(choices: tuple[offers.Choice, ...]) -> list[dict[str, Any]]:
    return [{"id": choice.id, "label": choice.label} for choice in choices]


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
