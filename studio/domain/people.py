"""Guests, accounts and invitations."""

import hashlib
import secrets
from datetime import timedelta

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from studio.domain import texts
from studio.domain.access import Access, Right, role_name
from studio.domain.errors import DomainError, Kind, not_found
from studio.models import Invitation, Membership, Project, Role, User, Workspace
from studio.models.people import COLOUR_COUNT

NAME_LIMIT = 60
LONGEST_INVITATION = timedelta(days=90)

_RANK = {Role.VIEWER: 0, Role.REVIEWER: 1, Role.EDITOR: 2, Role.OWNER: 3}


def make_guest(name: str = "") -> User:
    """Make a person with only a name; without one, "Guest" and a number."""
    with transaction.atomic():
        person = User.objects.create_user(is_guest=True)
        named = name.strip() or gettext("Guest %(number)d") % {"number": person.pk}
        person.display_name = texts.line(named, field="name", limit=NAME_LIMIT)
        # Neighbours in time, who are the likeliest to share a room, get different hues.
        person.colour = person.pk % COLOUR_COUNT
        person.save(update_fields=["display_name", "colour"])
    return person


def rename_person(user: User, name: str) -> None:
    """Give a person another name. Raises DomainError for a name that is empty or too long."""
    user.display_name = texts.line(name, field="name", limit=NAME_LIMIT)
    user.save(update_fields=["display_name"])


def invite(access: Access, role: Role, ttl: timedelta) -> tuple[Invitation, str]:
    """Make a link into the project; the token is told once and kept as a hash only.

    Raises:
        DomainError: forbidden without the right to share or for a role above one's own; ``ttl`` out of range.
    """
    access.require(Right.SHARE)
    if _RANK[role] > _RANK[access.role]:
        raise DomainError(
            "role.too_high",
            gettext("Expected a role up to your own, %(own)s; got %(given)s.")
            % {"own": role_name(access.role), "given": role_name(role)},
            kind=Kind.FORBIDDEN,
            field="role",
        )
    if not timedelta(0) < ttl <= LONGEST_INVITATION:
        raise DomainError(
            "ttl.invalid",
            gettext("Expected a time of up to %(limit)d days.") % {"limit": LONGEST_INVITATION.days},
            field="ttl",
        )
    token = secrets.token_urlsafe(24)
    invitation = Invitation.objects.create(
        project=access.project,
        role=role,
        token_sha256=_digest(token),
        created_by=access.user,
        expires_at=timezone.now() + ttl,
    )
    return invitation, token


def open_invitation(token: str) -> Invitation:
    """The invitation behind a link.

    Raises:
        DomainError: not_found when unknown, revoked, expired or of no use, and when who made it could not make it
            now: a member no more, or in a lower role than it gives.
    """
    return _holding(_invitations(token))


def _invitations(token: str) -> QuerySet[Invitation]:
    return Invitation.objects.filter(
        token_sha256=_digest(token), revoked_at=None, expires_at__gt=timezone.now(), project__deleted_at=None
    ).select_related("project__workspace", "created_by")


def _holding(invitations: QuerySet[Invitation]) -> Invitation:
    invitation = invitations.first()
    if invitation is None or not _could_be_made_now(invitation):
        raise not_found()
    return invitation


def _could_be_made_now(invitation: Invitation) -> bool:
    maker = Membership.objects.filter(workspace=invitation.project.workspace, user=invitation.created_by).first()
    return maker is not None and _RANK[Role(maker.role)] >= _RANK[Role(invitation.role)]


def accept_invitation(user: User, token: str) -> Project:
    """Join by a link: a membership is made, or raised; a higher one is kept."""
    with transaction.atomic():
        # Locked: a removal that revokes the link meanwhile is waited for, and then holds.
        invitation = _holding(_invitations(token).select_for_update(of=("self",), no_key=True))
        membership, made = Membership.objects.select_for_update().get_or_create(
            workspace=invitation.project.workspace, user=user, defaults={"role": invitation.role}
        )
        if not made and _RANK[Role(membership.role)] < _RANK[Role(invitation.role)]:
            membership.role = invitation.role
            membership.save(update_fields=["role"])
    return invitation.project


def remove_member(access: Access, user_id: int) -> None:
    """Take a person out of the workspace; their sockets close.

    A link does not know who holds it, so every open invitation into the workspace is revoked with them: nobody who
    was removed comes back by the link that they joined with. Members stay; those not yet in need a new link.

    Raises:
        DomainError: forbidden without the right to manage; not_found for who is no member; owner.last for the only
            owner.
    """
    access.require(Right.MANAGE)
    with transaction.atomic():
        # One removal at a time, or two owners could remove each other. Links come before members, as in joining.
        workspace = Workspace.objects.select_for_update(no_key=True).get(pk=access.project.workspace_id)
        _revoke(workspace)
        membership = Membership.objects.select_for_update().filter(workspace=workspace, user=user_id).first()
        if membership is None:
            raise not_found()
        _check_not_the_last_owner(membership)
        membership.delete()


def revoke_invitations(access: Access) -> None:
    """Make every open invitation into the workspace void. Raises DomainError (forbidden) for all but owners."""
    access.require(Right.MANAGE)
    _revoke(access.project.workspace)


def _revoke(workspace: Workspace) -> None:
    Invitation.objects.filter(project__workspace=workspace, revoked_at=None).update(revoked_at=timezone.now())


def _check_not_the_last_owner(membership: Membership) -> None:
    others = Membership.objects.filter(workspace=membership.workspace, role=Role.OWNER).exclude(pk=membership.pk)
    if membership.role == Role.OWNER and not others.exists():
        raise DomainError(
            "owner.last",
            gettext("A workspace keeps at least one owner: make somebody else an owner first."),
            kind=Kind.CONFLICT,
        )


def keep_account(user: User, email: str, password: str) -> User:
    """Turn a guest into an account that can come back.

    Raises:
        DomainError: already an account; an address that is none or is taken; a password that is too weak.
    """
    if not user.is_guest:
        raise DomainError("account.kept", gettext("This is an account already."), kind=Kind.CONFLICT)
    address = _address(email)
    _check_password(password, user)
    user.email, user.is_guest = address, False
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save(update_fields=["email", "is_guest", "password"])
    except IntegrityError:
        user.email, user.is_guest = None, True
        raise DomainError(
            "email.taken",
            gettext("Expected an address of your own; %(given)s has an account already.") % {"given": address},
            kind=Kind.CONFLICT,
            field="email",
        ) from None
    return user


def _address(email: str) -> str:
    address = texts.readable(email, field="email").strip().lower()
    try:
        validate_email(address)
    except ValidationError:
        raise DomainError(
            "email.invalid",
            gettext("Expected an e-mail address such as you@example.com, got “%(given)s”.") % {"given": address[:80]},
            field="email",
        ) from None
    return address


def _check_password(password: str, user: User) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise DomainError("password.weak", " ".join(error.messages), field="password") from None


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
