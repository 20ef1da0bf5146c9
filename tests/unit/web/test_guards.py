"""What becomes of an error that is nobody's fault."""

import json
from typing import Any

import pytest
from django.db import connection
from django.urls import reverse

from studio.domain import people, workspaces
from tests.factories import Cast
from tests.unit.web.conftest import Enter


def full(*_: Any) -> None:
    """Have Postgres say what it says when its disk is full."""
    with connection.cursor() as cursor:
        cursor.execute("DO $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$")


def test_a_page_says_that_there_is_no_room_left(cast: Cast, enter: Enter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspaces, "workspaces_of", full)
    response = enter(cast.owner).get(reverse("projects"))
    assert response.status_code == 507
    assert "There is no room left" in response.content.decode()


def test_a_page_that_waited_too_long_for_a_row_says_that_a_part_is_away(
    cast: Cast, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def held(*_: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("DO $$ BEGIN RAISE EXCEPTION 'timeout' USING ERRCODE = 'lock_not_available'; END $$")

    monkeypatch.setattr(workspaces, "workspaces_of", held)
    response = enter(cast.owner).get(reverse("projects"))
    assert response.status_code == 503
    assert "A part of the studio is away" in response.content.decode()


def test_a_script_is_told_that_there_is_no_room_left(cast: Cast, enter: Enter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "invite", full)
    body, address = json.dumps({"role": "viewer"}), reverse("invite", args=[cast.project.pk])
    response = enter(cast.owner).post(address, body, content_type="application/json")
    assert (response.status_code, response.json()["error"]["code"]) == (507, "storage.full")
