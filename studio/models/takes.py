"""A take: one rendering of one shot's prompt, from request to clip."""

import uuid

from django.conf import settings
from django.db import models

from studio.models.projects import Project, Shot


class TakeState(models.TextChoices):
    """Where a take is; the transitions are in ``domain.takes``."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Quality(models.TextChoices):
    """Which of the model's call defaults a take uses."""

    DRAFT = "draft"
    FINAL = "final"


class Take(models.Model):
    """A take and all that is known of it. ``attempt`` is the fencing token of the worker's writes."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="takes")
    shot = models.ForeignKey(Shot, on_delete=models.CASCADE, related_name="takes")
    number = models.PositiveIntegerField(help_text="counts from 1 within its shot")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    idempotency_key = models.CharField(max_length=80)
    state = models.CharField(max_length=10, choices=TakeState, default=TakeState.QUEUED)

    prompt = models.TextField()
    quality = models.CharField(max_length=10, choices=Quality)
    style = models.CharField(max_length=40, blank=True)
    light = models.CharField(max_length=40, blank=True)
    pace = models.CharField(max_length=40, blank=True)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    frames = models.PositiveIntegerField()
    seed = models.BigIntegerField()

    job_id = models.BigIntegerField(null=True, blank=True)
    attempt = models.PositiveSmallIntegerField(default=0)
    spared_attempts = models.PositiveSmallIntegerField(default=0, help_text="attempts given back by a clean stop")
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    step = models.PositiveIntegerField(default=0)
    steps = models.PositiveIntegerField(default=0)
    error_code = models.CharField(max_length=60, blank=True)
    error_message = models.TextField(blank=True)

    rate_hz = models.PositiveIntegerField(default=0)
    sample_rate_hz = models.PositiveIntegerField(default=0)
    clip_key = models.CharField(max_length=200, blank=True)
    poster_key = models.CharField(max_length=200, blank=True)
    checkpoint_key = models.CharField(max_length=200, blank=True)
    is_untidy = models.BooleanField(default=False, db_default=False, help_text="attempts may have left files")
    clip_size_bytes = models.PositiveBigIntegerField(default=0)
    clip_sha256 = models.CharField(max_length=64, blank=True)
    waveform = models.JSONField(default=list, blank=True)
    model = models.CharField(max_length=200, blank=True)
    model_prompt = models.TextField(blank=True)
    render_ms = models.PositiveIntegerField(default=0)

    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["shot", "number"], name="one_take_a_number"),
            models.UniqueConstraint(fields=["requested_by", "idempotency_key"], name="one_take_a_request"),
        ]
        indexes = [
            models.Index(fields=["project", "state"]),
            models.Index(fields=["state", "created_at"]),
            # Asked each second by each worker, and next to empty.
            models.Index(fields=["number"], name="untidy_takes", condition=models.Q(is_untidy=True)),
        ]

    @property
    def tries(self) -> int:
        """Attempts that count: the fencing token only ever rises, a clean stop of the worker costs no try."""
        return self.attempt - self.spared_attempts
