"""Workspaces, projects and storyboards."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db.models import Q
from pycrdt import Doc, Map

from studio.domain import access, events, projects, takes, views
from studio.domain.access import Access
from studio.domain.errors import DomainError, Kind
from studio.jobs import queue
from studio.models import DocumentUpdate, Project, RoomEvent, Take, TakeState
from tests.factories import Cast, make_request, make_worker_node

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    make_worker_node()
    return Cast()


def titles(cast: Cast) -> list[str]:
    return [shot["title"] for shot in views.shot_views(cast.project)]


def written(project: Project) -> dict[str, Any]:
    """What the document says of each shot."""
    doc: Doc[Any] = Doc()
    shots: Map[Any] = doc.get("shots", type=Map)
    for row in DocumentUpdate.objects.filter(project=project).order_by("id"):
        assert row.epoch == project.doc_epoch
        doc.apply_update(bytes(row.payload))
    return shots.to_py() or {}


def test_a_new_project_has_its_prompts_in_the_document(cast: Cast) -> None:
    assert set(written(cast.project)) == {str(shot.pk) for shot in cast.shots}
    first = written(cast.project)[str(cast.shots[0].pk)]
    assert first["prompt"] == "a red ball bounces at sunset"
    assert first["settings"] == {
        "style": "", "light": "", "pace": "", "size": "96x64", "frames": 25.0, "seed": None, "quality": "draft",
    }  # fmt: skip


def test_a_shot_made_before_any_offer_leaves_size_and_length_open(settings: Any, tmp_path: Path) -> None:
    settings.RUSHES_MODEL_FOLDER = tmp_path
    cast = Cast()
    written_settings = written(cast.project)[str(cast.shots[0].pk)]["settings"]
    assert (written_settings["size"], written_settings["frames"]) == (None, None)


def test_an_added_shot_is_seeded_and_its_seed_published(
    cast: Cast, django_capture_on_commit_callbacks: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    published: list[tuple[UUID, bytes]] = []
    monkeypatch.setattr(events, "_document_publishers", [lambda project, update: published.append((project, update))])
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        shot = projects.add_shot(cast.access(), "  Night \n fall ")
    assert titles(cast) == ["Morning", "Evening", "Night fall"]
    assert str(shot.pk) in written(cast.project)
    last = DocumentUpdate.objects.order_by("id").last()
    assert last is not None
    assert published == [(cast.project.pk, bytes(last.payload))]
    assert RoomEvent.objects.get().type == "shot.added"


@pytest.mark.parametrize(
    ("position", "expected"),
    [
        (0, ["Evening", "Morning", "Night"]),
        (1, ["Morning", "Evening", "Night"]),
        (9, ["Morning", "Night", "Evening"]),
        (10**25, ["Morning", "Night", "Evening"]),
    ],
)
def test_a_shot_moves_to_a_place(cast: Cast, position: int, expected: list[str]) -> None:
    projects.add_shot(cast.access(), "Night")
    projects.move_shot(cast.access(), cast.shots[1].pk, position)
    assert titles(cast) == expected
    assert [shot["position"] for shot in views.shot_views(cast.project)] == [0, 1, 2]


def test_a_deleted_shot_is_gone_and_its_takes_are_cancelled(cast: Cast) -> None:
    shot = cast.shots[0]
    take = queue.submit(cast.access(), make_request(shot))
    projects.delete_shot(cast.access(), shot.pk)
    assert titles(cast) == ["Evening"]
    assert Take.objects.get(pk=take.pk).state == TakeState.CANCELLED
    assert views.room_view(cast.project.pk)["takes"] == []
    with pytest.raises(DomainError):
        projects.rename_shot(cast.access(), shot.pk, "Again")


def test_a_take_is_picked_for_its_own_shot_once_it_is_done(cast: Cast) -> None:
    first, second = cast.shots
    take = queue.submit(cast.access(), make_request(first))
    with pytest.raises(DomainError) as refused:
        projects.pick_take(cast.access(), first.pk, take.pk)
    assert refused.value.code == "take.not_done"
    Take.objects.filter(pk=take.pk).update(state=TakeState.DONE)
    with pytest.raises(DomainError) as refused:
        projects.pick_take(cast.access(), second.pk, take.pk)
    assert refused.value.kind is Kind.NOT_FOUND
    projects.pick_take(cast.access(), first.pk, take.pk)
    assert views.shot_views(cast.project)[0]["picked_take_id"] == str(take.pk)
    projects.pick_take(cast.access(), first.pk, None)
    assert views.shot_views(cast.project)[0]["picked_take_id"] is None


def test_a_deleted_project_is_gone_for_everybody_and_its_takes_are_cancelled(cast: Cast) -> None:
    entered = cast.access("owner")
    take = queue.submit(entered, make_request(cast.shots[0]))
    projects.delete_project(entered)
    for person in cast.everybody.values():
        with pytest.raises(DomainError) as refused:
            access.enter(person, cast.project.pk)
        assert refused.value.kind is Kind.NOT_FOUND
        assert cast.project.pk not in [card.id for card in projects.projects_of(person)]
    assert Take.objects.get(pk=take.pk).state == TakeState.CANCELLED
    told = RoomEvent.objects.order_by("seq").values_list("type", flat=True)
    assert list(told) == ["take.queued", "project.deleted", "take.cancelled"]
    assert_gone(lambda: queue.submit(entered, make_request(cast.shots[0])))
    assert_gone(lambda: projects.add_shot(entered, "Late"))
    assert_gone(lambda: projects.rename_project(entered, "Late"))
    assert_gone(lambda: views.room_view(entered.project.pk))


@pytest.mark.parametrize("deletion", ["shot", "project"])
def test_a_take_asked_for_during_a_deletion_does_not_go_on(
    cast: Cast, deletion: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancel, shot = takes.cancel_where, cast.shots[0]

    def cancel_and_be_late(which: Q) -> None:
        cancel(which)
        with contextlib.suppress(DomainError):
            takes.request_take(cast.access("owner"), make_request(shot))

    monkeypatch.setattr(takes, "cancel_where", cancel_and_be_late)
    entered = cast.access("owner")
    if deletion == "shot":
        projects.delete_shot(entered, shot.pk)
    else:
        projects.delete_project(entered)
    assert not Take.objects.filter(state=TakeState.QUEUED).exists()


def assert_gone(call: Callable[[], object]) -> None:
    with pytest.raises(DomainError) as refused:
        call()
    assert refused.value.kind is Kind.NOT_FOUND


@pytest.mark.parametrize(
    ("title", "code"),
    [("", "title.empty"), (" \n ", "title.empty"), ("x" * 121, "title.too_long"), ("a\x00", "title.unreadable")],
)
def test_a_title_is_one_line_of_up_to_120_characters(cast: Cast, title: str, code: str) -> None:
    for change in (projects.add_shot, projects.rename_project):
        with pytest.raises(DomainError) as refused:
            change(cast.access(), title)
        assert (refused.value.code, refused.value.field) == (code, "title")


EDITS: dict[str, Callable[[Access, UUID], object]] = {
    "rename_project": lambda entered, shot: projects.rename_project(entered, "x"),
    "add_shot": lambda entered, shot: projects.add_shot(entered, "x"),
    "rename_shot": lambda entered, shot: projects.rename_shot(entered, shot, "x"),
    "move_shot": lambda entered, shot: projects.move_shot(entered, shot, 0),
    "delete_shot": lambda entered, shot: projects.delete_shot(entered, shot),
    "pick_take": lambda entered, shot: projects.pick_take(entered, shot, None),
}


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("part", ["owner", "editor", "reviewer", "viewer", "guest", "stranger"])
def test_only_owner_and_editor_change_a_room(cast: Cast, part: str, edit: str) -> None:
    shot = cast.shots[0].pk
    if part in ("owner", "editor"):
        EDITS[edit](cast.access(part), shot)
        return
    with pytest.raises(DomainError) as refused:
        EDITS[edit](cast.access(part), shot)
    assert refused.value.kind is (Kind.NOT_FOUND if part == "stranger" else Kind.FORBIDDEN)
    assert RoomEvent.objects.count() == 0


@pytest.mark.parametrize("part", ["editor", "reviewer", "viewer", "guest", "stranger"])
def test_only_the_owner_deletes_a_project(cast: Cast, part: str) -> None:
    with pytest.raises(DomainError):
        projects.delete_project(cast.access(part))
    assert Project.objects.get(pk=cast.project.pk).deleted_at is None


def test_a_stranger_makes_no_project_in_a_workspace(cast: Cast) -> None:
    with pytest.raises(DomainError) as refused:
        projects.create_project(cast.stranger, cast.workspace, "Mine now", shots=[])
    assert refused.value.kind is Kind.NOT_FOUND
    with pytest.raises(DomainError) as refused:
        projects.create_project(cast.viewer, cast.workspace, "Mine now", shots=[])
    assert refused.value.kind is Kind.FORBIDDEN
    assert not Project.objects.filter(title="Mine now").exists()


def test_a_shot_that_is_not_here_is_not_found(cast: Cast) -> None:
    for shot in (uuid4(), Cast().shots[0].pk):
        assert_gone(lambda shot=shot: projects.rename_shot(cast.access(), shot, "x"))  # type: ignore[misc]


def test_the_list_of_projects_counts_shots_and_takes_and_shows_the_newest_poster(cast: Cast) -> None:
    done, _ = (queue.submit(cast.access(), make_request(cast.shots[0])) for _ in range(2))
    Take.objects.filter(pk=done.pk).update(state=TakeState.DONE)
    (card,) = projects.projects_of(cast.viewer)
    assert (card.title, card.role, card.shot_count, card.take_count) == ("Harbour", "viewer", 2, 2)
    assert card.poster_url == f"/media/takes/{done.pk}/poster.jpg"
    assert projects.projects_of(cast.stranger) == []
