"""The rows: what is true, whatever Redis or a process forgets."""

from studio.models.documents import DocumentSnapshot, DocumentUpdate, QuarantinedUpdate
from studio.models.events import RoomEvent
from studio.models.people import User
from studio.models.projects import Project, Shot
from studio.models.takes import Quality, Take, TakeState
from studio.models.workers import WorkerNode
from studio.models.workspaces import Invitation, Membership, Role, Workspace

__all__ = [
    "DocumentSnapshot",
    "DocumentUpdate",
    "Invitation",
    "Membership",
    "Project",
    "Quality",
    "QuarantinedUpdate",
    "Role",
    "RoomEvent",
    "Shot",
    "Take",
    "TakeState",
    "User",
    "WorkerNode",
    "Workspace",
]
