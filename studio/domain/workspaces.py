"""The workspaces of a person, with their people and projects."""

from collections import defaultdict
from dataclasses import dataclass
from uuid import UUID

from studio.domain.access import Right, rights_of
from studio.domain.projects import ProjectCard, projects_of
from studio.models import Membership, Role, User, Workspace


@dataclass(frozen=True)
class WorkspaceCard:
    """A workspace as the list of projects shows it; ``may_make`` and ``may_delete`` speak of its projects."""

    id: UUID
    name: str
    may_make: bool
    may_delete: bool
    people: tuple[User, ...]
    projects: tuple[ProjectCard, ...]


def workspaces_of(user: User) -> list[WorkspaceCard]:
    """All workspaces of a person, oldest first, those without projects too. Four queries, however many there are."""
    mine = list(Membership.objects.filter(user=user).select_related("workspace").order_by("workspace__created_at"))
    people = _people([membership.workspace_id for membership in mine])
    projects: dict[UUID, list[ProjectCard]] = defaultdict(list)
    for card in projects_of(user):
        projects[card.workspace_id].append(card)
    return [
        _card(membership, people[membership.workspace_id], projects[membership.workspace_id]) for membership in mine
    ]


def workspaces_to_make_in(user: User) -> list[Workspace]:
    """Where a person may start a project, their oldest workspace first."""
    roles = [role for role in Role if Right.EDIT in rights_of(role)]
    mine = Membership.objects.filter(user=user, role__in=roles).select_related("workspace")
    return [membership.workspace for membership in mine.order_by("workspace__created_at")]


def _people(workspace_ids: list[UUID]) -> dict[UUID, list[User]]:
    people: dict[UUID, list[User]] = defaultdict(list)
    members = Membership.objects.filter(workspace__in=workspace_ids).select_related("user").order_by("created_at")
    for membership in members:
        people[membership.workspace_id].append(membership.user)
    return people


def _card(membership: Membership, people: list[User], projects: list[ProjectCard]) -> WorkspaceCard:
    rights = rights_of(Role(membership.role))
    return WorkspaceCard(
        id=membership.workspace_id,
        name=membership.workspace.name,
        may_make=Right.EDIT in rights,
        may_delete=Right.MANAGE in rights,
        people=tuple(people),
        projects=tuple(projects),
    )
