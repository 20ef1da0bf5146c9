"""What a view asks of a request before it does anything, and how a refusal becomes a response."""

import logging
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any, Concatenate, ParamSpec

import redis.exceptions
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views import defaults

from studio.domain.errors import DomainError, Kind, storage_full
from studio.models import User

logger = logging.getLogger(__name__)
P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]
_AWAY = (OperationalError, redis.exceptions.ConnectionError, redis.exceptions.TimeoutError)


def person(request: HttpRequest) -> User:
    """Who is signed in; the view's guard has made sure that somebody is."""
    assert isinstance(request.user, User)
    return request.user


def posted(otherwise: str) -> Callable[[View[P]], View[P]]:
    """For a form's target: whoever comes by the address bar is led to the page named ``otherwise``."""

    def guard(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if request.method != "POST":
                return redirect(otherwise)
            return view(request, *args, **kwargs)

        return guarded

    return guard


def signed_in_or_401(view: View[P]) -> View[P]:
    """For what is not a page: an anonymous request gets 401, not a way to the sign-in page."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return refusal("unauthenticated", _("Sign in first."), HTTPStatus.UNAUTHORIZED)
        return view(request, *args, **kwargs)

    return guarded


def json_only(view: View[P]) -> View[P]:
    """A body of another type gets 415: a form on another site cannot send JSON without asking first."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if request.content_type != "application/json":
            message = _("Expected a body of type application/json, got %(given)s.") % {"given": request.content_type}
            return refusal("wrong_type", message, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        return view(request, *args, **kwargs)

    return guarded


def refusal(code: str, message: str, status: int, field: str = "") -> JsonResponse:
    """A refusal as the wire says it: a code, a sentence, the field at fault."""
    return JsonResponse({"error": {"code": code, "message": message, "field": field}}, status=status)


class Refusals:
    """Middleware: a rule's refusal, or a server that is away, becomes a page or a JSON answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        refused = exception if isinstance(exception, DomainError) else storage_full(exception)
        if refused is not None:
            return _refused(request, refused)
        if isinstance(exception, _AWAY):
            logger.exception("a server is away: %s %s", request.method, request.path)
            return HttpResponse(render_to_string("503.html"), status=HTTPStatus.SERVICE_UNAVAILABLE)
        return None


def _refused(request: HttpRequest, error: DomainError) -> HttpResponse:
    if _wants_json(request):
        return refusal(error.code, error.message, error.kind.value, error.field)
    if error.kind is Kind.NOT_FOUND:
        return defaults.page_not_found(request, Http404())
    return render(request, "refused.html", {"error": error}, status=error.kind.value)


def _wants_json(request: HttpRequest) -> bool:
    return (
        request.content_type == "application/json"
        or request.get_preferred_type(["text/html", "application/json"]) == "application/json"
    )


def form_errors(form: Any, error: DomainError) -> None:
    """Show a refusal beside the input that it is about, so that what was typed stays."""
    form.add_error(error.field if error.field in form.fields else None, error.message)
