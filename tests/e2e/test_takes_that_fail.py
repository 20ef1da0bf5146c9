"""Takes that fail for good, and models that cannot be loaded: the page says why, and what to do."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from studio.models import Take, TakeState, WorkerNode
from tests.e2e.house import House
from tests.e2e.people import Visitor
from tests.e2e.room import WRITTEN
from tests.e2e.rows import ask, takes_of
from tests.e2e.waiting import until
from tests.faults.light_worker import POISON
from tests.faults.part import Part
from tests.faults.test_models import BROKEN, WEIGHTS
from tests.faults.test_storage import tiny_disk

RETRY_TIMEOUT_MS = 20_000
"""The lease, and the start of a worker."""
UNDER_WAY = re.compile(r"\bstep\b|starting|stopping|queued|waiting")


@pytest.fixture
def studio(house: House) -> Iterator[House]:
    """Whole again; nothing is known of workers, and no take waits for one."""
    house.mend()
    yield house
    ask(WorkerNode.objects.all().delete)
    ask(lambda: Take.objects.filter(state=TakeState.QUEUED).delete())


@pytest.fixture
def worker(studio: House) -> Iterator[Part]:
    """The only one, and a quick one."""
    started = studio.quick_worker()
    yield started
    started.kill()


def start_again(worker: Part) -> None:
    """Wait until it has died, and start it. Nobody else is there to find out sooner."""
    until(lambda: not worker.is_alive)
    worker.start()


def expect_failed(visitor: Visitor, number: int, reason: str) -> None:
    """The take's card says so, the stage says why and what to do, and nothing tells of anything under way."""
    room = visitor.room
    room.expect_take(number, "failed")
    expect(room.take(number)).to_contain_text("failed")
    expect(room.stage.get_by_role("heading")).to_have_text(f"Take {number} failed")
    expect(room.stage.get_by_role("paragraph")).to_have_text(reason)
    expect(room.stage.get_by_role("button", name="Try again")).to_be_visible()
    expect_rest(visitor)


def expect_rest(visitor: Visitor) -> None:
    """Nothing on the page tells of a take under way, and another one can be asked for."""
    room = visitor.room
    expect(room.steps).to_be_hidden()
    expect(room.preview).to_be_hidden()
    for words in ("Live preview", re.compile(r"attempt \d")):
        expect(room.stage.get_by_text(words)).to_be_hidden()
    expect(room.takes.get_by_role("button", name=UNDER_WAY)).to_have_count(0)
    expect(room.shots.get_by_role("button", name=UNDER_WAY)).to_have_count(0)
    expect(room.desk.get_by_role("button", name=re.compile("^Cancel"))).to_be_hidden()
    expect(room.generate).not_to_have_attribute("aria-disabled", "true")


def test_a_take_that_kills_three_workers_is_said_to_fail_and_the_next_one_is_made(
    ana: Visitor, bo: Visitor, worker: Part
) -> None:
    ana.room.write(f"a glass of {POISON}")
    number = ana.room.request()
    for attempt in (2, 3):
        start_again(worker)
        for visitor in (ana, bo):
            expect(visitor.room.stage).to_contain_text(f"attempt {attempt} of 3", timeout=RETRY_TIMEOUT_MS)
    start_again(worker)
    reason = "The worker that rendered it was lost, each time it was tried. Try again."
    for visitor in (ana, bo):
        expect_failed(visitor, number, reason)
        visitor.room.panel.get_by_role("tab", name="History").click()
        history = visitor.room.panel.get_by_role("listitem").filter(has_text=f"Take {number} of ")
        for told in ("tried again, attempt 2", "tried again, attempt 3", "failed"):
            expect(history.filter(has_text=told)).to_have_count(1)
    (take,) = takes_of(ana.room.project_id)
    assert (take.state, take.attempt, take.error_code) == (TakeState.FAILED, 3, "worker.lost")
    bo.room.write("a red ball")
    following = bo.room.request()
    for visitor in (ana, bo):
        visitor.room.expect_take(following, "done")
        expect(visitor.room.video).to_be_visible()
        expect_rest(visitor)


