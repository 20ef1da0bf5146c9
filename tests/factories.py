"""Makes rows for tests. The cast: owner, editor, reviewer, viewer, guest (invited to view) and a stranger."""

import itertools
import uuid
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from studio.domain import access, projects, takes
from studio.models import Membership, Project, Role, Shot, User, WorkerNode, Workspace

_numbers = itertools.count(1)

MANIFEST: dict[str, Any] = {
    "name": "Rushes Test",
    "version": "0.1",
    "family": "ltx2",
    "licence": "Apache-2.0",
    "rate_hz": 8,
    "sample_rate_hz": 16000,
    "sizes": [{"id": "96x64", "width": 96, "height": 64, "label": "3:2"}],
    "lengths": [25],
    "qualities": {"draft": {"steps": 4, "guidance_scale": 3.0}, "final": {"steps": 12, "guidance_scale": 3.0}},
    "call": {"max_sequence_length": 32},
    "controls": {
        "style": [{"id": "neon", "label": {"en": "Neon", "fr": "Néon"}, "phrase": "in neon style"}],
        "light": [{"id": "dusk", "label": {"en": "Dusk", "fr": "Crépuscule"}, "phrase": "at dusk"}],
        "pace": [{"id": "slow", "label": {"en": "Slow", "fr": "Lent"}, "phrase": "slowly"}],
    },
    "suggestions": {"en": ["a red ball"], "fr": ["une balle rouge"]},
    "files": {},
}


def make_person(name: str = "", *, guest: bool = False) -> User:
    """A person; an account unless ``guest``."""
    number = next(_numbers)
    name = name or f"Person {number}"
    email = None if guest else f"{name.lower().replace(' ', '.')}.{uuid.uuid4().hex[:8]}@example.com"
    # No password: hashing one costs 50 ms, and sessions are made directly.
    return User.objects.create_user(email=email, display_name=name, is_guest=guest, colour=number % 8)


@dataclass
class Cast:
    """A workspace with one project of two shots, somebody of each role in it, and a stranger with a workspace."""

    owner: User = field(default_factory=lambda: make_person("Olga Owner"))
    editor: User = field(default_factory=lambda: make_person("Ed Editor"))
    reviewer: User = field(default_factory=lambda: make_person("Rita Reviewer"))
    viewer: User = field(default_factory=lambda: make_person("Vic Viewer"))
    guest: User = field(default_factory=lambda: make_person("Gus Guest", guest=True))
    stranger: User = field(default_factory=lambda: make_person("Stan Stranger"))

    def __post_init__(self) -> None:
        self.workspace: Workspace = projects.create_workspace(self.owner, "Dailies")
        for role, person in (
            (Role.EDITOR, self.editor),
            (Role.REVIEWER, self.reviewer),
            (Role.VIEWER, self.viewer),
            (Role.VIEWER, self.guest),
        ):
            Membership.objects.create(workspace=self.workspace, user=person, role=role)
        self.elsewhere: Workspace = projects.create_workspace(self.stranger, "Elsewhere")
        self.project: Project = projects.create_project(
            self.owner,
            self.workspace,
            "Harbour",
            shots=[("Morning", "a red ball bounces at sunset"), ("Evening", "a golden bell swings")],
        )

    @property
    def everybody(self) -> dict[str, User]:
        """The cast by part."""
        parts = ("owner", "editor", "reviewer", "viewer", "guest", "stranger")
        return {part: getattr(self, part) for part in parts}

    @property
    def shots(self) -> list[Shot]:
        """The storyboard as it is now."""
        return list(self.project.shots.filter(deleted_at=None))

    def access(self, part: str = "editor") -> access.Access:
        """That person inside the project."""
        return access.enter(getattr(self, part), self.project.pk)


def make_worker_node(**fields: Any) -> WorkerNode:
    """A living worker that offers MANIFEST."""
    values = {"host": "test", "device": "cpu", "model": "test", "offer": MANIFEST, "seen_at": timezone.now()}
    return WorkerNode.objects.create(**{**values, **fields})


def make_request(shot: Shot, **fields: Any) -> takes.TakeRequest:
    """A request that MANIFEST can fulfil."""
    values: dict[str, Any] = {
        "shot_id": shot.pk,
        "key": uuid.uuid4().hex,
        "prompt": "a red ball bounces at sunset",
        "quality": "draft",
        "style": "",
        "light": "",
        "pace": "",
        "size": "96x64",
        "frames": 25,
        "seed": 7,
    }
    return takes.TakeRequest(**{**values, **fields})
