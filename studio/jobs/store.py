"""The files of a take: clip, poster and checkpoint, each under the attempt that made it. Blocking."""

import contextlib
import errno
import logging
from pathlib import Path
from uuid import UUID

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from studio.models import Take

logger = logging.getLogger(__name__)

CLIP, POSTER = "clip.mp4", "poster.jpg"


def key(take_id: UUID, attempt: int, name: str) -> str:
    """Where a file is kept. No two attempts share one, so a stale worker overwrites nothing."""
    return f"takes/{take_id}/{attempt}/{name}"


def put(name: str, data: bytes) -> None:
    """Store a file; a failure leaves no half of it.

    Raises:
        OSError: ENOSPC and its like, or whatever the storage raises.
    """
    try:
        default_storage.save(name, ContentFile(data))
    except BaseException:
        # What failed to be written may fail to be deleted too; the first error is the one to tell.
        with contextlib.suppress(Exception):
            remove(name)
        raise


def get(name: str) -> bytes:
    """Read a file. Raises FileNotFoundError or what the storage raises."""
    with default_storage.open(name) as file:
        data: bytes = file.read()
    return data


def remove(*names: str) -> None:
    """Delete files, and the folders of a take that this leaves empty; those that are not there are no matter."""
    for name in filter(None, names):
        default_storage.delete(name)
        _prune(name)


def _prune(name: str) -> None:
    try:
        folder = Path(default_storage.path(name)).parent
    except NotImplementedError:  # a bucket has no folders
        return
    with contextlib.suppress(OSError):
        folder.rmdir()
        folder.parent.rmdir()


def leftovers(take: Take) -> list[str]:
    """What a take that has ended does not need: everything that its attempts stored but its clip and its poster.

    The storage is asked, for a worker that is killed leaves files of which no row knows. Where it does not tell, these
    are the names that are known without it.
    """
    kept = {take.clip_key, take.poster_key}
    attempts = range(1, take.attempt + 1)
    try:
        stored = [name for attempt in attempts for name in _listed(take.pk, attempt)]
    except Exception as error:  # whatever the storage raises: a bucket may refuse to be listed
        logger.warning("only leftovers that are known go, the rest is not listed: %s", error, extra={"take": take.pk})
        stored = [key(take.pk, attempt, name) for attempt in attempts for name in (CLIP, POSTER)]
        stored.append(take.checkpoint_key)
    return [name for name in stored if name not in kept]


def _listed(take_id: UUID, attempt: int) -> list[str]:
    try:
        _, names = default_storage.listdir(key(take_id, attempt, ""))
    except FileNotFoundError:
        return []
    return [key(take_id, attempt, name) for name in names]


def is_full(error: BaseException) -> bool:
    """Whether an error says that there is no room left."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
