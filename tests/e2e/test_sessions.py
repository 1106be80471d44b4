"""Sessions that can't be used yet, have ended, or are somebody else's: what a person sees, and what goes on by itself.

The real app and the real server; sometimes in a real terminal, and where a ladder of 17 s would have to be climbed,
with a clock on which its waits take no time.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.conftest import Figure
from tests.support.commands import Commander
from tests.support.commands import sign_up as sign_up_at
from tests.support.people import Person, connected
from tests.support.serving import Running, ServerProcess, served, server_process
from tests.support.terminal import Terminal, roadcrew
from tests.tui.conftest import Stage, folders
from tests.tui.scenes import lisbon
from textual.widgets import Input

from roadcrew_client import Client, Figures
from roadcrew_client.credentials import Credentials, Kept
from roadcrew_client.errors import SessionNotReady, Unreachable
from roadcrew_client.settings import SystemClock
from roadcrew_client.waiting import waits
from roadcrew_tui.app import RoadcrewApp
from roadcrew_tui.cli import UNREACHABLE, _told
from roadcrew_tui.maker import RealMaker
from roadcrew_tui.oneshot import session
from roadcrew_tui.screens.lobby import LobbyScreen
from roadcrew_tui.screens.trip import TripScreen
from roadcrew_tui.settings import Settings, save

SECURE = "Establishing secure connection…"
NOT_FINISHED = "The server has not finished signing you in."
PLEASE = "Please sign in again to continue."
PASSWORD = "correct horse battery"
LADDER = (0.0, 1.5, 3.75, 7.125, 12.125, 17.125)
"""Seconds after which it is looked (C4)."""
SLOW = 4.0
NOBODY = lisbon()
"""A stage wants a scene of stand-ins; here the server is real."""
WITHIN = 0.1


@pytest.fixture(autouse=True)
def _nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A computer without a keyring, and without settings of ours."""
    for name in ("ROADCREW_TOKEN", "ROADCREW_SERVER", "ROADCREW_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")


def with_server(home: Path, server: str) -> dict[str, str]:
    """The environment of somebody who has used this server before."""
    (home / "config").mkdir(parents=True, exist_ok=True)
    (home / "config" / "config.toml").write_text(f'server = "{server}"\n', encoding="utf-8")
    return {"ROADCREW_HOME": str(home)}


class LadderClock(SystemClock):
    """The waits of the ladder take no time on it."""

    jumped = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.jumped

    async def sleep(self, seconds: float) -> None:
        assert seconds in waits()
        self.jumped += seconds
        await asyncio.sleep(0)


class QuickMaker(RealMaker):
    """Real clients that wait for their sessions by that clock."""

    def client(self, server: str, kept: Kept | None, reload: Callable[[], Awaitable[str | None]]) -> Client:
        made = super().client(server, kept, reload)
        made._clock = LadderClock()
        return made


class LiveStage(Stage):
    """With a live trip there is always something under way; only the screen comes to rest."""

    async def _link_works(self) -> bool:
        return False


@contextlib.asynccontextmanager
async def at_the_app(home: Path, *, quick: bool = True, **more: Any) -> AsyncIterator[Stage]:
    """Somebody at the real app, in this process, with real clients."""
    kept = folders(home)
    maker = (QuickMaker if quick else RealMaker)(kept.data)
    app = RoadcrewApp(folders=kept, maker=maker, **more)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        yield LiveStage(app, pilot, NOBODY, NOBODY.world)


def kept_token(home: Path, server: str) -> str | None:
    return Credentials(folders(home).data).load(server)


# --- the ladder, in real terminals and sub-commands ----------------------------------------------


def plan(terminal: Terminal, name: str) -> None:
    """Fill in the form of a new trip, and send it."""
    terminal.wait_for("No trips yet")
    terminal.enter("n")
    terminal.wait_for("Your name")
    terminal.enter(*"Alps", "tab", "tab", *name)
    terminal.press("enter")


def scripted(home: Path, server: str, *words: str) -> subprocess.Popen[str]:
    """A sub-command, under way."""
    return subprocess.Popen(
        roadcrew(*words),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "ROADCREW_HOME": str(home), "ROADCREW_SERVER": server},
    )


