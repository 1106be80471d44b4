"""The first run, the lobby, planning, joining, signing in; and what is kept for the next time."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from tests.tui.conftest import SIZES, Stage, folders, staged
from tests.tui.scenes import lisbon
from tests.tui.standins import SERVER, StandInMaker
from textual.widgets import Input
from textual.worker import WorkerState

from roadcrew_tui.app import RoadcrewApp
from roadcrew_tui.memory import Memory
from roadcrew_tui.screens.lobby import LobbyScreen
from roadcrew_tui.screens.trip import TripScreen
from roadcrew_tui.screens.welcome import WelcomeScreen
from roadcrew_tui.settings import Settings, load, save


@pytest.mark.parametrize("size", SIZES)
async def test_the_first_run_asks_one_question(tmp_path: Path, size: tuple[int, int]):
    scene = lisbon()
    app = RoadcrewApp(folders=folders(tmp_path), maker=StandInMaker(scene.world))
    async with app.run_test(size=size, notifications=True) as pilot:
        s = Stage(app, pilot, scene, scene.world)
        await s.until(lambda: isinstance(app.screen, WelcomeScreen))
        for words in ("What brings you here?", "Join a trip", "Plan a trip", "Look around", "Sign in"):
            await s.sees(words)


@pytest.mark.parametrize(
    ("key", "title"), [("j", "JOIN A TRIP"), ("n", "PLAN A TRIP"), ("S", "SIGN IN"), ("", "JOIN A TRIP")]
)
async def test_esc_in_the_first_form_leads_back_to_the_one_question(tmp_path: Path, key: str, title: str):
    scene = lisbon()
    invite = None if key else f"{SERVER}/j/K7QM-2D4F"
    app = RoadcrewApp(invite=invite, folders=folders(tmp_path), maker=StandInMaker(scene.world))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        s = Stage(app, pilot, scene, scene.world)
        if key:
            await s.press(key)
        for _ in range(2):
            await s.sees(title)
            await s.press("escape")
            await s.until(lambda: isinstance(app.screen, WelcomeScreen))
            await s.sees("What brings you here?")
            assert len(app.screen_stack) == 1
            await s.press(key or "j")
            title = title if key else "JOIN A TRIP"


@pytest.mark.parametrize("in_trip", [False, True])
async def test_esc_in_a_form_leads_back_to_where_it_was_opened(tmp_path: Path, in_trip: bool):
    async with staged(tmp_path, in_trip=in_trip) as s:
        before = s.app.screen
        for key, title in (("N", "CHANGE YOUR NAME"), *([] if in_trip else [("j", "JOIN A TRIP"), ("n", "PLAN A T")])):
            await s.press(key)
            await s.sees(title)
            await s.press("escape")
            await s.until(lambda: s.app.screen is before)


@pytest.mark.parametrize(
    "address", ["localhost:99999", "http://127.0.0.1:8787wrongpass", "ftp://x", "http://a b", "http://[::1", "a@b", "?"]
)
async def test_an_address_that_is_none_is_said_below_its_field(tmp_path: Path, address: str):
    scene = lisbon()
    app = RoadcrewApp(folders=folders(tmp_path), maker=StandInMaker(scene.world))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        s = Stage(app, pilot, scene, scene.world)
        await s.press("S")
        await s.sees("SIGN IN")
        s.app.screen.query_one("#field-server", Input).value = address
        s.app.screen.query_one("#field-server", Input).focus()
        await s.press("enter")
        await s.sees("A server is an address such as")
        rows = s.text.split("\n")
        at = next(n for n, row in enumerate(rows) if "A server is" in row)
        assert address in rows[at - 1]
        assert app.server is None


async def test_a_server_of_the_settings_that_is_none_is_said_in_the_lobby(tmp_path: Path):
    scene = lisbon()
    app = RoadcrewApp(server="localhost:99999", folders=folders(tmp_path), maker=StandInMaker(scene.world))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        s = Stage(app, pilot, scene, scene.world)
        await s.sees("The server's address is not one.")


async def test_a_first_server_that_did_not_answer_is_asked_for_again(tmp_path: Path):
    scene = lisbon()
    scene.world.down = True
    app = RoadcrewApp(folders=folders(tmp_path), maker=StandInMaker(scene.world))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        s = Stage(app, pilot, scene, scene.world)
        for _ in range(2):
            await s.press("n")
            await s.sees("PLAN A TRIP")
            await s.type("Alps")
            await s.press("enter", "enter")
            await s.type("Zoe")
            await s.press("enter")
            await s.sees("Where your trips live.")
            await s.press("enter")
            await s.sees("The server can't be reached.")
            await s.press("escape")
            await s.until(lambda: isinstance(app.screen, WelcomeScreen))
    assert load(folders(tmp_path)).server is None


# R: T1
async def test_a_trip_is_planned_from_a_name_alone(tmp_path: Path):
    scene = lisbon()
    app = RoadcrewApp(folders=folders(tmp_path), maker=StandInMaker(scene.world))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        s = Stage(app, pilot, scene, scene.world)
        await s.press("n")
        await s.sees("PLAN A TRIP")
        await s.type("Alps")
        await s.press("enter", "enter")
        await s.type("Zoe")
        await s.press("enter", "enter")
        await s.until(lambda: isinstance(app.screen, TripScreen) and app.screen.trip is not None)
        await s.sees("you are Zoe")
        await s.press("q")
        await s.until(lambda: isinstance(app.screen, LobbyScreen))
        await s.sees("Alps")
    assert load(folders(tmp_path)).name == "Zoe"
    assert load(folders(tmp_path)).server == SERVER


# R: T2
async def test_a_trip_is_joined_by_link_and_the_others_see_it(tmp_path: Path):
    scene = lisbon()
    invite = scene.world.trips[scene.trip_id].invite
    assert invite is not None
    link = f"{SERVER}/j/{invite.code}"
    async with staged(tmp_path / "ana", scene) as ana:
        app = RoadcrewApp(invite=link, folders=folders(tmp_path / "zoe"), maker=StandInMaker(scene.world))
        async with app.run_test(size=(80, 24), notifications=True) as pilot:
            s = Stage(app, pilot, scene, scene.world)
            await s.sees("JOIN A TRIP")
            await s.until(lambda: app.focused is not None and app.focused.id == "field-name")
            await s.type("Zoe")
            await s.press("enter")
            await s.until(lambda: isinstance(app.screen, TripScreen) and app.screen.trip is not None)
            await s.sees("5 of 6")
            await ana.until(lambda: "Zoe" in ana.text and "5 of 6" in ana.text)
            assert "● Zoe" in ana.text


async def test_who_is_called_like_a_member_is_told_and_how_to_change_that(tmp_path: Path):
    scene = lisbon()
    invite = scene.world.trips[scene.trip_id].invite
    assert invite is not None
    app = RoadcrewApp(invite=f"{SERVER}/j/{invite.code}", folders=folders(tmp_path), maker=StandInMaker(scene.world))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        s = Stage(app, pilot, scene, scene.world)
        await s.until(lambda: app.focused is not None and app.focused.id == "field-name")
        await s.type("ben")
        await s.press("enter")
        await s.sees("There is a Ben in this crew already: N")


async def test_an_invite_of_a_host_that_is_not_there_names_it_once(tmp_path: Path):
    scene = lisbon()
    scene.world.down = True
    app = RoadcrewApp(invite="K7QM-2D4F@trips.invalid", folders=folders(tmp_path), maker=StandInMaker(scene.world))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        s = Stage(app, pilot, scene, scene.world)
        await s.until(lambda: app.focused is not None and app.focused.id == "field-name")
        await s.type("Zoe")
        await s.press("enter")
        await s.sees("trips.invalid can't be reached.")
        assert s.text.count("can't be reached") == 1


async def test_an_invite_that_leads_nowhere_is_said_in_the_form(tmp_path: Path):
    async with staged(tmp_path, in_trip=False) as s:
        await s.press("j")
        await s.sees("JOIN A TRIP")
        await s.type("K7QM-2D4F")
        await s.press("enter")
        await s.sees("There is no such invite.")
        await s.press("escape")
        await s.until(lambda: isinstance(s.app.screen, LobbyScreen))


@pytest.mark.parametrize("size", SIZES)
async def test_the_lobby_lists_my_trips(tmp_path: Path, size: tuple[int, int]):
    async with staged(tmp_path, in_trip=False, size=size) as s:
        await s.sees("Lisbon in May")
        assert "4 of 6" in s.text
        assert "1 thing needs you" in s.text
        await s.press("enter")
        await s.until(lambda: isinstance(s.app.screen, TripScreen))


# R: S7
async def test_without_a_network_the_trips_of_last_time_are_there(tmp_path: Path):
    scene = lisbon()
    async with staged(tmp_path, scene, in_trip=False) as s:
        await s.sees("Lisbon in May")
    scene.world.down = True
    app = RoadcrewApp(server=SERVER, folders=folders(tmp_path), maker=StandInMaker(scene.world, scene.ana))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        s = Stage(app, pilot, scene, scene.world)
        await s.sees("offline")
        assert "Lisbon in May" in s.text
        assert "These are the trips of last time." in s.text


async def test_a_new_name_is_shown_at_once(tmp_path: Path):
    async with staged(tmp_path) as s:
        await s.press("N")
        await s.sees("CHANGE YOUR NAME")
        await s.press("end", "backspace", "backspace", "backspace")
        await s.type("Anna")
        await s.press("enter")
        await s.sees("you are Anna")


async def test_a_guest_becomes_an_account(tmp_path: Path):
    async with staged(tmp_path) as s:
        await s.press("colon")
        await s.type("account")
        await s.sees("Make this an account")
        await s.press("enter")
        await s.sees("User name")
        await s.type("ana")
        await s.press("enter")
        await s.type("a long password")
        await s.press("enter")
        await s.type("another password")
        await s.press("enter")
        await s.sees("The two passwords are not the same.")
        assert "a long password" not in s.text
        await s.press("escape")


async def test_colours_and_signs_are_kept(tmp_path: Path):
    async with staged(tmp_path) as s:
        await s.press("ctrl+t")
        assert s.app.theme == "light"
        await s.press("colon")
        await s.type("signs")
        await s.press("enter")
        await s.sees("* live")
        assert "●" not in s.text
    kept = load(folders(tmp_path))
    assert (kept.theme, kept.symbols) == ("light", "ascii")


@pytest.mark.parametrize("text", ["theme = ", "theme = 3\nkeymap = 7\nwhat = 1", "\x00"])
def test_a_broken_settings_file_is_said_and_stops_nothing(tmp_path: Path, text: str):
    where = folders(tmp_path).settings_file
    where.parent.mkdir(parents=True)
    where.write_text(text)
    got = load(folders(tmp_path))
    assert (got.theme, got.symbols) == ("dark", "unicode")
    assert got.trouble
    if "can't be read" in got.trouble:  # the next choice that is kept makes a new file
        assert where.with_name("config.toml.damaged").read_text() == text


def test_settings_are_read_back_as_they_were_kept(tmp_path: Path):
    kept = save(folders(tmp_path), Settings(), name='A "quoted" \\ name', keymap={"trip.invite": "v"}, animations=False)
    assert load(folders(tmp_path)) == kept


def test_a_broken_memory_is_an_empty_one(tmp_path: Path):
    where = folders(tmp_path).memory_file
    where.parent.mkdir(parents=True)
    for text in ("[]", "{", '{"http://x": 3}', '{"http://x": {"seen": {"t": [1, "today"]}}}'):
        where.write_text(text)
        memory = Memory(folders(tmp_path))
        assert memory.trips("http://x") == []
        assert memory.seen("http://x", "t") is None


async def test_trips_that_are_listed_when_their_owner_has_signed_out_are_nobodys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    async with staged(tmp_path, in_trip=False) as s:
        client: Any = s.app.link._client
        listed = client.load_trips

        began, out = threading.Event(), threading.Event()

        async def late() -> Any:
            trips = await listed()
            began.set()
            await asyncio.to_thread(out.wait, 5)
            return trips

        monkeypatch.setattr(client, "load_trips", late)
        s.app.run_worker(s.app.guarded(s.app.list_trips()))
        await asyncio.to_thread(began.wait, 5)
        await s.app.link.sign_out()
        s.app.be(None)
        await s.app.list_trips()
        out.set()
        await s.sees("not signed in")
        await s.settle()
        assert s.app.trips == ()
        assert "Lisbon" not in s.text


@pytest.mark.parametrize("opens", ["i", "question_mark", "E"], ids=["invite", "help", "a form"])
async def test_a_dialog_that_is_left_twice_in_a_burst_closes_itself_alone(tmp_path: Path, opens: str):
    async with staged(tmp_path) as s:
        await s.press(opens)
        dialog: Any = s.app.screen
        assert dialog is not s.app.screen_stack[-2]
        below = s.app.screen_stack[:-1]
        dialog.dismiss(None)
        dialog.dismiss(None)
        await s.settle()
        assert s.app.screen_stack == below


async def test_a_trip_that_is_left_twice_in_a_burst_leads_to_the_list_of_trips(tmp_path: Path):
    async with staged(tmp_path) as s:
        await asyncio.gather(s.trip.go_back(), s.trip.go_back())
        await s.until(lambda: isinstance(s.app.screen, LobbyScreen), "the list of trips")
        await s.press("enter")
        await s.until(lambda: isinstance(s.app.screen, TripScreen), "the trip")


# R: T1
@pytest.mark.parametrize("first_run", [False, True])
async def test_one_esc_too_many_ends_nothing_and_says_what_does(
    tmp_path: Path, first_run: bool, monkeypatch: pytest.MonkeyPatch
):
    async with staged(tmp_path, in_trip=not first_run, first_run=first_run) as s:
        await s.press("escape", "escape", "escape")
        await s.until(lambda: "Press q to quit." in [str(n.message) for n in s.app._notifications], "the way out")
        assert s.app.is_running
        assert "q quit" in s.text.split("\n")[-1]
        await s.press("question_mark")
        pages = iter(range(10))
        while "Quit. Ends the app." not in s.text:
            assert next(pages, None) is not None
            await s.press("pagedown")
        await s.press("escape")
        ended: list[bool] = []
        monkeypatch.setattr(s.app, "exit", lambda: ended.append(True))
        await s.press("escape", "q")
        assert ended == [True]


async def test_the_way_out_is_said_by_the_key_that_this_person_gave_it(tmp_path: Path):
    save(folders(tmp_path), Settings(), keymap={"app.quit": "Q"})
    async with staged(tmp_path, in_trip=False) as s:
        await s.press("escape")
        await s.until(lambda: "Press Q to quit." in [str(n.message) for n in s.app._notifications], "the way out")


async def test_trips_that_come_while_the_app_ends_are_too_late_and_break_nothing(tmp_path: Path):
    async with staged(tmp_path, in_trip=False) as s:
        await s.app.screen.query("*").remove()
        s.app._running = False
        try:
            await s.app.list_trips()
            s.app.redraw_all()
        finally:
            s.app._running = True


async def test_an_answer_of_a_server_that_was_left_meanwhile_changes_nobody(tmp_path: Path):
    async with staged(tmp_path, in_trip=False) as s:
        slow, out = threading.Event(), threading.Event()
        make = s.app.link._maker.client

        def client(server: str, *given: Any) -> Any:
            made: Any = make(server, *given)
            if server.endswith("/slow"):

                async def whoami() -> Any:
                    slow.set()
                    await asyncio.to_thread(out.wait, 5)
                    return s.scene.ben

                made.whoami = whoami
            return made

        s.app.link._maker.client = client  # type: ignore[method-assign, assignment]
        late = s.app.run_worker(s.app.guarded(s.app.begin(f"{SERVER}/slow")))
        await asyncio.to_thread(slow.wait, 5)
        await s.app.begin(SERVER)
        out.set()
        await s.until(lambda: late.is_finished, "the end of the first")
        assert late.state is WorkerState.CANCELLED
        await s.settle()
        assert s.app.user is not None
        assert s.app.user.id == s.scene.ana.id
        assert s.app.link.server == SERVER
