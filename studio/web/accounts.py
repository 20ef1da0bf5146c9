"""Accounts: what allauth asks of us, and how a guest becomes an account."""

import logging
from smtplib import SMTPRecipientsRefused
from typing import Any

from allauth.account import views as allauth_views
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils.crypto import get_random_string
from django.utils.translation import gettext as _

from studio.domain import people, projects
from studio.models import User
from studio.models.people import COLOUR_COUNT
from studio.web.guards import person

logger = logging.getLogger(__name__)

_SENT = "account/messages/email_confirmation_sent.txt"


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """allauth, with our sign-up rule, names, colours and a workspace for each new account."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return bool(settings.SIGN_UP_OPEN)

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        user.display_name = name_from(form.cleaned_data["email"])
        user.colour = int(get_random_string(1, "01234567")) % COLOUR_COUNT
        with transaction.atomic():
            super().save_user(request, user, form, commit=commit)
            projects.create_workspace(user, workspace_name(user.display_name))
        return user

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """A mail server that is away undoes nothing of what the mail is about: the page says that no mail comes."""
        try:
            super().send_mail(template_prefix, email, context)
        except SMTPRecipientsRefused:
            self._tell(_("The mail server does not take this address: no mail was sent."), template_prefix)
        except OSError:
            self._tell(_("No mail could be sent. Ask for it again later."), template_prefix)

    def _tell(self, words: str, template_prefix: str) -> None:
        logger.exception("a mail was not sent: %s", template_prefix)
        self.request.mail_failed = True
        messages.error(self.request, words)

    def add_message(
        self, request: HttpRequest, level: int, message_template: str | None = None, *more: Any, **named: Any
    ) -> None:
        """allauth's, which says that a mail was sent wherever one should have been."""
        if message_template != _SENT or not getattr(request, "mail_failed", False):
            super().add_message(request, level, message_template, *more, **named)


def name_from(email: str) -> str:
    """A name to begin with: ``ana.lopez+film@studio.example`` is Ana Lopez."""
    words = email.partition("@")[0].partition("+")[0].replace(".", " ").replace("_", " ").replace("-", " ").split()
    name = " ".join(word[:1].upper() + word[1:] for word in words)
    return name[:60] or email[:60]


def workspace_name(name: str) -> str:
    """What a person's own workspace is called until somebody gives it another name."""
    return _("%(name)s’s workspace") % {"name": name[:60]}


def sign_in(request: HttpRequest, user: User) -> None:
    """Start a session for somebody who has just been made."""
    login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])


def welcome_guest(request: HttpRequest, name: str) -> User:
    """Make a guest and start their session."""
    guest = people.make_guest(name)
    sign_in(request, guest)
    return guest


def keep_account(request: HttpRequest, name: str, address: str, password: str) -> None:
    """Turn the guest of this session into an account; the session goes on.

    Raises:
        DomainError: the address already belongs to somebody, or this is no guest.
    """
    user = person(request)
    with transaction.atomic():
        people.rename_person(user, name)
        people.keep_account(user, address, password)
        kept = EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=False)
    update_session_auth_hash(request, user)
    kept.send_confirmation(request, signup=True)


def email(request: HttpRequest) -> HttpResponseBase:
    """allauth's page of addresses. A guest has none to manage: keeping the account comes first."""
    return _for_accounts(request, allauth_views.email)


def password_set(request: HttpRequest) -> HttpResponseBase:
    """allauth's page for a first password. A guest chooses it together with an address."""
    return _for_accounts(request, allauth_views.password_set)


def _for_accounts(request: HttpRequest, view: Any) -> HttpResponseBase:
    if isinstance(request.user, User) and request.user.is_guest:
        return redirect("keep")
    response: HttpResponseBase = login_required(view)(request)
    return response
