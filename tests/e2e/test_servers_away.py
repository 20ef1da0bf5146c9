"""Postgres, Valkey or the keeper goes while two people type: what both are told, and that all of it is kept."""

import os
import re
import signal
import time

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Come
from tests.e2e.house import KEEPER, House
from tests.e2e.pair import BOTH, HERS, HIS, Pair
from tests.e2e.people import Visitor
from tests.e2e.room import WRITTEN
from tests.e2e.rows import takes_of
from tests.e2e.waiting import until

TOLD_WITHIN_S = 2.0
KEY_MS = 80
"""Real typing: some seconds of it for both texts."""


@pytest.fixture
def studio(house: House) -> House:
    """Whole again, with no worker."""
    house.mend()
    return house


@pytest.fixture
def apart(ana: Visitor, come: Come, studio: House) -> Pair:
    """Both about to write, each at a web process of their own."""
    here, there = studio.urls
    bo = come("Bo").accept(ana.room.invite().replace(here, there))
    bo.room.ready()
    return Pair(ana, bo).begin()


def test_without_postgres_both_are_told_saving_and_afterwards_all_is_saved(apart: Pair, studio: House) -> None:
    studio.stop_postgres()
    begun_s = time.time()
    apart.type(delay_ms=KEY_MS)
    for visitor, said in zip(apart.both, apart.told(), strict=True):
        assert said.words == ["Saving…"]
        assert said.first_s("Saving…") - begun_s <= TOLD_WITHIN_S
        expect(visitor.room.pill).to_contain_text("Saving…")
    studio.start_postgres()
    apart.expect_kept()
    for said in apart.told():
        assert (said.words, said.aloud, said.alerts) == (["Saving…", "Saved"], [], [])


def test_a_page_loaded_without_postgres_says_why_and_what_was_typed_is_there_when_it_is_back(
    pair: Pair, studio: House
) -> None:
    pair.ana.complaints.expect("status of 503")
    studio.stop_postgres()
    pair.type()
    expect(pair.ana.room.pill).to_contain_text("Saving…")
    pair.ana.page.reload()
    page = pair.ana.page.get_by_role("main")
    expect(page).to_contain_text("A part of the studio is away")
    expect(page).to_contain_text("What was saved is safe. Try again in a moment.")
    studio.start_postgres()
    pair.ana.page.reload()
    pair.expect_kept()


def test_what_is_asked_for_without_postgres_is_refused_in_words_that_say_what_to_do(
    ana: Visitor, studio: House
) -> None:
    studio.stop_postgres()
    ana.room.request()
    expect(ana.room.alert).to_contain_text("could not do this")
    expect(ana.room.generate).not_to_have_attribute("aria-disabled", "true")
    expect(ana.room.alert).to_contain_text("ry again")
    studio.start_postgres()
    number = ana.room.request()
    ana.room.expect_take(number, "queued")
    expect(ana.room.alert).to_be_hidden()
    assert len(takes_of(ana.room.project_id)) == 1


def test_what_is_asked_for_without_postgres_is_refused_in_the_readers_language(aude: Visitor, studio: House) -> None:
    studio.stop_postgres()
    aude.page.get_by_role("textbox", name="Texte").press("Control+Enter")
    expect(aude.page.get_by_role("alert").filter(visible=True)).to_contain_text("Réessayez")


def test_a_link_asked_for_without_postgres_is_refused_in_words(ana: Visitor, studio: House) -> None:
    ana.complaints.expect("status of 503")
    studio.stop_postgres()
    ana.room.banner.get_by_role("button", name="Share").click()
    dialog = ana.page.get_by_role("dialog", name="Share this project")
    dialog.get_by_role("button", name="Create link").click()
    expect(dialog.get_by_role("alert")).to_have_text("No link could be made. Try again.")
    studio.start_postgres()
    dialog.get_by_role("button", name="Create link").click()
    expect(dialog.get_by_role("textbox", name="Invitation link")).to_be_visible()
    expect(dialog.get_by_role("alert")).to_be_hidden()


def test_without_valkey_all_is_saved_and_afterwards_it_reaches_the_other(apart: Pair, studio: House) -> None:
    studio.kill_valkey()
    apart.type(delay_ms=KEY_MS)
    for visitor, own in zip(apart.both, (f"{HERS}{WRITTEN}", f"{WRITTEN}{HIS}"), strict=True):
        expect(visitor.room.pill).to_contain_text("Saved")
        assert visitor.room.text() == own
    studio.start_valkey()
    apart.expect_kept(BOTH)
    for said in apart.told():
        assert (set(said.words), said.aloud, said.alerts) == ({"Saving…", "Saved"}, [], [])


def test_what_is_asked_for_without_valkey_is_done_and_seen_by_both(apart: Pair, studio: House) -> None:
    studio.kill_valkey()
    number = apart.ana.room.request()
    for visitor in apart.both:
        visitor.room.expect_take(number, "queued")
    apart.bo.page.get_by_role("button", name="Add a shot").click()
    expect(apart.ana.page.get_by_role("button", name=re.compile("Shot 4"))).to_be_visible()
    studio.start_valkey()
    assert len(takes_of(apart.ana.room.project_id)) == 1


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSTOP], ids=lambda end: end.name)
def test_a_keeper_that_is_killed_or_hangs_is_told_to_nobody(pair: Pair, studio: House, end: signal.Signals) -> None:
    (keeper,) = studio.web.children(KEEPER)
    pair.type(HERS[:10], HIS[:10])
    os.kill(keeper, end)
    pair.type(HERS[10:], HIS[10:])
    pair.expect_kept()
    until(lambda: studio.web.children(KEEPER), lambda now: now not in ([], [keeper]))
    for said in pair.told():
        assert (set(said.words), said.aloud, said.alerts) == ({"Saving…", "Saved"}, [], [])