# R: C4 C7 G5
def test_trips_are_planned_by_themselves_where_sessions_take_four_seconds(
    tmp_path: Path, full: bool, figure: Figure
) -> None:
    with (
        server_process(tmp_path, session_delay=SLOW) as server,
        scripted(tmp_path / "cem", server.url, "trip", "new", "Lisbon", "--as", "Cem", "--json") as cem,
        Terminal(roadcrew(), environment=with_server(tmp_path / "ana", server.url)) as ana,
    ):
        plan(ana, "Ana")
        began = ana.wait_for(SECURE)
        ana.wait_for("Trying again, 3 of 6.")
        took = ana.wait_for(lambda t: SECURE not in t.text) - began
        ana.wait_for("NEEDS YOU")
        assert "you are Ana" in ana.text
        out, said = cem.communicate(timeout=20)
        assert cem.returncode == 0, said
        assert said.count(SECURE) >= 1
        assert "Lisbon" in out
        figure("s of waiting for a session that takes 4 s", f"{took:.2f}")
        assert SLOW * (1 - WITHIN) < took < LADDER[-1]
        if full:
            first = next(at for at in LADDER if at > SLOW)
            assert took == pytest.approx(first, rel=WITHIN), "the first look after the four seconds"
        assert [t["name"] for t in trips_of(server, tmp_path / "cem")] == ["Lisbon"]
        assert [t["name"] for t in trips_of(server, tmp_path / "ana")] == ["Alps"]


def trips_of(server: ServerProcess, home: Path) -> list[Any]:
    """The trips of who has the token that is kept there."""
    token = Credentials(home / "data", environ={}).load(server.url)
    headers = {"Authorization": f"Bearer {token}"}
    answer = httpx.get(f"{server.url}/api/social-cart/trips", headers=headers, trust_env=False)
    trips: list[Any] = answer.json()["trips"]
    return trips


# R: C4 G5
def test_signing_in_by_a_command_ends_when_the_session_can_be_used(tmp_path: Path) -> None:
    with server_process(tmp_path, session_delay=1.2) as server:
        sign_up_at(server.url, "ana")
        ana = Commander(tmp_path / "ana", server.url)
        login = ana.login("ana")
        assert (login.returncode, login.stderr.count(SECURE)) == (0, 1), login.stderr
        listed = ana.run("trip", "list")
        assert (listed.returncode, listed.stderr) == (0, "")


