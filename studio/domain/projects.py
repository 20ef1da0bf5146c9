"""Workspaces, projects and the shots of a storyboard."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Max, Q
from django.utils import timezone
from django.utils.translation import gettext

from studio.domain import events, prompts, takes, texts, views
from studio.domain.access import Access, Right
from studio.domain.errors import DomainError, Kind, not_found
from studio.models import Membership, Project, Role, Shot, Take, TakeState, User, Workspace

TITLE_LIMIT = 120
WORKSPACE_LIMIT = 80
SHOT_LIMIT = 500
"""A storyboard of more shots than this is a second project; the document's size is bounded too."""


@dataclass(frozen=True)
class ProjectCard:
    """A project as the list of projects shows it."""

    id: UUID
    title: str
    workspace_id: UUID
    workspace: str
    role: Role
    created_at: datetime
    shot_count: int
    take_count: int
    poster_url: str


def create_workspace(user: User, name: str) -> Workspace:
    """Make a workspace that ``user`` owns."""
    with transaction.atomic():
        workspace = Workspace.objects.create(name=texts.line(name, field="name", limit=WORKSPACE_LIMIT))
        Membership.objects.create(workspace=workspace, user=user, role=Role.OWNER)
    return workspace


def create_project(user: User, workspace: Workspace, title: str, *, shots: Sequence[tuple[str, str]]) -> Project:
    """Make a project with its shots, each a title and a prompt, and the document that holds the prompts.

    Raises:
        DomainError: not_found when ``user`` is no member of the workspace; forbidden when the role there may
            not edit; a title that is empty or too long.
    """
    membership = Membership.objects.filter(user=user, workspace=workspace).first()
    if membership is None:
        raise not_found()
    title = texts.line(title, field="title", limit=TITLE_LIMIT)
    with transaction.atomic():
        project = Project.objects.create(workspace=workspace, title=title)
        Access(user, project, Role(membership.role)).require(Right.EDIT)
        usual = prompts.usual_settings()
        for position, (shot_title, prompt) in enumerate(shots):
            shot = Shot.objects.create(
                project=project,
                title=texts.line(shot_title, field="title", limit=TITLE_LIMIT),
                position=position,
            )
            prompts.append_seed(project, shot.pk, texts.readable(prompt, field="prompt"), usual, user)
    return project


def rename_project(access: Access, title: str) -> None:
    """Give the project another title."""
    access.require(Right.EDIT)
    title = texts.line(title, field="title", limit=TITLE_LIMIT)
    with transaction.atomic():
        if not Project.objects.filter(pk=access.project.pk, deleted_at=None).update(title=title):
            raise not_found()
        events.record(access.project.pk, "project.renamed", {"title": title})


def delete_project(access: Access) -> None:
    """Take the project away from everybody; its rows stay. Takes that wait or run are cancelled."""
    access.require(Right.MANAGE)
    with transaction.atomic():
        if not Project.objects.filter(pk=access.project.pk, deleted_at=None).update(deleted_at=timezone.now()):
            raise not_found()
        events.record(access.project.pk, "project.deleted", {})
    # After the commit: a request that came before it is seen here, and none can come later.
    takes.cancel_where(Q(project=access.project))


def add_shot(access: Access, title: str) -> Shot:
    """Add a shot with an empty prompt at the end of the storyboard."""
    access.require(Right.EDIT)
    title = texts.line(title, field="title", limit=TITLE_LIMIT)
    with transaction.atomic():
        project = _locked(access)
        board = project.shots.filter(deleted_at=None).aggregate(count=Count("pk"), last=Max("position"))
        if board["count"] >= SHOT_LIMIT:
            raise DomainError(
                "shot.too_many",
                gettext("A storyboard holds at most %(limit)d shots.") % {"limit": SHOT_LIMIT},
                kind=Kind.LIMITED,
            )
        position = 0 if board["last"] is None else board["last"] + 1
        shot = Shot.objects.create(project=project, title=title, position=position)
        prompts.append_seed(project, shot.pk, "", prompts.usual_settings(), access.user)
        _shots_changed(project, "shot.added")
    return shot


def rename_shot(access: Access, shot_id: UUID, title: str) -> None:
    """Give a shot another title."""
    access.require(Right.EDIT)
    title = texts.line(title, field="title", limit=TITLE_LIMIT)
    with transaction.atomic():
        project = _locked(access)
        shot = find_shot(access, shot_id)
        shot.title = title
        shot.save(update_fields=["title"])
        _shots_changed(project, "shot.renamed")


