"""A list of trips that could not be had is asked for again."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.tui.conftest import Stage, folders, staged
from tests.tui.scenes import lisbon
from textual import events

from roadcrew_client.errors import ServerTrouble, SessionNotReady
from roadcrew_tui.screens import lobby_model
from roadcrew_tui.screens.lobby import ASKED_AGAIN, LobbyScreen
from roadcrew_tui.screens.lobby_model import wait_before
from roadcrew_tui.screens.trip import TripScreen
from roadcrew_tui.settings import Settings, save


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without waits that a person would notice."""
    monkeypatch.setattr(lobby_model, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(lobby_model, "LONGEST_WAIT", 0.02)


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> None:
    """With waits that no test would wait for."""
    monkeypatch.setattr(lobby_model, "FIRST_WAIT", 3600.0)
    monkeypatch.setattr(lobby_model, "LONGEST_WAIT", 3600.0)


@contextlib.asynccontextmanager
async def away(path: Path, *, recalls: bool = False) -> AsyncIterator[Stage]:
    """In the lobby, while the server can't be reached; the trips of last time are known."""
    scene = lisbon()
    async with staged(path, scene, in_trip=False):
        pass
    scene.world.down, scene.world.recalls = True, recalls
    async with staged(path, scene, in_trip=False) as s:
        yield s


def test_it_is_asked_again_after_longer_and_longer_waits_that_differ_between_terminals():
    assert [wait_before(tries, 1.0) for tries in range(6)] == [2, 4, 8, 16, 30, 30]
    assert [wait_before(tries, 0.0) for tries in (0, 5, 10_000)] == [1, 15, 15]


# R: S5 S7
@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("recalls", [True, False])
async def test_the_trips_are_there_by_themselves_when_the_network_is_back(tmp_path: Path, recalls: bool):
    async with away(tmp_path, recalls=recalls) as s:
        await s.until(lambda: s.world.in_vain > 3, "several tries")
        await s.sees("offline")
        toasts = [n.message for n in s.app._notifications]
        assert len(toasts) <= 1, "what is tried by itself is not told each time"
        s.world.down = False
        await s.sees("you are Ana")
        await s.until(lambda: s.app.trips, "the list of trips")
        assert ASKED_AGAIN not in s.text


# R: S5
@pytest.mark.usefixtures("late")
@pytest.mark.parametrize("how", ["a key", "a click", "a look"])
async def test_whoever_presses_a_key_or_is_back_does_not_wait(tmp_path: Path, how: str):
    async with away(tmp_path) as s:
        await s.sees(ASKED_AGAIN)
        s.world.down = False
        if how == "a key":
            await s.press("down")
        elif how == "a click":
            await s.app.on_event(events.MouseDown(None, 1, 1, 0, 0, 1, False, False, False))
        else:
            for event in (events.AppBlur(), events.AppFocus()):
                await s.app.on_event(event)
        await s.sees("you are Ana")


@pytest.mark.usefixtures("late")
async def test_keys_of_a_hurry_ask_once_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    async with away(tmp_path) as s:
        before = s.world.in_vain
        await s.type("rrrrrrrr")
        assert before < s.world.in_vain <= before + 8
        begun: list[str] = []

        async def begin(server: str) -> None:
            begun.append(server)
            await s.pilot.pause(0.1)

        monkeypatch.setattr(s.app, "begin", begin)
        await s.type("rrrrrrrr")
        assert len(begun) == 1


@pytest.mark.usefixtures("soon")
async def test_a_terminal_that_nobody_looks_at_asks_nothing(tmp_path: Path):
    async with away(tmp_path) as s:
        await s.app.on_event(events.AppBlur())
        await s.settle()
        lobby = s.app.screen
        assert isinstance(lobby, LobbyScreen)
        await s.until(lambda: lobby._again is None, "the end of a wait")
        before = s.world.in_vain
        lobby._look()
        await s.settle()
        assert s.world.in_vain == before
        await s.app.on_event(events.AppFocus())
        await s.until(lambda: s.world.in_vain > before + 2, "tries once somebody is back")


@pytest.mark.usefixtures("soon")
async def test_it_is_not_asked_under_a_trip_or_a_form_and_again_when_that_is_left(tmp_path: Path):
    async with away(tmp_path, recalls=True) as s:
        await s.press("enter")
        await s.until(lambda: isinstance(s.app.screen, TripScreen), "the trip")
        lobby = s.app.screen_stack[0]
        assert isinstance(lobby, LobbyScreen)
        await s.until(lambda: lobby._again is None and not s.app.looking, "the end of a wait")
        before = s.world.in_vain
        lobby._look()
        lobby.show_trips()
        await s.settle()
        assert (lobby._again, s.world.in_vain) == (None, before)
        await s.press("q")
        await s.until(lambda: s.world.in_vain > before + 2, "tries in the lobby")


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("error", [ServerTrouble, SessionNotReady])
async def test_a_server_in_trouble_is_asked_again_and_one_that_lets_nobody_in_yet_is_not(
    tmp_path: Path, error: type[Exception], monkeypatch: pytest.MonkeyPatch
):
    async with staged(tmp_path, in_trip=False) as s:
        asked: list[int] = []

        async def load_trips() -> None:
            asked.append(1)
            raise error("code", "It does not go well.")

        client = s.app.link._client
        monkeypatch.setattr(client, "load_trips", load_trips)
        await s.press("r")
        await s.sees("It does not go well.")
        passing = error is ServerTrouble
        assert (ASKED_AGAIN in s.text, "Press r to retry." in s.text) == (passing, not passing)
        if passing:
            await s.until(lambda: len(asked) > 3, "several tries")
        else:
            assert isinstance(s.app.screen, LobbyScreen)
            assert s.app.screen._again is None


async def test_an_address_that_is_none_is_not_asked_again(tmp_path: Path):
    save(folders(tmp_path), Settings(), server="nonsense")
    async with staged(tmp_path, in_trip=False, server="nonsense") as s:
        await s.sees("The server's address is not one.")
        assert ASKED_AGAIN not in s.text
        assert isinstance(s.app.screen, LobbyScreen)
        assert s.app.screen._again is None


# --- while all is well ---------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def counted(path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Stage, list[int]]]:
    """In the lobby; and a number for each time that the trips are asked for."""
    async with staged(path, in_trip=False) as s:
        await s.sees("Lisbon in May")
        client: Any = s.app.link._client
        asked: list[int] = []
        listed = client.load_trips

        async def load_trips() -> Any:
            asked.append(len(asked))
            return await listed()

        monkeypatch.setattr(client, "load_trips", load_trips)
        yield s, asked


async def passes(s: Stage) -> None:
    """As long as is waited between two looks."""
    lobby = s.app.screen_stack[0]
    assert isinstance(lobby, LobbyScreen)
    lobby._look_now_and_then()
    await s.settle()


# R: S7
async def test_a_trip_that_is_brought_back_comes_by_itself_and_moves_no_cursor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    async with counted(tmp_path, monkeypatch) as (s, asked):
        world, here = s.world, s.rows("trips").cursor
        other = world.create(s.scene.ben, "Alps")
        world.join(other.id, s.scene.ana)
        await passes(s)
        await s.sees("Alps")
        assert (len(asked), s.rows("trips").cursor) == (1, here)


async def test_it_is_waited_a_minute_between_two_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert lobby_model.LOOKS_EVERY == 60
    monkeypatch.setattr(lobby_model, "LOOKS_EVERY", 0.01)
    async with counted(tmp_path, monkeypatch) as (s, asked):
        await s.until(lambda: len(asked) > 2, "looks by itself")


async def test_unseen_nothing_is_asked_and_whoever_comes_back_after_a_look_was_due_sees_it_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    async with counted(tmp_path, monkeypatch) as (s, asked):
        for event in (events.AppBlur(), events.AppFocus(), events.AppBlur(), events.AppFocus()):
            await s.app.on_event(event)
        await s.press("down")
        await s.settle()
        assert asked == [], "no look was due"
        await s.app.on_event(events.AppBlur())
        for _ in range(20):
            await passes(s)
        assert asked == []
        await s.app.on_event(events.AppFocus())
        await s.until(lambda: len(asked) == 1, "one look")
        await s.press("up", "down")
        await s.settle()
        assert len(asked) == 1


async def test_under_a_trip_the_list_is_not_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    async with counted(tmp_path, monkeypatch) as (s, asked):
        await s.press("enter")
        await s.until(lambda: isinstance(s.app.screen, TripScreen), "the trip")
        await passes(s)
        assert asked == []
        await s.press("q")
        await s.until(lambda: len(asked) == 1, "the list when it is seen again")
