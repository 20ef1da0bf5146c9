"""The pages: each view is guards, one call of the domain, a response.

A form that is shown again with what is wrong comes with status 200: browsers report any other as an error.
"""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

from allauth.utils import build_absolute_uri
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from studio.domain import access, people, workspaces
from studio.domain import projects as studio_projects
from studio.domain import samples as sample_shots
from studio.domain import views as room_views
from studio.domain.access import Right
from studio.domain.errors import DomainError
from studio.models import Role, User
from studio.web import accounts, limits
from studio.web.forms import GuestForm, InviteForm, KeepForm, NewProjectForm
from studio.web.guards import form_errors, json_only, person, posted, refusal, signed_in_or_401
from studio.web.samples import samples

INVITATION_AGE = timedelta(days=14)


@require_safe
def front(request: HttpRequest) -> HttpResponse:
    """What Rushes is, and the ways in."""
    return render(request, "studio/front.html", {"form": GuestForm(), "samples": samples()})


@posted(otherwise="front")
def try_now(request: HttpRequest) -> HttpResponse:
    """A guest with a workspace and a sample project of their own, and off to its room."""
    if request.user.is_authenticated:
        return redirect("projects")
    if not settings.GUESTS_WELCOME:
        return redirect("account_login")
    form = GuestForm(request.POST)
    if not form.is_valid():
        return render(request, "studio/front.html", {"form": form, "samples": samples()})
    guest = _guest(request, form)
    workspace = studio_projects.create_workspace(guest, accounts.workspace_name(guest.display_name))
    return redirect("room", sample_shots.sample_project(guest, workspace).pk)


def _guest(request: HttpRequest, form: GuestForm) -> User:
    limits.spend(limits.guests(), limits.address(request))
    return accounts.welcome_guest(request, form.cleaned_data["name"])


@require_safe
@login_required
def projects(request: HttpRequest) -> HttpResponse:
    """The workspaces of a person and what is in them."""
    return _projects_page(request)


@posted(otherwise="projects")
@login_required
def project_create(request: HttpRequest) -> HttpResponse:
    """A project with one empty shot."""
    user = person(request)
    form = NewProjectForm(workspaces.workspaces_to_make_in(user), request.POST)
    if not form.is_valid():
        return _projects_page(request, form)
    workspace, title = form.cleaned_data["workspace"], form.cleaned_data["title"]
    project = studio_projects.create_project(user, workspace, title, shots=[(_("First shot"), "")])
    return redirect("room", project.pk)


def _projects_page(request: HttpRequest, form: NewProjectForm | None = None) -> HttpResponse:
    user = person(request)
    form = form or NewProjectForm(workspaces.workspaces_to_make_in(user))
    context = {"workspaces": workspaces.workspaces_of(user), "form": form}
    return render(request, "studio/projects.html", context)


@posted(otherwise="projects")
@login_required
def project_delete(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """Take a project off everybody's list; open rooms close."""
    studio_projects.delete_project(access.enter(person(request), project_id, Right.MANAGE))
    return redirect("projects")


@require_safe
@never_cache
@login_required
def room(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """The room's page; what is in the room comes over its sockets."""
    entered = access.enter(person(request), project_id)
    context = {"page": _page(request, entered), "project": entered.project, "access": entered}
    return render(request, "studio/room.html", context)


def _page(request: HttpRequest, entered: access.Access) -> dict[str, Any]:
    """What the page's script starts from."""
    project, user = entered.project, entered.user
    return {
        "project_id": str(project.pk),
        "room_socket": f"/ws/rooms/{project.pk}/",
        "doc_socket": f"/ws/rooms/{project.pk}",
        "doc_epoch": project.doc_epoch,
        "language": get_language(),
        "csp_nonce": str(request.csp_nonce),  # type: ignore[attr-defined]
        "csrf_token": get_token(request),
        "you": room_views.person_view(user),
        "role": entered.role.value,
        "invite_url": reverse("invite", args=[project.pk]),
        "home_url": reverse("projects"),
        "guest": user.is_guest,
        "keep_url": reverse("keep"),
    }


@require_POST
@signed_in_or_401
@json_only
def invite(request: HttpRequest, project_id: UUID) -> HttpResponseBase:
    """A link that lets its holder in: ``{"role": "editor"}`` gives ``{"url": …}``."""
    entered = access.enter(person(request), project_id, Right.SHARE)
    form = InviteForm(_json_object(request))
    if not form.is_valid():
        expected = _("role: expected one of %(roles)s.") % {"roles": ", ".join(Role.values)}
        return refusal("wrong_role", expected, 400, "role")
    limits.spend(limits.INVITE, str(entered.user.pk))
    invitation, token = people.invite(entered, Role(form.cleaned_data["role"]), INVITATION_AGE)
    url = build_absolute_uri(request, reverse("join", args=[token]))
    return JsonResponse({"url": url, "role": invitation.role, "expires_at": invitation.expires_at.isoformat()})


def _json_object(request: HttpRequest) -> dict[str, Any]:
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise DomainError("bad_json", _("The body is not a JSON object."))
    return body


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest, token: str) -> HttpResponse:
    """An invitation: who invites to what, and the way in as oneself, as a guest, or by signing in."""
    invitation = _invitation(request, token)
    known = request.user.is_authenticated
    form = GuestForm(request.POST or None)
    if request.method != "POST" or not (known or (settings.GUESTS_WELCOME and form.is_valid())):
        context = {"invitation": invitation, "form": form}
        return render(request, "studio/join.html", context)
    user = person(request) if known else _guest(request, form)
    return redirect("room", people.accept_invitation(user, token).pk)


def _invitation(request: HttpRequest, token: str) -> Any:
    address = limits.address(request)
    limits.check(limits.GUESS, address)
    try:
        return people.open_invitation(token)
    except DomainError:
        limits.spend(limits.GUESS, address)
        raise


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def keep(request: HttpRequest) -> HttpResponse:
    """A guest's way to an account; all that they made stays theirs."""
    user = person(request)
    if not user.is_guest:
        return redirect("projects")
    form = KeepForm(request.POST or None, initial={"name": user.display_name})
    if request.method == "POST" and form.is_valid() and _kept(request, form):
        return redirect("projects")
    return render(request, "studio/keep.html", {"form": form})


def _kept(request: HttpRequest, form: KeepForm) -> bool:
    typed = form.cleaned_data
    limits.spend(limits.KEEP, limits.address(request))
    try:
        accounts.keep_account(request, typed["name"], typed["email"], typed["password"])
    except DomainError as error:
        form_errors(form, error)
        return False
    return True