def move_shot(access: Access, shot_id: UUID, position: int) -> None:
    """Put a shot at another place; ``position`` counts from 0, beyond the end means last."""
    access.require(Right.EDIT)
    if position < 0:
        raise DomainError(
            "position.invalid",
            gettext("Expected a place from 0 up, got %(given)d.") % {"given": position},
            field="position",
        )
    with transaction.atomic():
        project = _locked(access)
        moved = find_shot(access, shot_id)
        board = [shot for shot in project.shots.filter(deleted_at=None) if shot.pk != moved.pk]
        # A list takes no place beyond 2^63.
        board.insert(min(position, len(board)), moved)
        for place, shot in enumerate(board):
            shot.position = place
        Shot.objects.bulk_update(board, ["position"])
        _shots_changed(project, "shot.moved")


def delete_shot(access: Access, shot_id: UUID) -> None:
    """Take a shot off the storyboard; its takes that wait or run are cancelled."""
    access.require(Right.EDIT)
    with transaction.atomic():
        project = _locked(access)
        shot = find_shot(access, shot_id)
        shot.deleted_at = timezone.now()
        shot.save(update_fields=["deleted_at"])
        _shots_changed(project, "shot.deleted")
    # After the commit: a request that came before it is seen here, and none can come later.
    takes.cancel_where(Q(shot=shot))


def pick_take(access: Access, shot_id: UUID, take_id: UUID | None) -> None:
    """Choose the take that stands for its shot; None un-picks.

    Raises:
        DomainError: not_found for a take of another shot; take.not_done for one without a clip.
    """
    access.require(Right.EDIT)
    with transaction.atomic():
        project = _locked(access)
        shot = find_shot(access, shot_id)
        shot.picked_take = None if take_id is None else _done_take(shot, take_id)
        shot.save(update_fields=["picked_take"])
        picked = {"shot_id": str(shot.pk), "take_id": None if take_id is None else str(take_id)}
        events.record(project.pk, "take.picked", picked)


def find_shot(access: Access, shot_id: UUID) -> Shot:
    """A shot of the storyboard. Raises DomainError (not_found) for any other."""
    shot = Shot.objects.filter(pk=shot_id, project=access.project, deleted_at=None).first()
    if shot is None:
        raise not_found()
    return shot


def projects_of(user: User) -> list[ProjectCard]:
    """The projects that a person can open, newest first."""
    roles = dict(Membership.objects.filter(user=user).values_list("workspace_id", "role"))
    projects = list(
        Project.objects.filter(workspace__in=roles, deleted_at=None)
        .select_related("workspace")
        .annotate(
            shot_count=Count("shots", filter=Q(shots__deleted_at=None), distinct=True),
            take_count=Count("takes", distinct=True),
        )
        .order_by("-created_at")
    )
    posters = _posters(projects)
    return [_card(project, Role(roles[project.workspace_id]), posters) for project in projects]


def _card(project: Any, role: Role, posters: dict[UUID, UUID]) -> ProjectCard:
    poster = posters.get(project.pk)
    return ProjectCard(
        id=project.pk,
        title=project.title,
        workspace_id=project.workspace_id,
        workspace=project.workspace.name,
        role=role,
        created_at=project.created_at,
        shot_count=project.shot_count,
        take_count=project.take_count,
        poster_url=views.media_url(poster, "poster.jpg") if poster else "",
    )


def _posters(projects: Sequence[Project]) -> dict[UUID, UUID]:
    """The newest finished take of each project, by project."""
    newest = (
        Take.objects.filter(project__in=projects, state=TakeState.DONE)
        .order_by("project", "-ended_at")
        .distinct("project")
    )
    return dict(newest.values_list("project_id", "pk"))


def _locked(access: Access) -> Project:
    """The project, with its row locked: shots are changed by one at a time."""
    project = Project.objects.select_for_update(no_key=True).filter(pk=access.project.pk, deleted_at=None).first()
    if project is None:
        raise not_found()
    return project


def _done_take(shot: Shot, take_id: UUID) -> Take:
    take = shot.takes.filter(pk=take_id).first()
    if take is None:
        raise not_found()
    if take.state != TakeState.DONE:
        raise DomainError(
            "take.not_done",
            gettext("Expected a finished take, got one that is %(state)s.") % {"state": take.state},
            kind=Kind.CONFLICT,
            field="take_id",
        )
    return take


def _shots_changed(project: Project, type_: str) -> None:
    events.record(project.pk, type_, {"shots": views.shot_views(project)})
