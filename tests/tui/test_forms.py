"""Filling in a form: where the cursor is, what enter does, and what is said of what was not right."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.tui.conftest import staged
from tests.tui.scenes import lisbon
from textual.widgets import Input

from roadcrew_domain.hotels import ShortlistHotel, UnshortlistHotel
from roadcrew_domain.money import Money
from roadcrew_domain.polls import OpenPoll
from roadcrew_domain.refusals import Refused
from roadcrew_tui.screens.form import Form
from roadcrew_tui.screens.refusals import check
from roadcrew_tui.snapshot import Snapshot, Status

SAID = {8: "eight"}


async def test_typing_replaces_a_prefill_until_it_was_touched(tmp_path: Path):
    async with staged(tmp_path, tab="hotels") as s:
        await s.press("a")
        await s.sees("ADD A HOTEL")
        await s.press("tab")
        await s.type("Faro")
        city = s.app.screen.query_one("#field-city", Input)
        assert city.value == "Faro"
        await s.press("shift+tab", "tab")
        await s.type("s")
        assert city.value == "Faros"


async def test_a_prefill_stays_where_one_only_passes(tmp_path: Path):
    async with staged(tmp_path, tab="hotels") as s:
        await s.press("a")
        await s.sees("ADD A HOTEL")
        await s.press("tab", "right")
        await s.type("!")
        assert s.app.screen.query_one("#field-city", Input).value == "Lisbon!"


async def test_two_equal_options_are_said_within_sight_and_the_cursor_is_on_the_second(tmp_path: Path):
    async with staged(tmp_path, tab="polls") as s:
        await s.press("n")
        await s.sees("ASK THE CREW")
        await s.type("Where?")
        await s.press("tab", "tab")
        for option in ("Alps", "Baltic", "Corsica", "Dover", "alps"):
            await s.type(option)
            await s.press("enter")
        await s.press("ctrl+s")
        await s.sees("Two options are the same.")
        await s.until(lambda: s.app.focused is not None and s.app.focused.id == "field-options-4")
        assert "alps" in s.text
        await s.type("x")
        await s.until(lambda: "Two options are the same." not in s.text)
        assert "One on each line." in s.text


async def test_what_is_typed_in_a_burst_lands_where_it_lands_when_typed_slowly(tmp_path: Path):
    keys = [
        *"Where?", "tab", "right", "tab", *"aa", "enter", *"bb", "enter", *"cc", "tab", *"dd", "enter", *"ee", "tab",
        "tab", *"in 2 h", "shift+tab", *"ff", "tab", "tab", *"!"
    ]  # fmt: skip
    forms: list[dict[str, str]] = []
    for slowly in (True, False):
        async with staged(tmp_path / str(slowly), tab="polls") as s:
            await s.press("n")
            await s.sees("ASK THE CREW")
            await (s.press(*keys) if slowly else s.burst(*keys))
            form = s.app.screen
            assert isinstance(form, Form)
            forms.append(form.values())
    assert forms[0]["options"].split("\n") == ["aa", "bb", "cc", "dd", "ee", "ff"]
    assert forms[1] == forms[0]


@pytest.mark.parametrize("deadline", ["1 Jan 2020 18:00", "yesterday", "yesterday 18:00"])
async def test_a_deadline_that_is_past_is_said_under_its_field_and_nothing_is_lost(tmp_path: Path, deadline: str):
    async with staged(tmp_path, tab="polls") as s:
        await s.press("n")
        await s.burst(*"Where?", "tab", "tab", *"Alps", "enter", *"Baltic", "enter", "enter", *deadline, "ctrl+s")
        await s.sees("That deadline is already past.")
        assert "ASK THE CREW" in s.text
        assert s.app.focused is not None
        assert s.app.focused.id == "field-closes"
        assert not s.app._notifications
        await s.press("home", "ctrl+k")
        await s.type("in 2 h")
        await s.press("ctrl+s")
        await s.until(lambda: "Where?" in [p.question for p in s.world.trips[s.scene.trip_id].polls.values()])


async def test_what_the_rules_refuse_at_once_is_said_in_the_form_with_all_that_was_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    scene = lisbon()
    monkeypatch.setattr("roadcrew_domain.hotels.MAX_HOTELS", 2)
    async with staged(tmp_path, scene, tab="hotels") as s:
        await s.press("a")
        await s.burst(*"Faro", "tab", "tab", *"80", "ctrl+s")
        await s.sees("The shortlist has room for 2 hotels.")
        assert s.app.screen.query_one("#field-name", Input).value == "Faro"
        s.world.do(scene.trip_id, scene.ana.id, UnshortlistHotel(scene.azul))
        await s.settle()
        await s.press("ctrl+s")
        await s.until(lambda: "Faro" in [h.name for h in s.world.trips[scene.trip_id].hotels.values()])


def test_without_a_link_only_what_no_server_would_take_is_refused_at_once(monkeypatch: pytest.MonkeyPatch):
    scene = lisbon()
    monkeypatch.setattr("roadcrew_domain.hotels.MAX_HOTELS", 2)
    offline = Snapshot(scene.trip_id, scene.world.trips[scene.trip_id], status=Status("offline"))
    hotel = ShortlistHotel("Faro", "Lisbon", 3, Money(8000, "EUR"))
    check(offline, scene.ana.id, hotel)
    with pytest.raises(Refused, match="room for 2"):
        check(replace(offline, status=Status("live")), scene.ana.id, hotel)
    with pytest.raises(Refused, match="already past"):
        check(offline, scene.ana.id, OpenPoll("Where?", "single", ("Alps", "Baltic"), datetime(2020, 1, 1, tzinfo=UTC)))


async def test_a_form_opens_at_its_top_on_the_smallest_terminal(tmp_path: Path):
    async with staged(tmp_path, tab="polls", size=(60, 18)) as s:
        await s.press("n")
        await s.sees("What do you want to know?")
        await s.type("Where?")
        assert "ASK THE CREW" in s.text
        assert "Where?" in s.text


async def test_a_reason_without_a_field_is_within_sight_and_goes_with_the_next_change(tmp_path: Path):
    async with staged(tmp_path, in_trip=False) as s:
        await s.press("n")
        await s.sees("PLAN A TRIP")
        await s.type("Alps")
        s.world.down = True
        await s.press("ctrl+s")
        await s.sees("The server can't be reached.")
        await s.type("!")
        await s.until(lambda: "The server can't be reached." not in s.text)


async def test_the_last_line_of_a_form_says_what_enter_does_and_ctrl_s_sends_from_anywhere(tmp_path: Path):
    async with staged(tmp_path, tab="polls") as s:
        await s.press("n")
        await s.sees("enter next   ctrl+s ask   esc leave")
        await s.type("Where?")
        await s.press("tab", "tab", *"Alps", "enter", *"Baltic", "enter")
        await s.sees("enter next   ctrl+s ask   esc leave")
        await s.press("enter")
        await s.sees("enter ask   esc leave")
        await s.press("shift+tab", "ctrl+s")
        await s.until(lambda: len(s.world.trips[s.scene.trip_id].polls) == 4)


async def test_what_may_be_left_out_says_so(tmp_path: Path):
    async with staged(tmp_path, tab="polls") as s:
        await s.press("n")
        await s.sees("Until when? (optional)")
        assert s.text.count("(optional)") == 1


async def test_what_is_too_long_is_said_and_not_cut(tmp_path: Path):
    async with staged(tmp_path, in_trip=False) as s:
        await s.press("n")
        await s.sees("PLAN A TRIP")
        field = s.app.screen.query_one("#field-trip", Input)
        field.insert_text_at_cursor("x" * 300)
        assert len(field.value) == 300
        await s.press("ctrl+s")
        await s.sees("at most 80")
        assert s.app.focused is field


async def test_a_password_is_asked_for_with_the_length_that_servers_want(tmp_path: Path):
    from roadcrew_server.auth import MIN_PASSWORD

    async with staged(tmp_path) as s:
        await s.press("colon")
        await s.type("account")
        await s.sees("Make this an account")
        await s.press("enter")
        await s.sees(f"At least {SAID[MIN_PASSWORD]} characters.")
