"""The Yjs document of a project: raw updates as they came, snapshots, and what was refused."""

from django.conf import settings
from django.db import models

from studio.models.projects import Project


class DocumentUpdate(models.Model):
    """One raw update, kept as it came: a merged state would leave out updates that wait for a gap to close."""

    id = models.BigAutoField(primary_key=True)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="document_updates")
    epoch = models.PositiveIntegerField()
    payload = models.BinaryField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["project", "epoch", "id"])]


class DocumentSnapshot(models.Model):
    """The state that a run of updates was compacted into. At most one a project and epoch."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="document_snapshots")
    epoch = models.PositiveIntegerField()
    state = models.BinaryField()
    update_count = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "epoch"], name="one_snapshot_an_epoch")]


class QuarantinedUpdate(models.Model):
    """Bytes that were refused, kept for whoever has to find out why."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="quarantined_updates")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    payload = models.BinaryField()
    reason = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)
