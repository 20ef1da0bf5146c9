"""The workers that render takes, as they announce themselves."""

import uuid

from django.db import models


class WorkerNode(models.Model):
    """A worker process; alive while ``seen_at`` is younger than the lease. ``offer`` is its model's manifest.

    With an ``error_code`` it is no worker but the trace of one whose model could not be loaded, ``failed_starts``
    times in a row.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    host = models.CharField(max_length=120)
    device = models.CharField(max_length=120)
    model = models.CharField(max_length=200)
    offer = models.JSONField()
    is_ready = models.BooleanField(default=True, help_text="False while it loads its model")
    started_at = models.DateTimeField(auto_now_add=True)
    seen_at = models.DateTimeField()
    error_code = models.CharField(max_length=60, blank=True)
    error_message = models.TextField(blank=True)
    failed_starts = models.PositiveIntegerField(default=0)
