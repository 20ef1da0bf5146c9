"""How often one address or one person may do what costs rows or could be guessing.

Counted in Redis in fixed windows, so the limit holds over all web processes; Redis being away is a 503, not a
way around. The address is the socket's own: X-Forwarded-For counts only behind as many proxies as are named.
"""

import time
from dataclasses import dataclass

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from django.utils.translation import gettext as _

from studio.domain.errors import DomainError, Kind


@dataclass(frozen=True)
class Limit:
    """At most ``amount`` in each window of ``window_s``."""

    name: str
    amount: int
    window_s: int


GUESS = Limit("guess", 30, 600)
"""Wrong invitation links from one address."""
KEEP = Limit("keep", 30, 600)
"""Guests' tries to become accounts from one address: each tells whether an e-mail address has an account."""
INVITE = Limit("invite", 60, 3600)
"""Invitations made by one person."""


def guests() -> Limit:
    """Guests made by one address, invited or not: by default an office behind one address fits, a script does not."""
    return Limit("try", settings.GUEST_LIMIT, 600)


def spend(limit: Limit, who: str) -> None:
    """Count one use. Raises DomainError (too_many) when the window's amount is used up."""
    key = _key(limit, who)
    cache.add(key, 0, limit.window_s)
    if cache.incr(key) > limit.amount:
        raise _too_many()


def check(limit: Limit, who: str) -> None:
    """Raises DomainError (too_many) when the window's amount is already used up; counts nothing."""
    if cache.get(_key(limit, who), 0) >= limit.amount:
        raise _too_many()


def address(request: HttpRequest) -> str:
    """The address that a request really came from."""
    return str(get_adapter().get_client_ip(request))


def _key(limit: Limit, who: str) -> str:
    return f"limit:{limit.name}:{who}:{int(time.time()) // limit.window_s}"


def _too_many() -> DomainError:
    return DomainError("too_many", _("Too many attempts. Wait a few minutes, then try again."), kind=Kind.LIMITED)