# R: C4 G5
async def test_a_command_waits_for_a_session_that_another_one_got_a_moment_ago(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with served(tmp_path, session_delay=1.2) as running, connected(running.url) as http:
        ana = await sign_up(http, "ana")
        for name, value in (("HOME", str(tmp_path)), ("SERVER", running.url), ("TOKEN", ana.token or "")):
            monkeypatch.setenv(f"ROADCREW_{name}", value)
        assert await session(None, None, lambda client: client.trips()) == []
        assert capsys.readouterr().err == f"roadcrew: {SECURE} Trying again, 2 of 6.\n"


# R: C4 G5
def test_a_command_that_is_not_let_in_says_so_and_that_one_may_try_later(capsys: pytest.CaptureFixture[str]) -> None:
    def never() -> int:
        raise SessionNotReady("session-not-ready", f"{NOT_FINISHED} Nothing is lost: please try again.")

    assert _told(never) == UNREACHABLE
    assert NOT_FINISHED in capsys.readouterr().err


# R: C4 C8
@pytest.mark.only_full  # 17 s by the real clock; the same by another clock is below
def test_where_sessions_never_can_be_used_a_person_is_told_so_after_the_ladder_and_may_retry(
    tmp_path: Path, figure: Figure
) -> None:
    with (
        server_process(tmp_path, session_delay=3600) as server,
        Terminal(roadcrew(), environment=with_server(tmp_path / "ana", server.url)) as ana,
    ):
        plan(ana, "Ana")
        began = ana.wait_for(SECURE)
        took = ana.wait_for(NOT_FINISHED, seconds=30) - began
        figure("s until it was said that the session is not ready", f"{took:.2f}")
        assert LADDER[-1] * (1 - WITHIN) < took < LADDER[-1] * (1 + WITHIN)
        assert "enter retry" in ana.text
        assert "Alps" in ana.text


# --- the same by another clock: what was being done is kept --------------------------------------


# R: C3 C4 C8
async def test_who_plans_a_trip_in_vain_keeps_what_was_typed_and_goes_on_by_a_retry(tmp_path: Path):
    async with served(tmp_path, session_delay=60) as running, at_the_app(tmp_path / "ana") as s:
        await s.press("n")
        await s.sees("PLAN A TRIP")
        await s.type("Alps")
        await s.press("enter", "enter")
        await s.type("Zoe")
        await s.press("enter")
        await s.press("home", "ctrl+k")
        await s.type(running.url)
        await s.press("enter")
        await s.sees(NOT_FINISHED)
        await s.sees("enter retry")
        assert (await figures_of(s)).sessions_given_up == 1
        assert "Alps" in s.text
        assert "Zoe" in s.text
        await s.until(lambda: kept_token(tmp_path / "ana", running.url))
        token = kept_token(tmp_path / "ana", running.url)
        await s.press("enter")
        await s.until(lambda: "retry" not in s.text)
        await s.sees("enter retry")
        assert (await figures_of(s)).sessions_given_up == 2
        let_in(running)
        await s.press("enter")
        await s.until(lambda: isinstance(s.app.screen, TripScreen) and s.app.screen.trip is not None)
        await s.sees("you are Zoe")
        assert kept_token(tmp_path / "ana", running.url) == token, "the same person all the time"
        assert (await figures_of(s)).sessions_given_up == 2


async def figures_of(stage: Stage) -> Figures:
    """What is measured of the app's client."""

    async def read(client: Client) -> Figures:
        return client.figures

    return await stage.app.link.call(read)


def let_in(running: Running) -> None:
    """From now on, every session can be used."""
    sessions = running.server.sessions
    sessions._settings = running.server.settings.model_copy(update={"session_delay": 0})
    sessions._cache.clear()


# R: C3 C4 C8
async def test_who_joins_in_vain_keeps_the_invite_and_goes_on_by_a_retry(tmp_path: Path):
    async with served(tmp_path) as running, connected(running.url) as http:
        ana = await Person.guest(http, "Ana")
        made = await ana.create()
        running.server.sessions._settings = running.server.settings.model_copy(update={"session_delay": 60})
        link = f"{running.url}/j/{made['invite']['code']}"
        async with at_the_app(tmp_path / "ben", invite=link) as s:
            await s.sees("JOIN A TRIP")
            await s.until(lambda: s.app.focused is not None and s.app.focused.id == "field-name")
            await s.type("Ben")
            await s.press("enter")
            await s.sees(NOT_FINISHED)
            assert made["invite"]["code"] in s.text
            assert len((await ana.trip(made["trip"]["id"])).json()["trip"]["members"]) == 1
            let_in(running)
            await s.press("enter")
            await s.until(lambda: isinstance(s.app.screen, TripScreen) and s.app.screen.trip is not None)
            members = (await ana.trip(made["trip"]["id"])).json()["trip"]["members"]
            assert [m["name"] for m in members] == ["Ana", "Ben"]


# R: C3 C4
async def test_who_leaves_while_waiting_and_comes_back_later_is_still_the_same_person(tmp_path: Path):
    async with served(tmp_path, session_delay=60) as running:
        save(folders(tmp_path / "ana"), Settings(), server=running.url)
        async with at_the_app(tmp_path / "ana") as s:
            await s.sees("No trips yet")
            await s.press("n")
            await s.sees("Your name")
            await s.type("Alps")
            await s.press("enter", "enter")
            await s.type("Ana")
            await s.press("enter")
            await s.sees(NOT_FINISHED)
            me = s.app.user
        token = kept_token(tmp_path / "ana", running.url)
        async with at_the_app(tmp_path / "ana") as s:
            await s.sees(NOT_FINISHED)
            await s.sees("not let in yet")
            assert kept_token(tmp_path / "ana", running.url) == token
            let_in(running)
            await s.press("r")
            await s.sees("you are Ana")
            assert s.app.user == me
            assert kept_token(tmp_path / "ana", running.url) == token


# R: C5 C8
async def test_a_lost_connection_is_said_with_a_retry_and_a_trip_is_made_once(tmp_path: Path):
    lost: list[str] = []

    async def lose_three_answers(client: Client) -> None:
        transport = await client._connection.transport()
        call = transport.call

        async def losing(method: str, path: str, **more: Any) -> Any:
            reply = await call(method, path, **more)
            if path.endswith("/create") and len(lost) < 3:
                lost.append(more["headers"]["Idempotency-Key"])
                raise Unreachable("cut", "The connection was cut.")
            return reply

        transport.call = losing  # type: ignore[method-assign]

    async with served(tmp_path) as running, connected(running.url) as http:
        save(folders(tmp_path / "ana"), Settings(), server=running.url)
        Credentials(folders(tmp_path / "ana").data).save(running.url, (await Person.guest(http, "Ana")).token or "")
        async with at_the_app(tmp_path / "ana") as s:
            await s.sees("you are Ana")
            await s.app.link.call(lose_three_answers)
            await s.press("n")
            await s.sees("PLAN A TRIP")
            await s.type("Alps")
            await s.press("ctrl+s")
            await s.sees("trying again, 2 of 3")
            await s.sees("Connection issue. Please try again.")
            assert "The connection was cut." in s.text
            assert "enter retry" in s.text
            assert (len(lost), len(set(lost))) == (3, 1)
            await s.press("enter")
            await s.until(lambda: isinstance(s.app.screen, TripScreen) and s.app.screen.trip is not None)
            await s.press("q")
            await s.until(lambda: isinstance(s.app.screen, LobbyScreen))
            await s.until(lambda: s.app.trips is not None and len(s.app.trips) == 1)


# --- sessions that have ended --------------------------------------------------------------------


async def sign_up(http: httpx.AsyncClient, username: str) -> Person:
    body = {"username": username, "password": PASSWORD, "name": username.capitalize()}
    answer = await http.post("/api/session/signup", json=body)
    assert answer.status_code == 201, answer.text
    return Person.of(http, answer.json())


@dataclass
class Scene:
    """Ana in her trip, in the app; `out` ends the session that the app has."""

    stage: Stage
    running: Running
    http: httpx.AsyncClient
    ana: Person
    trip: str
    home: Path

    async def out(self) -> None:
        mine = Person(self.http, kept_token(self.home, self.running.url))
        assert (await mine.request("DELETE", "/api/session")).status_code == 204

    async def sign_in(self, username: str) -> None:
        s = self.stage
        await s.press("S")
        await s.sees("SIGN IN")
        await s.sees(PLEASE)
        if username != "ana":
            await s.press("shift+tab", "end", *["backspace"] * 3)
            await s.type(username)
            await s.press("tab")
        await s.type(PASSWORD)
        await s.press("enter")


@contextlib.asynccontextmanager
async def ana_in_her_trip(tmp_path: Path, *, in_trip: bool = True) -> AsyncIterator[Scene]:
    async with served(tmp_path) as running, connected(running.url) as http:
        ana = await sign_up(http, "ana")
        trip = (await ana.create())["trip"]["id"]
        home = tmp_path / "home"
        token = (await http.post("/api/session/login", json={"username": "ana", "password": PASSWORD})).json()["token"]
        Credentials(folders(home).data).save(running.url, token)
        save(folders(home), Settings(), server=running.url, name="Ana")
        async with at_the_app(home, trip=trip if in_trip else None) as stage:
            await stage.sees("Lisbon in May")
            if in_trip:
                await stage.sees("● live")
            await stage.sees("you are Ana")
            yield Scene(stage, running, http, ana, trip, home)


# R: C3 C8 S5 S7
async def test_a_trip_stays_when_its_session_ends_and_goes_on_live_after_signing_in(tmp_path: Path):
    async with ana_in_her_trip(tmp_path) as scene:
        s, screen = scene.stage, scene.stage.app.screen
        await scene.out()
        await s.sees("signed out")
        await s.sees(PLEASE)
        await s.sees("S sign in")
        assert "Lisbon in May" in s.text
        assert "Ana" in s.text
        await s.until(lambda: kept_token(scene.home, scene.running.url) is None)
        await s.press("E")
        await s.sees("EDIT THE TRIP")
        await s.press("end")
        await s.type(" or June")
        await s.press("ctrl+s")
        await s.sees("1 change waits")
        await scene.sign_in("ana")
        await s.sees("● live · you are Ana")
        await s.until(lambda: s.app.screen is screen, "the trip, where it was")
        await s.until(lambda: "waits" not in s.text)
        assert (await scene.ana.trip(scene.trip)).json()["trip"]["name"] == "Lisbon in May or June"
        assert "S sign in" not in s.text
        await s.until(lambda: kept_token(scene.home, scene.running.url) is not None)
        await scene.ana.do("/update", {"tripId": scene.trip, "name": "Porto"})
        await s.sees("Porto")


# R: C3 C8 T8
async def test_who_signs_in_as_somebody_who_is_not_in_the_trip_is_told_so_and_sends_nothing_of_the_others(
    tmp_path: Path,
):
    async with ana_in_her_trip(tmp_path) as scene:
        s = scene.stage
        await sign_up(scene.http, "ben")
        await scene.out()
        await s.sees("S sign in")
        await s.press("E")
        await s.sees("EDIT THE TRIP")
        await s.type("Porto")
        await s.press("ctrl+s")
        await s.sees("1 change waits")
        await scene.sign_in("ben")
        await s.sees("You are Ben now, who is not in this trip.")
        await s.until(lambda: isinstance(s.app.screen, LobbyScreen))
        await s.sees("you are Ben")
        assert (await scene.ana.trip(scene.trip)).json()["trip"]["name"] == "Lisbon in May"


# R: C3 C8 T9
async def test_who_signs_in_as_another_member_goes_on_as_that_member_without_the_changes_of_the_first(
    tmp_path: Path,
):
    async with ana_in_her_trip(tmp_path) as scene:
        s = scene.stage
        ben = await sign_up(scene.http, "ben")
        code = (await scene.ana.trip(scene.trip)).json()["trip"]["invite"]["code"]
        await ben.do("/join", {"invite": code})
        await scene.out()
        await s.sees("S sign in")
        await s.press("E")
        await s.sees("EDIT THE TRIP")
        await s.type("Porto")
        await s.press("ctrl+s")
        await s.sees("1 change waits")
        await scene.sign_in("ben")
        await s.sees("● live · you are Ben")
        await s.sees("so that was not sent")
        await s.sees("Lisbon in May")
        assert (await scene.ana.trip(scene.trip)).json()["trip"]["name"] == "Lisbon in May"


# R: C3 C8
async def test_a_wrong_password_is_said_and_the_trip_is_still_there(tmp_path: Path):
    async with ana_in_her_trip(tmp_path) as scene:
        s = scene.stage
        await scene.out()
        await s.sees("S sign in")
        await s.press("S")
        await s.sees(PLEASE)
        await s.type("wrong horse battery")
        await s.press("enter")
        await s.sees("do not belong together")
        await s.press("escape")
        await s.sees("signed out")
        assert isinstance(s.app.screen, TripScreen)
        assert s.app.screen.trip is not None


# R: C3 C8
async def test_who_plans_a_trip_when_the_session_has_ended_signs_in_and_the_trip_is_made(tmp_path: Path):
    async with ana_in_her_trip(tmp_path, in_trip=False) as scene:
        s = scene.stage
        await s.press("n")
        await s.sees("PLAN A TRIP")
        await s.type("Alps")
        await scene.out()
        await s.press("ctrl+s")
        await s.sees(PLEASE)
        await s.press("escape")
        await s.sees("PLAN A TRIP")
        await s.sees("enter retry")
        assert PLEASE in s.text
        assert "Alps" in s.text
        await s.press("enter")
        await s.sees("SIGN IN")
        await s.type(PASSWORD)
        await s.press("enter")
        await s.until(lambda: isinstance(s.app.screen, TripScreen) and s.app.screen.trip is not None)
        await s.sees("Alps")
        assert len((await scene.ana.get("/api/social-cart/trips")).json()["trips"]) == 2


# R: C9
async def test_a_guest_whose_session_has_ended_may_go_on_as_a_new_one(tmp_path: Path):
    async with served(tmp_path) as running, connected(running.url) as http:
        save(folders(tmp_path / "ana"), Settings(), server=running.url)
        Credentials(folders(tmp_path / "ana").data).save(running.url, (await Person.guest(http, "Ana")).token or "")
        async with at_the_app(tmp_path / "ana") as s:
            await s.sees("you are Ana")
            me = s.app.user
            mine = Person(http, kept_token(tmp_path / "ana", running.url))
            await mine.request("DELETE", "/api/session")
            await s.press("n")
            await s.sees("PLAN A TRIP")
            await s.type("Alps")
            await s.press("ctrl+s")
            await s.sees("Go on as a new guest, Ana")
            await s.press("enter")
            await s.until(lambda: isinstance(s.app.screen, TripScreen) and s.app.screen.trip is not None)
            await s.sees("you are Ana")
            assert s.app.user is not None
            assert me is not None
            assert s.app.user.id != me.id


# R: C3 C6 C8
async def test_the_list_of_trips_stays_when_the_session_has_ended_and_enter_leads_through_signing_in_to_the_trip(
    tmp_path: Path,
):
    async with ana_in_her_trip(tmp_path, in_trip=False) as scene:
        s = scene.stage
        await scene.out()
        await s.press("r")
        await s.sees("You are signed out. Press S to sign in again.")
        assert "Lisbon in May" in s.text
        await s.press("enter")
        await s.sees(PLEASE)
        await s.type(PASSWORD)
        await s.press("enter")
        await s.until(lambda: isinstance(s.app.screen, TripScreen) and s.app.screen.trip is not None)
        await s.sees("● live · you are Ana")


# R: C3
async def test_a_session_that_ended_while_the_app_was_closed_is_said_and_the_trips_of_last_time_are_listed(
    tmp_path: Path,
):
    async with ana_in_her_trip(tmp_path, in_trip=False) as scene:
        await scene.stage.sees("1 of")
        home, server = scene.home, scene.running.url
        token = kept_token(home, server)
        await scene.out()
        Credentials(folders(home).data).save(server, token or "")
        async with at_the_app(home) as s:
            await s.sees("You are signed out. Press S to sign in again.")
            assert "Lisbon in May" in s.text
            await s.press("S")
            await s.sees("SIGN IN")
            assert s.app.screen.query(Input).first().value == "ana", "who was here last is not asked for the name"
            await s.type(PASSWORD)
            await s.press("enter", "enter")
            await s.sees("you are Ana")
            await s.until(lambda: s.app.trips is not None and len(s.app.trips) == 1)


async def test_who_signs_out_is_not_asked_to_sign_in_again(tmp_path: Path):
    async with ana_in_her_trip(tmp_path, in_trip=False) as scene:
        s = scene.stage
        await s.press("colon")
        await s.type("sign out")
        await s.press("enter")
        await s.sees("Sign out of")
        await s.press("enter")
        await s.sees("not signed in")
        assert "sign in again" not in s.text
        await s.until(lambda: "Lisbon" not in s.text, "nobody's trips")
        assert not s.app.signed_out


# R: C3 C8
def test_in_a_real_terminal_a_revoked_session_leads_to_signing_in_and_back_to_the_trip(
    tmp_path: Path, figure: Figure
) -> None:
    with server_process(tmp_path) as server:
        home = tmp_path / "ana"
        body = {"username": "ana", "password": PASSWORD, "name": "Ana"}
        issued = httpx.post(f"{server.url}/api/session/signup", json=body, trust_env=False).json()
        auth = {"Authorization": f"Bearer {issued['token']}"}
        httpx.post(f"{server.url}/api/social-cart/create", json={"name": "Lisbon"}, headers=auth, trust_env=False)
        Credentials(home / "data", environ={}).save(server.url, issued["token"])
        with Terminal(roadcrew(), environment=with_server(home, server.url)) as ana:
            ana.wait_for("Lisbon")
            ana.wait_for("you are Ana")
            ana.enter("enter")
            ana.wait_for("● live")
            began = time.monotonic()
            httpx.request("DELETE", f"{server.url}/api/session", headers=auth, trust_env=False)
            ana.wait_for("○ signed out")
            ana.wait_for("S sign in")
            figure("s until a revoked session is said", f"{time.monotonic() - began:.2f}")
            ana.enter("S")
            ana.wait_for(PLEASE)
            ana.enter(*PASSWORD)
            ana.press("enter")
            ana.wait_for("● live · you are Ana")
            assert "Lisbon" in ana.text
