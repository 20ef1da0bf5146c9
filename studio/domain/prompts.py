"""The written side of a shot: how its prompt and settings begin in the project's Yjs document."""

from dataclasses import dataclass
from uuid import UUID

from pycrdt import Doc, Map, Text

from studio.domain import events, offers
from studio.models import DocumentUpdate, Project, User

SHOTS = "shots"


@dataclass(frozen=True)
class Settings:
    """A shot's co-edited settings; "" is "as written", ``seed`` None is "another each time".

    ``size`` and ``frames`` None stand for the offer's first ones: no offer was known when the shot was made.
    """

    style: str = ""
    light: str = ""
    pace: str = ""
    size: str | None = None
    frames: int | None = None
    seed: int | None = None
    quality: str = "draft"


def usual_settings() -> Settings:
    """What a new shot starts with: the model's first size and first length, a draft."""
    offer = offers.current()
    return Settings(
        size=offer.sizes[0].id if offer.sizes else None,
        frames=offer.lengths[0] if offer.lengths else None,
    )


def seed_update(shot_id: UUID, prompt: str, settings: Settings) -> bytes:
    """A Yjs update that puts a shot into the document: ``shots[shot_id] = {prompt: Text, settings: Map}``."""
    document: Doc[Map[object]] = Doc()
    shots = document.get(SHOTS, type=Map)
    shots[str(shot_id)] = Map({"prompt": Text(prompt), "settings": Map(vars(settings).copy())})
    return document.get_update()


def append_seed(project: Project, shot_id: UUID, prompt: str, settings: Settings, user: User | None) -> None:
    """Write a shot's beginning into the document log, in the transaction that makes the shot."""
    update = seed_update(shot_id, prompt, settings)
    DocumentUpdate.objects.create(project=project, epoch=project.doc_epoch, payload=update, user=user)
    events.publish_document(project.pk, update)
