"""A project is a film in the making and a room at once; it holds shots in order."""

import uuid

from django.db import models

from studio.models.workspaces import Workspace


class Project(models.Model):
    """A room. ``event_seq`` numbers its events; ``doc_epoch`` fences clients of a restored history."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="projects")
    title = models.CharField(max_length=120)
    event_seq = models.BigIntegerField(default=0)
    doc_epoch = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.title


class Shot(models.Model):
    """One shot of the storyboard. Its prompt and settings live in the project's Yjs document under its id."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="shots")
    title = models.CharField(max_length=120)
    position = models.PositiveIntegerField()
    picked_take = models.ForeignKey("Take", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["position", "created_at"]
        indexes = [models.Index(fields=["project", "position"])]

    def __str__(self) -> str:
        return self.title
