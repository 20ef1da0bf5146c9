"""A project with many shots and takes, as people leave one behind.

Of ten takes of a shot eight are clips, with all that a clip's row holds and with files in the storage; one failed, one
was cancelled. Which of them is the newest differs from shot to shot.
"""

import json
import os
from functools import cache
from typing import Any

from project.env import ROOT
from tests.helpers.studio import Studio

SAMPLES = ROOT / "static" / "public" / "samples"
DONE_OF_TEN = 8
COLUMNS = (
    "prompt", "quality", "width", "height", "frames", "steps", "rate_hz", "sample_rate_hz", "waveform",
    "model", "model_prompt", "render_ms", "clip_size_bytes", "clip_sha256",
)  # fmt: skip
"""Of a take, those that its sample says."""


def make(studio: Studio, shots: int, takes: int) -> Any:
    """A cast with such a project; its clips are all the same one."""
    from studio.domain import projects
    from studio.models import Take
    from tests.factories import Cast

    cast = Cast()
    words = [(f"Shot {number}", f"a red ball bounces {number} times") for number in range(shots)]
    cast.project = projects.create_project(cast.owner, cast.workspace, "Large", shots=words)
    rows = list(cast.project.shots.all())
    Take.objects.bulk_create(
        _take(studio, cast, rows[number % shots], number, number // shots) for number in range(takes)
    )
    return cast


def _take(studio: Studio, cast: Any, shot: Any, number: int, place: int) -> Any:
    from django.utils import timezone

    from studio.models import Take

    sample, now = _sample(), timezone.now()
    take = Take(
        project=cast.project, shot=shot, number=place + 1, seed=number, idempotency_key=f"k{number}", attempt=1,
        requested_by=cast.editor, started_at=now, ended_at=now, step=sample["steps"],
        **{name: sample[name] for name in COLUMNS},
    )  # fmt: skip
    _end(studio, take, (place + shot.position) % 10)
    return take


def _end(studio: Studio, take: Any, kind: int) -> None:
    from studio.jobs import store
    from studio.models import TakeState

    if kind < DONE_OF_TEN:
        take.state = TakeState.DONE
        take.clip_key, take.poster_key = (store.key(take.pk, 1, name) for name in (store.CLIP, store.POSTER))
        _keep(studio, take.clip_key, _sample()["clip"])
        _keep(studio, take.poster_key, _sample()["poster"])
        return
    take.clip_size_bytes, take.clip_sha256, take.waveform, take.render_ms = 0, "", [], 0
    take.state = TakeState.CANCELLED
    if kind == DONE_OF_TEN:
        take.state = TakeState.FAILED
        take.error_code, take.error_message = "worker.lost", "The worker that rendered this take was lost."


@cache
def _sample() -> dict[str, Any]:
    """A rendered take, as the repository lists it."""
    listed: dict[str, Any] = json.loads((SAMPLES / "samples.json").read_text())["takes"]["ball"]["en"]
    return listed


def _keep(studio: Studio, key: str, source: str) -> None:
    """Store a sample's file under a take's key: one file, with many names."""
    first, path = studio.data / source, studio.data / "media" / key
    if not first.exists():
        first.write_bytes((SAMPLES / source).read_bytes())
    path.parent.mkdir(parents=True, exist_ok=True)
    os.link(first, path)
