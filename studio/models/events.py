"""What happened in a room, numbered without gaps, so that a client can ask for what it missed."""

from django.db import models

from studio.models.projects import Project


class RoomEvent(models.Model):
    """One event. ``seq`` is handed out under the project's row lock, so commit order is number order."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="events")
    seq = models.BigIntegerField()
    type = models.CharField(max_length=40)
    payload = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "seq"], name="one_event_a_number")]
