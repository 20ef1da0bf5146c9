"""Notices that somebody's way in has changed, and has their sockets checked at once, in every process.

Rows that are changed without a model instance are not noticed; those sockets close at their next check.
"""

from typing import Any

from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models.signals import post_delete, post_save

from studio.live import broadcast
from studio.models import Membership, User


def connect() -> None:
    """Watch memberships, people and sessions. Called once, when Django is ready."""
    post_save.connect(_membership_changed, sender=Membership)
    post_delete.connect(_membership_changed, sender=Membership)
    post_save.connect(_person_changed, sender=User)
    post_delete.connect(_session_ended, sender=Session)


def _membership_changed(instance: Membership, *, created: bool = False, **kwargs: Any) -> None:
    user_id = instance.user_id
    if not created:
        transaction.on_commit(lambda: broadcast.revoke_user(user_id))


def _person_changed(instance: User, *, created: bool, update_fields: Any, **kwargs: Any) -> None:
    user_id = instance.pk
    if not created and update_fields != frozenset({"last_login"}):
        transaction.on_commit(lambda: broadcast.revoke_user(user_id))


def _session_ended(instance: Session, **kwargs: Any) -> None:
    session_key = instance.session_key
    transaction.on_commit(lambda: broadcast.revoke_session(session_key))
