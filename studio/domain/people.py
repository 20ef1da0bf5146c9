"""Guests, accounts and invitations."""

import hashlib
import secrets
from datetime import timedelta

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext

from studio.domain import texts
from studio.domain.access import Access, Right, role_name
from studio.domain.errors import DomainError, Kind, not_found
from studio.models import Invitation, Membership, Project, Role, User
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
    """The invitation behind a link. Raises DomainError (not_found) when unknown, revoked, expired or of no use."""
    invitation = (
        Invitation.objects.filter(
            token_sha256=_digest(token),
            revoked_at=None,
            expires_at__gt=timezone.now(),
            project__deleted_at=None,
        )
        .select_related("project__workspace", "created_by")
        .first()
    )
    if invitation is None:
        raise not_found()
    return invitation


def accept_invitation(user: User, token: str) -> Project:
    """Join by a link: a membership is made, or raised; a higher one is kept."""
    with transaction.atomic():
        invitation = open_invitation(token)
        membership, made = Membership.objects.select_for_update().get_or_create(
            workspace=invitation.project.workspace, user=user, defaults={"role": invitation.role}
        )
        if not made and _RANK[Role(membership.role)] < _RANK[Role(invitation.role)]:
            membership.role = invitation.role
            membership.save(update_fields=["role"])
    return invitation.project


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
