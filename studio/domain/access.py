"""The one access policy: pages, both sockets and media ask here and nowhere else."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import Enum
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.utils.translation import gettext, gettext_lazy

from studio.domain.errors import DomainError, Kind, not_found
from studio.models import Membership, Project, Role, User


class Right(Enum):
    """What can be done in a room."""

    READ = "read"
    COMMENT = "comment"
    EDIT = "edit"
    GENERATE = "generate"
    SHARE = "share"
    MANAGE = "manage"


_RIGHTS: dict[str, frozenset[Right]] = {
    Role.VIEWER: frozenset({Right.READ}),
    Role.REVIEWER: frozenset({Right.READ, Right.COMMENT}),
    Role.EDITOR: frozenset({Right.READ, Right.COMMENT, Right.EDIT, Right.GENERATE, Right.SHARE}),
    Role.OWNER: frozenset(Right),
}


_ROLE_NAMES = {
    Role.OWNER: gettext_lazy("owner"),
    Role.EDITOR: gettext_lazy("editor"),
    Role.REVIEWER: gettext_lazy("reviewer"),
    Role.VIEWER: gettext_lazy("viewer"),
}
_RIGHT_NAMES = {
    Right.READ: gettext_lazy("look"),
    Right.COMMENT: gettext_lazy("comment"),
    Right.EDIT: gettext_lazy("edit"),
    Right.GENERATE: gettext_lazy("generate"),
    Right.SHARE: gettext_lazy("share"),
    Right.MANAGE: gettext_lazy("manage"),
}


def role_name(role: Role) -> str:
    """A role as the reader's language calls it."""
    return str(_ROLE_NAMES[role])


def rights_of(role: Role) -> frozenset[Right]:
    """What a role may do in every project of its workspace."""
    return _RIGHTS[role]


@dataclass(frozen=True)
class Access:
    """A person inside a project, and what that person may do there."""

    user: User
    project: Project
    role: Role

    @property
    def rights(self) -> frozenset[Right]:
        return rights_of(self.role)

    def may(self, right: Right) -> bool:
        return right in self.rights

    def require(self, right: Right) -> None:
        """Raises DomainError (forbidden) when the role lacks the right."""
        if not self.may(right):
            raise DomainError(
                "forbidden",
                gettext("Your role here is %(role)s; this needs the right to %(right)s.")
                % {"role": role_name(self.role), "right": _RIGHT_NAMES[right]},
                kind=Kind.FORBIDDEN,
            )


def enter(user: User | AnonymousUser, project_id: UUID, right: Right = Right.READ) -> Access:
    """Let a person into a project.

    Raises:
        DomainError: not_found for a stranger, a deleted or an unknown project alike; forbidden for a member
            whose role lacks ``right``.
    """
    access = enter_each([(user, project_id)]).get((user.pk, project_id)) if isinstance(user, User) else None
    if access is None:
        raise not_found()
    access.require(right)
    return access


def enter_each(asked: Collection[tuple[User, UUID]]) -> dict[tuple[int, UUID], Access]:
    """The access of each of these people to the project beside them, in two queries for all, by person and project.

    Who may not see it is left out. The accesses to one project share its row: they are to be read only.
    """
    active = {user.pk for user, _ in asked if user.is_active}
    wanted = {project_id for user, project_id in asked if user.pk in active}
    found = Project.objects.select_related("workspace").filter(deleted_at=None).in_bulk(wanted)
    workspaces = {project.workspace_id for project in found.values()}
    members = Membership.objects.filter(workspace__in=workspaces, user__in=active, user__is_active=True)
    held = {(user_id, where): Role(role) for user_id, where, role in members.values_list("user", "workspace", "role")}
    return {
        (user.pk, project_id): Access(user, found[project_id], held[user.pk, found[project_id].workspace_id])
        for user, project_id in asked
        if project_id in found and (user.pk, found[project_id].workspace_id) in held
    }


def roles(project_id: UUID, user_ids: Iterable[int]) -> dict[int, Role]:
    """The role of each of these people who may be in a project; nobody's, when it is deleted or unknown."""
    members = Membership.objects.filter(
        workspace__projects=project_id, workspace__projects__deleted_at=None, user__in=user_ids, user__is_active=True
    )
    return {user_id: Role(role) for user_id, role in members.values_list("user_id", "role")}
