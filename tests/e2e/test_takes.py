"""A take from request to clip, on two screens and more."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import expect

from studio.models import Take, TakeState
from tests.e2e.conftest import Come
from tests.e2e.mp4 import read_film
from tests.e2e.people import Visitor
from tests.e2e.rows import takes_of
from tests.e2e.waiting import until
from tests.helpers.studio import Studio


@contextmanager
def frozen_worker(studio: Studio) -> Iterator[None]:
    """Nothing new comes from the worker meanwhile. Shorter than its lease, or else its takes are given to others."""
    (worker,) = studio.children("worker")
    os.kill(worker, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(worker, signal.SIGCONT)


def only_take(visitor: Visitor) -> Take:
    (take,) = takes_of(visitor.room.project_id)
    return take


def test_control_enter_shows_both_the_previews_and_then_the_clip_with_sound(
    ana: Visitor, bo: Visitor, tmp_path: Path
) -> None:
    ana.room.desk.get_by_role("radio", name="Final").check()  # a draft is over in a few frames of a browser's
    for visitor in (ana, bo):
        visitor.room.watch()
    number = ana.room.request()
    for visitor in (ana, bo):
        visitor.room.expect_take(number, "done")
        expect(visitor.room.video).to_be_visible()
        steps, pictures = visitor.room.seen()
        assert len(steps) >= 5, f"{visitor.name} saw the steps {steps}"
        assert pictures >= 5, f"{visitor.name} saw {pictures} pictures"
    bo.room.playback.get_by_role("button", name="Play").click()
    bo.room.expect_playing()
    until(lambda: bo.room.film("webkitAudioDecodedByteCount"))
    assert bo.room.film("muted") is False
    _seeks(bo)
    _downloads(bo, tmp_path)


def _seeks(visitor: Visitor) -> None:
    """The clip jumps to where its line is clicked, and its address serves any part of it."""
    room = visitor.room
    room.playback.get_by_role("button", name="Pause").click()
    room.position.click()
    middle = int(room.position.get_attribute("aria-valuemax") or 0) // 2
    expect(room.position).to_have_attribute("aria-valuenow", str(middle))
    until(lambda: room.film("seeking") is False and 1.4 < float(room.film("currentTime")) < 1.7)
    part = visitor.context.request.get(str(room.film("currentSrc")), headers={"Range": "bytes=100-199"})
    assert (part.status, len(part.body())) == (206, 100)
    assert part.headers["content-range"].startswith("bytes 100-199/")


def _downloads(visitor: Visitor, folder: Path) -> None:
    with visitor.page.expect_download() as found:
        visitor.room.takes.get_by_role("link", name="Download").click()
    assert found.value.suggested_filename.endswith(".mp4")
    found.value.save_as(folder / "clip.mp4")
    film = read_film(folder / "clip.mp4")
    assert (film.video_codec, film.audio_codec, film.frames) == ("h264", "aac", 25)
    assert film.boxes.index("moov") < film.boxes.index("mdat")
    assert film.loudest > 0.01, "the sound is silent"


def test_cancel_stops_that_take_only(ana: Visitor, bo: Visitor) -> None:
    ana.room.make_it_long()
    stopped = ana.room.request()
    ana.room.expect_step()
    bo.room.choose_shot(2)
    other = bo.room.request()
    bo.room.expect_take(other, r"(starting|step)")
    ana.room.desk.get_by_role("button", name=f"Cancel take {stopped}").click()
    ana.room.expect_take(stopped, "cancelled")
    expect(ana.room.stage).to_contain_text(f"Take {stopped} was cancelled")
    bo.room.expect_take(other, "done")
    bo.room.choose_shot(1)
    expect(bo.room.stage).to_contain_text(f"Take {stopped} was cancelled")
    first, second = takes_of(ana.room.project_id)
    assert (first.state, second.state) == (TakeState.CANCELLED, TakeState.DONE)
    assert 0 < first.step < first.steps
    assert first.clip_key == ""


def test_a_reload_and_a_late_third_person_see_the_newest_preview_at_once(
    ana: Visitor, come: Come, studio: Studio
) -> None:
    ana.room.make_it_long()
    invitation = ana.room.invite("watch")
    number = ana.room.request()
    ana.room.expect_step(2)
    with frozen_worker(studio):
        step = ana.room.expect_step()
        ana.page.reload()
        chi = come("Chi").accept(invitation)
        for visitor in (ana, chi):
            expect(visitor.room.preview).to_be_visible()
            expect(visitor.room.stage).to_contain_text("Live preview")
            assert visitor.room.expect_step(step, timeout_s=3) >= step
    for visitor in (ana, chi):
        visitor.room.expect_take(number, "done")
    assert only_take(ana).attempt == 1


def test_a_picked_take_and_a_reused_seed_are_seen_by_both(ana: Visitor, bo: Visitor) -> None:
    expect(bo.room.shots.first).not_to_contain_text("picked")
    number = ana.room.request()
    ana.room.expect_take(number, "done")
    ana.room.pick(number).click()
    bo.room.expect_take(number, "done, picked")
    expect(bo.room.shots.first).to_contain_text("picked")
    bo.page.get_by_role("button", name="Reuse seed").click()
    seed = str(only_take(ana).seed)
    expect(ana.room.desk.get_by_role("textbox", name="Seed")).to_have_value(seed)
    ana.room.expect_take(bo.room.request(), "done")
    first, second = takes_of(ana.room.project_id)
    assert first.seed == second.seed


def test_closing_every_browser_does_not_stop_a_take(ana: Visitor) -> None:
    ana.room.make_it_long()
    address, project_id = ana.page.url, ana.room.project_id
    number = ana.room.request()
    ana.room.expect_step()
    ana.page.close()
    until(lambda: takes_of(project_id)[0].state, lambda state: state == TakeState.DONE, timeout_s=60)
    ana.page = ana.context.new_page()
    ana.page.goto(address)
    ana.room.expect_take(number, "done")
    ana.room.take(number).click()
    ana.room.playback.get_by_role("button", name="Play").click()
    ana.room.expect_playing()


def test_two_people_pressing_generate_at_once_get_a_take_each(ana: Visitor, bo: Visitor) -> None:
    for visitor in (ana, bo):
        visitor.room.choose_shot(2)
        visitor.room.prompt.click()
    first = ana.room.next_number()
    ana.keyboard.press("Control+Enter")
    bo.keyboard.press("Control+Enter")
    for visitor in (ana, bo):
        visitor.room.expect_take(first, "done")
        visitor.room.expect_take(first + 1, "done")
    names = {take.requested_by_id for take in takes_of(ana.room.project_id)}
    assert len(names) == 2


def test_a_double_click_on_generate_asks_for_one_take(ana: Visitor) -> None:
    number = ana.room.next_number()
    ana.room.generate.evaluate("(button) => { button.click(); button.click(); }")
    ana.room.expect_take(number, "done")
    assert len(takes_of(ana.room.project_id)) == 1
