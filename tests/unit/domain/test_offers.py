"""What the model can be asked for."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from studio.domain import offers
from tests.factories import MANIFEST, make_worker_node

pytestmark = pytest.mark.django_db


def test_the_newest_worker_says_what_is_on_offer() -> None:
    make_worker_node(offer={**MANIFEST, "name": "Older"}, seen_at=timezone.now() - timedelta(hours=1))
    make_worker_node(offer={**MANIFEST, "name": "Newer"})
    make_worker_node(offer={}, error_code="model.broken", seen_at=timezone.now() + timedelta(seconds=1))
    offer = offers.current()
    assert offer.model == "Newer"
    assert offer.steps == {"draft": 4, "final": 12}
    assert offers.workers_alive() == 1


def test_before_any_worker_the_models_folder_says_it(settings: Any, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps({**MANIFEST, "name": "In the folder"}))
    settings.RUSHES_MODEL_FOLDER = tmp_path
    assert offers.current().model == "In the folder"


def test_a_model_that_nobody_knows_yet_offers_nothing(settings: Any, tmp_path: Path) -> None:
    settings.RUSHES_MODEL_FOLDER = tmp_path
    assert offers.current().sizes == ()


def test_the_shipped_model_offers_what_a_room_needs() -> None:
    offer = offers.current()
    assert offer.sizes
    assert offer.lengths
    assert set(offer.steps) == {"draft", "final"}
