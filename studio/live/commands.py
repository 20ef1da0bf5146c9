"""The table of commands: each is decoded, makes one call into the domain, and says what to reply."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from studio.domain import projects
from studio.domain.access import Access, enter
from studio.domain.errors import DomainError
from studio.domain.takes import TakeRequest
from studio.jobs import queue
from studio.live import protocol


def perform(access: Access, command: protocol.Command) -> str | None:
    """Do a command with the rights that the person has now; returns the take that it made, if it made one.

    Raises:
        DomainError: what the rules refuse.
    """
    return _TABLE[type(command)](enter(access.user, access.project.pk), command)


def _request_take(access: Access, command: protocol.TakeRequest) -> str:
    request = TakeRequest(
        shot_id=_id("shot_id", command.shot_id),
        key=command.key,
        prompt=command.prompt,
        quality=command.quality,
        style=command.style,
        light=command.light,
        pace=command.pace,
        size=command.size,
        frames=command.frames,
        seed=command.seed,
    )
    return str(queue.submit(access, request).pk)


def _cancel_take(access: Access, command: protocol.TakeCancel) -> None:
    queue.cancel(access, _id("take_id", command.take_id))


def _pick_take(access: Access, command: protocol.TakePick) -> None:
    take_id = None if command.take_id is None else _id("take_id", command.take_id)
    projects.pick_take(access, _id("shot_id", command.shot_id), take_id)


def _add_shot(access: Access, command: protocol.ShotAdd) -> None:
    projects.add_shot(access, command.title)


def _rename_shot(access: Access, command: protocol.ShotRename) -> None:
    projects.rename_shot(access, _id("shot_id", command.shot_id), command.title)


def _move_shot(access: Access, command: protocol.ShotMove) -> None:
    projects.move_shot(access, _id("shot_id", command.shot_id), command.position)


def _delete_shot(access: Access, command: protocol.ShotDelete) -> None:
    projects.delete_shot(access, _id("shot_id", command.shot_id))


def _rename_project(access: Access, command: protocol.ProjectRename) -> None:
    projects.rename_project(access, command.title)


_TABLE: dict[type[protocol.Command], Callable[[Access, Any], str | None]] = {
    protocol.TakeRequest: _request_take,
    protocol.TakeCancel: _cancel_take,
    protocol.TakePick: _pick_take,
    protocol.ShotAdd: _add_shot,
    protocol.ShotRename: _rename_shot,
    protocol.ShotMove: _move_shot,
    protocol.ShotDelete: _delete_shot,
    protocol.ProjectRename: _rename_project,
}


def _id(field: str, value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError:
        raise DomainError(f"{field}.invalid", f"{field}: expected a UUID, got {value[:80]!r}.", field=field) from None
