"""The one access policy: pages, both sockets and media ask here and nowhere else."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import F
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
    if not isinstance(user, User) or not user.is_active:
        raise not_found()
    project = (
        Project.objects.select_related("workspace")
        .filter(
            pk=project_id,
            deleted_at=None,
            workspace__memberships__user=user,
            workspace__memberships__user__is_active=True,
        )
        .annotate(role=F("workspace__memberships__role"))
        .first()
    )
    if project is None:
        raise not_found()
    access = Access(user, project, Role(project.role))
    access.require(right)
    return access


def roles(project_id: UUID, user_ids: Iterable[int]) -> dict[int, Role]:
    """The role of each of these people who may be in a project; nobody's, when it is deleted or unknown."""
    members = Membership.objects.filter(
        workspace__projects=project_id, workspace__projects__deleted_at=None, user__in=user_ids, user__is_active=True
    )
    return {user_id: Role(role) for user_id, role in members.values_list("user_id", "role")}