@pytest.fixture
def full(studio: House) -> Iterator[Path]:
    """A file that leaves no room where clips are stored. Skips where we may not mount a small disk."""
    media = studio.data / "media"
    media.mkdir(exist_ok=True)
    with tiny_disk(media):
        filler = media / "filler"
        with pytest.raises(OSError, match="No space left"):
            filler.write_bytes(bytes(1024 * 1024))
        yield filler


def test_a_take_that_cannot_be_stored_says_why_and_is_made_at_the_next_try_once_there_is_room(
    full: Path, ana: Visitor, bo: Visitor, worker: Part
) -> None:
    number = ana.room.request()
    why = "There is no room left to store the clip. Whoever runs this studio has to make some; then try again."
    for visitor in (ana, bo):
        expect_failed(visitor, number, why)
    ana.room.expect_text(WRITTEN)
    full.unlink()
    bo.room.stage.get_by_role("button", name="Try again").click()
    for visitor in (ana, bo):
        visitor.room.expect_take(number + 1, "done")
        expect(visitor.room.video).to_be_visible()
        expect_rest(visitor)


def broken_model(folder: Path, kind: str) -> Path:
    shutil.copytree(WEIGHTS, folder, copy_function=os.symlink)
    spoil, _, _ = BROKEN[kind]
    spoil(folder)
    return folder


def fail_to_start(studio: House, model: Path) -> None:
    studio.worker("manage.py", "worker", RUSHES_MODEL=str(model)).wait(60)


@pytest.mark.parametrize("kind", BROKEN)
def test_a_model_that_cannot_be_loaded_is_said_in_a_sentence_to_who_waits_and_who_does_not(
    ana: Visitor, bo: Visitor, studio: House, tmp_path: Path, kind: str
) -> None:
    ana.room.add_shot("Later")
    expect(ana.room.stage).to_contain_text("Nothing filmed yet")
    number = bo.room.request()
    expect(bo.room.stage).to_contain_text("No worker is running")
    fail_to_start(studio, broken_model(tmp_path / "model", kind))
    mend = "The worker could not load its model; whoever runs this studio has to mend that:"
    for visitor, hint in ((ana, mend), (bo, f"Take {number} waits. {mend}")):
        expect(visitor.room.stage.get_by_role("heading")).to_have_text("No worker is running")
        expect(visitor.room.stage.get_by_role("paragraph")).to_have_text(hint)
        expect(visitor.room.stage.get_by_role("code")).to_contain_text(BROKEN[kind][2])
    bo.room.expect_take(number, "queued")
    expect(bo.room.shots.first).to_contain_text("waiting for a worker")
    expect(bo.room.steps).to_be_hidden()


def test_takes_that_wait_for_a_model_that_cannot_be_loaded_fail_at_its_third_start_and_say_why_in_two_languages(
    ana: Visitor, bo: Visitor, aude: Visitor, studio: House, tmp_path: Path
) -> None:
    scene = aude.page.get_by_role("region", name="Scène")
    aude.page.get_by_role("textbox", name="Texte").press("Control+Enter")
    expect(scene.get_by_role("heading")).to_have_text("Aucun processus de rendu ne tourne")
    number = ana.room.request()
    model = broken_model(tmp_path / "model", "missing")
    fail_to_start(studio, model)
    expect(scene.get_by_role("paragraph")).to_have_text(
        "La prise 2 attend. Le processus de rendu n’a pas pu charger son modèle ; "
        "c’est à réparer par qui gère ce studio :"
    )
    expect(scene.get_by_role("code")).to_contain_text(BROKEN["missing"][2])
    for _ in range(2):
        fail_to_start(studio, model)
    why = (
        "The worker could not load its model. Whoever runs this studio finds the reason in the details and in the log."
    )
    for visitor in (ana, bo):
        expect_failed(visitor, number, why)
        expect(visitor.room.panel).to_contain_text(BROKEN["missing"][2])
    expect(scene.get_by_role("heading")).to_have_text("La prise 2 a échoué")
    expect(scene.get_by_role("paragraph")).to_have_text(
        "Le processus de rendu n’a pas pu charger son modèle. "
        "Qui gère ce studio trouvera la raison dans les détails et dans le journal."
    )
    expect(scene.get_by_role("button", name="Réessayer")).to_be_visible()
