"""The screen of a trip: what a person at the keyboard sees and does."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.tui.conftest import SIZES, staged
from tests.tui.extremes import MANY, endless
from tests.tui.scenes import lisbon
from textual import events
from textual.content import Content

from roadcrew_domain.crew import RenameMember
from roadcrew_domain.hotels import VoteHotel
from roadcrew_domain.polls import CastVote, OpenPoll
from roadcrew_domain.trip import DeleteTrip
from roadcrew_tui import render
from roadcrew_tui.screens.lobby import LobbyScreen
from roadcrew_tui.snapshot import News, Snapshot, Status


@pytest.mark.parametrize("size", [*SIZES, (200, 50)])
async def test_the_overview_answers_its_four_questions(tmp_path: Path, size: tuple[int, int]):
    async with staged(tmp_path, size=size) as s:
        for words in ("NEEDS YOU", "When do we fly?", "closes in 2 h", "3 of 4 voted", "Invite 2 more", "THE PLAN",
                      "Wed 20 May leads", "Casa Azul leads, 2 to 1", "CREW", "4 of 6", "you, organiser", "in Polls",
                      "GROUP DISCOUNT", "10 % off bookings", "LATELY", "Ben voted in When do we fly?",
                      "● live · you are Ana"):  # fmt: skip
            assert words in s.text
        lines = s.text.split("\n")
        assert len(lines) == size[1]
        assert "enter open" in lines[-1]
        assert "q trips" in lines[-1]


async def test_three_columns_stand_side_by_side_in_a_wide_terminal_and_nothing_is_stretched(tmp_path: Path):
    async with staged(tmp_path, size=(200, 50)) as s:
        line = next(row for row in s.text.split("\n") if "NEEDS YOU" in row)
        assert "CREW" in line
        assert "LATELY" in line
        assert line.index("LATELY") < 110


async def test_others_never_move_the_cursor_and_rows_keep_their_order_under_it(tmp_path: Path):
    async with staged(tmp_path, tab="hotels") as s:
        await s.press("down")
        table = s.rows("hotels")
        assert (table.cursor, table.ids) == (s.scene.alfama, [s.scene.azul, s.scene.alfama])
        for who in (s.scene.ben, s.scene.carla, s.scene.dev):
            s.world.do(s.scene.trip_id, who.id, VoteHotel(s.scene.alfama))
        await s.sees("●●●")
        assert (table.cursor, table.ids) == (s.scene.alfama, [s.scene.azul, s.scene.alfama])
        assert s.app.focused is table
        table.blur()
        await s.until(lambda: table.ids == [s.scene.alfama, s.scene.azul], "sorted once nobody stands on it")
        assert table.cursor == s.scene.alfama


async def test_a_new_poll_of_somebody_else_moves_neither_focus_nor_selection(tmp_path: Path):
    async with staged(tmp_path, tab="polls") as s:
        await s.press("enter", "down")
        focus, poll, option = s.app.focused, s.rows("polls").cursor, s.rows("options").cursor
        soon = s.world.now() + timedelta(minutes=5)
        s.world.do(s.scene.trip_id, s.scene.ben.id, OpenPoll("Now?", "single", ("A", "B"), soon))
        await s.sees("Now?")
        assert (s.app.focused, s.rows("polls").cursor, s.rows("options").cursor) == (focus, poll, option)


async def test_what_others_did_is_told_in_one_toast(tmp_path: Path):
    async with staged(tmp_path, tab="hotels") as s:
        s.world.do(s.scene.trip_id, s.scene.carla.id, VoteHotel(s.scene.alfama))
        s.world.do(s.scene.trip_id, s.scene.dev.id, VoteHotel(s.scene.azul))
        await s.until(lambda: len(s.app._notifications) == 1)
        assert [n.message for n in s.app._notifications] == ["Dev voted for Casa Azul, and 1 more"]


# R: S7
async def test_what_happened_before_the_trip_was_opened_is_no_toast_however_late_it_comes(tmp_path: Path):
    async with staged(tmp_path) as s:
        long_ago = datetime.now(UTC) - timedelta(hours=3)
        s.world.do(s.scene.trip_id, s.scene.dev.id, VoteHotel(s.scene.azul), at=long_ago)
        s.world.do(s.scene.trip_id, s.scene.carla.id, VoteHotel(s.scene.alfama))
        await s.until(lambda: len(s.app._notifications) == 1)
        assert [n.message for n in s.app._notifications] == ["Carla voted for Alfama"]


# R: S5, S7
async def test_a_trip_of_which_nothing_is_here_says_so_without_a_network(tmp_path: Path):
    async with staged(tmp_path, in_trip=False) as s:
        await s.press("enter")
        screen = s.trip
        screen.feed(Snapshot(s.scene.trip_id, status=Status("offline")), News("status"))
        await s.sees("Not opened here before: wait for the network")
        assert "○ offline" in s.text


async def test_a_new_name_of_somebody_is_no_toast_but_said_in_the_overview(tmp_path: Path):
    async with staged(tmp_path) as s:
        s.world.do(s.scene.trip_id, s.scene.ben.id, RenameMember("Benedict"))
        s.world.do(s.scene.trip_id, s.scene.carla.id, VoteHotel(s.scene.alfama))
        await s.sees("Ben is now Benedict")
        await s.until(lambda: len(s.app._notifications) == 1)
        assert [n.message for n in s.app._notifications] == ["Carla voted for Alfama"]


async def test_at_most_three_toasts_are_there_at_once_and_a_warning_stays_longest(tmp_path: Path):
    async with staged(tmp_path) as s:
        for words, severity in (("one", "warning"), *((words, "information") for words in ("two", "three", "four"))):
            s.app.say(words, severity)
        await s.until(lambda: [n.message for n in s.app._notifications] == ["one", "three", "four"])


# R: S5
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"state": "polling", "interval": 4.0}, "◐ polling every 4 s"),
        ({"state": "offline", "waiting": 2}, "○ offline · 2 changes wait"),
        ({"state": "paused"}, "paused while you are away"),
        ({"state": "connecting"}, "connecting"),
    ],
)
async def test_the_link_to_the_server_is_said_in_words(tmp_path: Path, changes: dict[str, object], words: str):
    async with staged(tmp_path) as s:
        s.world.set_status(**changes)
        await s.sees(words)


# R: T6
async def test_removing_somebody_asks_first(tmp_path: Path):
    async with staged(tmp_path) as s:
        s.rows("crew").focus()
        await s.press("down", "down", "enter")
        await s.sees("Make them the organiser")
        await s.press("down", "enter")
        await s.sees("Remove Carla?")
        await s.sees("the invite ends")
        assert s.rows("ask-answers").cursor == "cancel"
        await s.press("down", "enter")
        await s.until(lambda: s.scene.carla.id not in s.world.trips[s.scene.trip_id].members)
        await s.sees("The link that you have sent is no longer good.")
        before = s.world.trips[s.scene.trip_id].invite
        assert before is None
        await s.press("i")
        await s.sees("NEW INVITE")
        await s.press("right", "right", "enter", "right", "right", "enter")
        await s.until(lambda: s.world.trips[s.scene.trip_id].invite is not None)
        new = s.world.trips[s.scene.trip_id].invite
        assert new is not None
        assert (new.max_uses, new.expires_at is not None) == (5, True)
        await s.sees("0 of 5 used")
        assert new.code in s.text


# R: T6
async def test_somebody_who_was_removed_is_told_and_is_back_in_the_lobby(tmp_path: Path):
    from roadcrew_domain.crew import RemoveMember

    scene = lisbon()
    async with staged(tmp_path, scene, me=scene.ben) as s:
        s.world.do(scene.trip_id, scene.ana.id, RemoveMember(scene.ben.id))
        await s.until(lambda: isinstance(s.app.screen, LobbyScreen))
        await s.sees("Ana removed you from this trip.")


# R: T2
async def test_the_invite_shows_code_link_and_a_qr_code_and_warns_of_a_local_link(tmp_path: Path):
    async with staged(tmp_path) as s:
        await s.press("i")
        await s.sees("INVITE")
        invite = s.world.trips[s.scene.trip_id].invite
        assert invite is not None
        assert invite.code in s.text
        assert f"http://127.0.0.1:8787/j/{invite.code}" in s.text
        assert "uvx roadcrew join" in s.text
        assert s.text.count(f"/j/{invite.code}") == 2
        assert "LINK" not in s.text
        assert "█▀▀▀▀▀█" in s.text
        assert "only on this" in s.text
        await s.press("c")
        await s.sees("Sent to your clipboard.")
        assert s.app.clipboard.endswith(invite.code)


async def test_since_you_left_begins_where_the_last_visit_ended(tmp_path: Path):
    scene = lisbon()
    async with staged(tmp_path, scene):
        pass
    scene.world.do(scene.trip_id, scene.carla.id, VoteHotel(scene.alfama))
    async with staged(tmp_path, scene) as s:
        await s.sees("SINCE YOU LEFT")
        assert "Carla voted for Alfama" in s.text
        assert "Ben voted for Casa Azul" not in s.text


async def test_the_trip_is_edited(tmp_path: Path):
    async with staged(tmp_path) as s:
        await s.press("E")
        await s.sees("EDIT THE TRIP")
        await s.press("tab", "tab")
        await s.type("21 to 25 May")
        await s.press("enter", "enter", "enter")
        await s.until(lambda: s.world.trips[s.scene.trip_id].ends_on is not None)
        await s.sees("21 to 25 May")


async def test_everything_is_reached_by_mouse(tmp_path: Path):
    async with staged(tmp_path) as s:
        await s.pilot.click("#tabs", offset=(20, 0))
        await s.until(lambda: s.trip.tab == "polls")
        await s.until(lambda: s.app.focused is not None and s.app.focused.id == "polls")
        await s.pilot.click("#polls", offset=(6, 3))
        await s.until(lambda: s.rows("polls").cursor == s.scene.drivers)
        line = s.text.split("\n")[-1]
        await s.pilot.click("#keys", offset=(line.index("new poll"), 0))
        await s.sees("ASK THE CREW")


async def test_ctrl_c_twice_quits(tmp_path: Path):
    async with staged(tmp_path) as s:
        await s.press("ctrl+c")
        await s.sees("Press ctrl+c again to quit.")
        await s.press("ctrl+c")
        await s.until(lambda: not s.app.is_running or s.app._exit)


# R: S2 S3
async def test_the_client_hears_of_keys_and_of_being_hidden(tmp_path: Path):
    async with staged(tmp_path, tab="polls") as s:
        live = s.world.lives[0]
        assert "key_pressed" in live.signals
        s.app.post_message(events.AppBlur())
        await s.until(lambda: "hidden" in live.signals)
        s.app.post_message(events.AppFocus())
        await s.until(lambda: "shown" in live.signals)
        assert live.where == "overview"
        assert s.world.present[s.scene.trip_id][s.scene.ana.id] == "polls"
        live.signals.clear()
        await s.press("n")
        await s.sees("ASK THE CREW")
        live.signals.clear()
        await s.type("a")
        await s.until(lambda: "key_pressed" in live.signals, "typing in a form counts")


async def test_a_form_typed_in_a_hurry_is_filled_as_it_was_meant(tmp_path: Path):
    async with staged(tmp_path, tab="hotels") as s:
        await s.press("a")
        await s.sees("ADD A HOTEL")
        keys = [
            *"Sol",
            "enter",
            *"x",
            "enter",
            *"62",
            "enter",
            "right",
            "right",
            "enter",
            *"https://sol.example",
            "enter",
        ]
        for key in keys:
            s.app.post_message(events.Key(key, key if len(key) == 1 else None))
        await s.until(lambda: len(s.world.trips[s.scene.trip_id].hotels) == 3)
        added = max(s.world.trips[s.scene.trip_id].hotels.values(), key=lambda h: h.added_at)
        assert (added.name, added.city, added.stars, added.url) == ("Sol", "x", 2, "https://sol.example")


@pytest.mark.parametrize("size", [*SIZES, (200, 50)])
async def test_what_is_empty_says_so_over_the_whole_width(tmp_path: Path, size: tuple[int, int]):
    scene = lisbon()
    trip = scene.world.create(scene.ana, "Alps")
    scene.trip_id = trip.id
    async with staged(tmp_path, scene, size=size, tab="polls") as s:
        assert "No polls yet. Press n to ask the crew something." in s.text
        assert "DECIDED" not in s.text


async def test_what_needs_me_is_said_to_the_end_and_uses_the_room(tmp_path: Path):
    scene = lisbon()
    question = "Which of these two bridges first?"
    poll = scene.world.do(scene.trip_id, scene.ana.id, OpenPoll(question, "single", ("A", "B")))
    for who in (scene.ana, scene.ben, scene.carla, scene.dev):
        scene.world.do(scene.trip_id, who.id, CastVote(poll, (f"{poll}.0",)))
    async with staged(tmp_path / "80", scene) as s:
        await s.sees("all voted: end it?")
        assert "Which of these two" in s.text
    async with staged(tmp_path / "150", scene, size=(150, 36)) as s:
        row = next(line for line in s.text.split("\n") if "all voted: end it?" in line)
        assert question in row


# R: S5
async def test_a_long_name_of_a_trip_gives_way_to_its_dates(tmp_path: Path):
    scene = lisbon()
    name = "The long awaited journey of the whole department to Lisbon"
    starts, ends = date(2027, 5, 21), date(2027, 5, 25)
    trip = scene.world.create(scene.ana, name, starts_on=starts, ends_on=ends)
    scene.trip_id = trip.id
    async with staged(tmp_path, scene) as s:
        first = s.text.split("\n")[0]
        assert "21 to 25 May" in first
        assert "The long" in first
        assert "● live · you are Ana" in first


async def test_names_of_the_crew_stand_one_under_another(tmp_path: Path):
    scene = lisbon()
    async with staged(tmp_path, scene, me=scene.ben) as s:
        rows = [row for row in s.text.split("\n") if "● Ben" in row or "○ Ana" in row]
        assert len(rows) == 2
        at = [row.index(name) + len(name) for row, name in zip(rows, ("Ben", "Ana"), strict=True)]
        assert [len(row[a:]) - len(row[a:].lstrip()) for row, a in zip(rows, at, strict=True)] == [5, 5]


async def test_the_last_line_says_what_enter_does_about_somebody(tmp_path: Path):
    async with staged(tmp_path / "ana") as s:
        assert "enter open" in s.text.split("\n")[-1]
        s.rows("crew").focus()
        await s.sees("enter rename, leave")
        await s.press("down")
        await s.sees("enter hand over, remove")
    scene = lisbon()
    async with staged(tmp_path / "ben", scene, me=scene.ben) as s:
        s.rows("crew").focus()
        await s.press("down")
        await s.until(lambda: "enter" not in s.text.split("\n")[-1])


async def test_long_lists_are_drawn_without_measuring_all_rows_for_each_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    looks = 0

    def counted(*given: Any, **more: Any) -> Content:
        nonlocal looks
        looks += 1
        return said(*given, **more)

    said = render.said
    async with staged(tmp_path, endless(), size=(120, 36)) as s:
        monkeypatch.setattr(render, "said", counted)
        for tab in ("1", "2", "3"):
            await s.press(tab)
            looks = 0
            s.trip.redraw()
            assert MANY < looks < 15 * MANY


async def test_a_list_that_is_longer_than_the_screen_comes_to_rest(tmp_path: Path):
    async with staged(tmp_path, endless(), tab="hotels") as s:
        table = s.rows("hotels")
        assert table.show_vertical_scrollbar
        before = table._lines
        for _ in range(5):
            await s.pilot.pause(0.02)
        assert table._lines is before, "drawn again though nothing has changed"


@pytest.mark.parametrize("tab", ["polls", "hotels"])
async def test_what_is_done_without_a_network_says_that_it_waits(tmp_path: Path, tab: str):
    async with staged(tmp_path, tab=tab) as s:
        s.world.hold = True
        s.world.set_status(state="offline", waiting=1)
        await s.press(*(("enter", "y") if tab == "polls" else ("space",)))
        await s.sees("waits for the network" if tab == "polls" else "waits")
        assert "sending" not in s.text


async def test_who_deleted_a_trip_is_said_to_the_others_and_its_way_back_to_who_did(tmp_path: Path):
    scene = lisbon()
    async with staged(tmp_path, scene, me=scene.ben) as s:
        scene.world.do(scene.trip_id, scene.ana.id, DeleteTrip())
        await s.until(lambda: isinstance(s.app.screen, LobbyScreen), "the list of trips")
        assert [n.message for n in s.app._notifications] == [
            "Ana deleted Lisbon in May. They can bring it back for 30 days."
        ]


async def test_who_deletes_a_trip_is_told_how_it_comes_back(tmp_path: Path):
    scene = lisbon()
    async with staged(tmp_path, scene) as s:
        await s.trip.end_with("delete")
        await s.until(lambda: isinstance(s.app.screen, LobbyScreen), "the list of trips")
        await s.settle()
        assert [n.message for n in s.app._notifications] == [
            "You deleted Lisbon in May. D in your trips brings it back within 30 days."
        ]


@pytest.mark.parametrize("size", [(60, 18), (80, 24), (120, 36)])
async def test_the_way_out_of_help_has_its_last_row_and_nothing_is_below_it(tmp_path: Path, size: tuple[int, int]):
    async with staged(tmp_path, size=size) as s:
        await s.press("question_mark")
        await s.sees("esc close")
        bottom = s.app.screen.query_one("#help").region.bottom
        for key in ("home", "end"):
            await s.press(key)
            assert "esc close" in s.text.split("\n")[bottom - 1]
        assert "Keys can be changed in the settings." in s.text
