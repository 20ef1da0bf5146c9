"""The project that a guest begins with."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import translation

from project.env import ROOT
from studio.domain import access, projects, samples, views
from studio.domain.stories import LANGUAGES, STORIES
from studio.models import Project, Take, TakeState
from tests.factories import make_person, make_worker_node

LISTED = json.loads((ROOT / "static" / "public" / "samples" / "samples.json").read_text())["takes"]


@pytest.fixture
def storage(settings: Any, tmp_path: Path) -> Path:
    backend = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path)}}
    settings.STORAGES = {**settings.STORAGES, "default": backend}
    return tmp_path


def begun(language: str) -> Project:
    make_worker_node()
    guest = make_person("Gus", guest=True)
    workspace = projects.create_workspace(guest, "Mine")
    with translation.override(language):
        project = samples.sample_project(guest, workspace)
    assert access.enter(guest, project.pk).role == "owner"
    return project


@pytest.mark.django_db
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sample_project_has_three_shots_each_with_a_take_and_none_picked(storage: Path, language: str) -> None:
    project = begun(language)
    shots = views.shot_views(project)
    if language == "en":
        assert [shot["title"] for shot in shots] == ["The ball", "The bell", "The boat"]
    assert [shot["picked_take_id"] for shot in shots] == [None] * 3
    takes = [Take.objects.get(shot=shot["id"]) for shot in shots]
    for story, take in zip(STORIES, takes, strict=True):
        assert (take.state, take.prompt, take.number) == (TakeState.DONE, story.prompts[language], 1)
        assert take.requested_by is None
        with default_storage.open(take.clip_key) as file:
            assert hashlib.sha256(file.read()).hexdigest() == take.clip_sha256
        assert default_storage.exists(take.poster_key)


@pytest.mark.django_db
def test_a_storage_that_is_away_costs_the_takes_and_not_the_project(
    storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def away(*_: object) -> str:
        asked.append(1)
        raise OSError("no route")

    monkeypatch.setattr(FileSystemStorage, "save", away)
    project = begun("en")
    assert len(views.shot_views(project)) == 3
    assert not Take.objects.filter(project=project).exists()
    assert asked == [1], "one that hangs is waited for once"


@pytest.mark.django_db
def test_a_storage_that_goes_away_leaves_the_takes_that_it_has(storage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save, saved = FileSystemStorage.save, list[str]()

    def full(self: FileSystemStorage, name: str, content: Any) -> str:
        saved.append(name)
        if len(saved) > 2:
            raise OSError("no route")
        return save(self, name, content)

    monkeypatch.setattr(FileSystemStorage, "save", full)
    project = begun("en")
    assert [take.shot.title for take in Take.objects.filter(project=project)] == ["The ball"]


@pytest.mark.django_db(transaction=True)
def test_a_storage_that_hangs_holds_no_connection(storage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held, save = [], FileSystemStorage.save

    def noted(self: FileSystemStorage, name: str, content: Any) -> str:
        held.append(connection.connection is not None)
        return save(self, name, content)

    cache.clear()
    make_worker_node()
    monkeypatch.setattr(FileSystemStorage, "save", noted)
    assert Client().post(reverse("try"), {"name": "Gus"}).status_code == 302
    assert held == [False] * 2 * len(STORIES)
    assert Take.objects.count() == len(STORIES)


def test_what_is_listed_fits_the_stories() -> None:
    """Run ``python -m tools.samples`` when this fails: a prompt was changed, and its take was not."""
    for story in STORIES:
        for language in LANGUAGES:
            assert LISTED[story.name][language]["prompt"] == story.prompts[language]
