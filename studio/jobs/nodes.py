"""How worker processes announce themselves, and what follows when none can load its model.

The time is Postgres': the clocks of the machines need not agree.
"""

import socket
import uuid
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from studio.domain import offers, takes
from studio.models import Take, TakeState, WorkerNode

MAX_FAILED_STARTS = 3
"""After so many failed starts in a row, with no other worker alive, waiting takes are told so and end."""

FORGET_AFTER = timedelta(hours=1)


def loading(node_id: UUID) -> None:
    """Say that this worker loads its model. One of this machine that was killed while it did so is forgotten."""
    WorkerNode.objects.filter(host=socket.gethostname(), is_ready=False).delete()
    _create(node_id, "", {}, is_ready=False)


def announce(node_id: UUID, device: str, manifest: dict[str, Any]) -> None:
    """Say that this worker is alive, or still is, and what its model can do."""
    if WorkerNode.objects.filter(pk=node_id, is_ready=True).update(seen_at=Now()):
        return
    WorkerNode.objects.filter(host=socket.gethostname()).exclude(error_code="").delete()
    WorkerNode.objects.filter(pk=node_id).delete()
    _create(node_id, device, manifest, is_ready=True)


def _create(node_id: UUID, device: str, manifest: dict[str, Any], *, is_ready: bool) -> None:
    WorkerNode.objects.create(
        pk=node_id,
        host=socket.gethostname(),
        device=device[:120],
        model=settings.RUSHES_MODEL[:200],
        offer=manifest,
        is_ready=is_ready,
        seen_at=Now(),
    )


def leave(node_id: UUID) -> None:
    """Say that this worker stops."""
    WorkerNode.objects.filter(pk=node_id).delete()


def forget_the_dead() -> None:
    """Delete what is left of workers that were killed; the newest stays, for what it offered."""
    newest = WorkerNode.objects.filter(error_code="", is_ready=True).order_by("-seen_at")[:1]
    old = WorkerNode.objects.filter(seen_at__lt=timezone.now() - FORGET_AFTER)
    old.exclude(pk__in=newest.values("pk")).delete()


def failed_start(code: str, message: str) -> int:
    """Note that a worker could not load its model; returns the failed starts in a row on this machine.

    From MAX_FAILED_STARTS on, and while no other worker is alive, takes that wait end with the same message.
    """
    host, model = socket.gethostname(), settings.RUSHES_MODEL[:200]
    WorkerNode.objects.filter(host=host, is_ready=False).delete()
    node, _ = WorkerNode.objects.update_or_create(
        pk=uuid.uuid5(uuid.NAMESPACE_URL, f"rushes-worker:{host}:{model}"),
        defaults={"error_code": code, "error_message": message, "seen_at": Now()},
        create_defaults={
            "host": host,
            "model": model,
            "device": "",
            "offer": {},
            "error_code": code,
            "error_message": message,
            "seen_at": Now(),
        },
    )
    WorkerNode.objects.filter(pk=node.pk).update(failed_starts=F("failed_starts") + 1)
    node.refresh_from_db()
    if node.failed_starts >= MAX_FAILED_STARTS and offers.workers_alive() == 0:
        for take_id in Take.objects.filter(state=TakeState.QUEUED).values_list("pk", flat=True):
            takes.fail(take_id, None, code, message)
    return node.failed_starts
