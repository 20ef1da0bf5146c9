"""The project that a guest begins with: three written shots, each with a take of the model that ships with Rushes."""

import json
import logging
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.utils import timezone
from django.utils.translation import get_language, gettext

from studio.domain import projects
from studio.domain.stories import LANGUAGES, STORIES
from studio.models import Project, Shot, Take, TakeState, User, Workspace

logger = logging.getLogger(__name__)
RENDERED = (
    "prompt", "quality", "width", "height", "frames", "seed", "steps", "rate_hz", "sample_rate_hz", "waveform",
    "model", "model_prompt", "render_ms", "clip_size_bytes", "clip_sha256",
)  # fmt: skip
"""What a listed take says of itself, under the names of the columns."""


def sample_project(user: User, workspace: Workspace) -> Project:
    """A project of three written shots in the reader's language, each with a take where one has been rendered.

    The takes are not picked: the reader's first own take then stands for its shot at once. A storage that is away
    costs takes, not the project.

    Raises:
        DomainError: as ``projects.create_project``.
    """
    language = next((code for code in LANGUAGES if (get_language() or "").startswith(code)), LANGUAGES[0])
    titles = {"ball": gettext("The ball"), "bell": gettext("The bell"), "boat": gettext("The boat")}
    shots = [(titles[story.name], story.prompts[language]) for story in STORIES]
    project = projects.create_project(user, workspace, gettext("First light"), shots=shots)
    found = []
    for story, shot in zip(STORIES, project.shots.order_by("position"), strict=True):
        listed = _listed().get(story.name, {}).get(language)
        if listed is not None and listed["prompt"] == story.prompts[language]:
            found.append((_take(shot, listed), listed))
    for take in _stored(found):
        take.save(force_insert=True)
    return project


@cache
def _listed() -> dict[str, dict[str, dict[str, Any]]]:
    """The rendered takes by story and language; written by the run that rendered them."""
    listing = _folder() / "samples.json"
    found: dict[str, dict[str, dict[str, Any]]] = json.loads(listing.read_text())["takes"] if listing.exists() else {}
    return found


def _folder() -> Path:
    return Path(settings.BASE_DIR) / "static" / "public" / "samples"


def _take(shot: Shot, listed: dict[str, Any]) -> Take:
    """A rendered take of a shot, which nobody asked for."""
    now = timezone.now()
    return Take(
        project_id=shot.project_id, shot=shot, number=1, idempotency_key=f"sample-{shot.pk}",
        state=TakeState.DONE, attempt=1, step=listed["steps"], started_at=now, ended_at=now,
        **{name: listed[name] for name in RENDERED},
    )  # fmt: skip


def _stored(found: list[tuple[Take, dict[str, Any]]]) -> list[Take]:
    """The takes that have files of their own now: all, or those before the first that the storage refused."""
    _give_connection_back()
    stored = []
    for take, listed in found:
        try:
            take.clip_key = _keep(take, "clip.mp4", listed["clip"])
            take.poster_key = _keep(take, "poster.jpg", listed["poster"])
        except Exception:  # whatever the storage raises
            logger.warning("The sample take of shot %s could not be stored", take.shot_id, exc_info=True)
            break  # one that hangs is waited for once
        stored.append(take)
    return stored


def _give_connection_back() -> None:
    """A storage may hang for most of a minute, and a web process has a dozen connections."""
    if not connection.in_atomic_block:
        connection.close()


def _keep(take: Take, name: str, source: str) -> str:
    data = (_folder() / source).read_bytes()
    return default_storage.save(f"takes/{take.pk}/{take.attempt}/{name}", ContentFile(data))
