"""Whose token goes where, and where it is kept: sub-commands and the app's link, with real files and real servers."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.api_client.scripted import ANA, Request, ScriptedServer, serving, until
from tests.support.serving import ServerProcess, server_process
from tests.support.terminal import Terminal, roadcrew
from tests.tui.conftest import staged

from roadcrew_client.credentials import Credentials
from roadcrew_tui.app import RoadcrewApp
from roadcrew_tui.demo import Demo, app_for
from roadcrew_tui.link import Link
from roadcrew_tui.maker import RealMaker
from roadcrew_tui.messages import SignInNote, TokenChanged
from roadcrew_tui.settings import Folders, Settings, load, save

SECRET = "the-home-token"
CODE = "K7QM-2D4F"


@pytest.fixture(autouse=True)
def no_keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A computer without a keyring, and a home of our own."""
    for name in ("ROADCREW_TOKEN", "ROADCREW_SERVER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    monkeypatch.setenv("ROADCREW_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with server_process(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
async def evil() -> AsyncIterator[ScriptedServer]:
    """A server that somebody's link leads to: it welcomes guests, to see what else they carry, and knows no trips."""

    async def script(request: Request) -> None:
        if request.path == "/api/session/guest":
            await request.answer(201, {"token": "a-guest", "user": ANA, "expiresAt": None})
        elif request.headers.get("authorization") != "Bearer a-guest":
            await request.problem(401, "not-signed-in")
        elif request.path == "/api/session":
            await request.answer(200, {"user": ANA, "expiresAt": None})
        else:
            await request.problem(404, "invite-unknown")

    async with serving(script) as running:
        yield running


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`roadcrew WORDS` without a terminal."""
    return subprocess.run(
        roadcrew(*words),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
    )


def got_it(server: ScriptedServer) -> bool:
    """Whether the server was shown the token."""
    return any(SECRET in json.dumps(r.headers) for r in server.requests)


# --- whose token ---------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [("join",), ("trip", "join")])
@pytest.mark.parametrize("home", ["variable", "settings", "nothing"])
async def test_a_link_of_a_stranger_is_not_shown_the_token(
    words: tuple[str, ...], home: str, evil: ScriptedServer, tmp_path: Path
):
    environment = {"ROADCREW_TOKEN": SECRET}
    if home == "variable":
        environment["ROADCREW_SERVER"] = "http://127.0.0.1:9"
    if home == "settings":
        save(Folders.of_this_person(), Settings(), server="http://127.0.0.1:9")
    before = load(Folders.of_this_person())
    done = await asyncio.to_thread(run, *words, f"{evil.url}/j/{CODE}", "--json", **environment)
    assert done.returncode != 0
    assert evil.requests
    assert not got_it(evil)
    assert load(Folders.of_this_person()) == before, "the next start must not send the token there either"


@pytest.mark.parametrize("how", ["variable", "settings", "option", "an invite of the same server"])
async def test_the_server_that_was_chosen_is_shown_the_token(how: str, evil: ScriptedServer):
    environment = {"ROADCREW_TOKEN": SECRET}
    words = ["trip", "list"]
    if how == "option":
        words += ["--server", evil.url]
    elif how == "variable":
        environment["ROADCREW_SERVER"] = evil.url
    else:
        save(Folders.of_this_person(), Settings(), server=evil.url)
    if how.startswith("an invite"):
        words = ["join", f"{evil.url}/j/{CODE}"]
    assert (await asyncio.to_thread(run, *words, **environment)).returncode == 3
    assert got_it(evil)


async def test_the_app_shows_the_token_to_the_server_of_last_time_and_to_no_link(
    evil: ScriptedServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ROADCREW_TOKEN", SECRET)
    save(Folders.of_this_person(), Settings(), server="http://127.0.0.1:9")
    app = RoadcrewApp(invite=f"{evil.url}/j/{CODE}")
    app.link.start()
    await app.use_server(evil.url)
    await app.link.call(lambda client: client.guest("Ana"))
    await app.link.close()
    assert len(evil.requests) == 1
    assert not got_it(evil)
    assert load(Folders.of_this_person()).server == "http://127.0.0.1:9", "the next start must not send it there either"
    async with serving(lambda r: r.problem(401, "not-signed-in")) as last:
        save(Folders.of_this_person(), Settings(), server=last.url)
        app = RoadcrewApp()
        app.link.start()
        await app.link.open(last.url)
        await app.link.close()
        assert got_it(last)


# --- where it is kept ----------------------------------------------------------------------------


def test_without_a_terminal_it_is_said_once_where_the_sign_in_is_kept(server: ServerProcess, tmp_path: Path):
    file = tmp_path / "data" / "credentials.json"
    first = run("trip", "new", "Lisbon", "--server", server.url)
    assert str(file) in first.stderr
    assert "0600" in first.stderr
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert run("trip", "new", "Porto").stderr == ""
    assert run("join", f"{server.url}/j/{CODE}").stderr.count("kept in") == 0


@pytest.mark.parametrize(("answer", "kept"), [("n", False), ("", True)])
def test_at_a_terminal_it_is_asked_once_and_the_answer_is_remembered(
    server: ServerProcess, tmp_path: Path, answer: str, kept: bool
):
    with Terminal(roadcrew("trip", "new", "Lisbon", "--server", server.url), columns=200) as terminal:
        terminal.wait_for("[Y/n]")
        terminal.press(*answer, "enter")
        assert terminal.wait_end() == 0
    assert (tmp_path / "data" / "credentials.json").exists() == kept
    assert load(Folders.of_this_person()).keep_sign_in is kept
    assert load(Folders.of_this_person()).server == server.url
    with Terminal(roadcrew("trip", "new", "Porto"), columns=200) as terminal:
        assert terminal.wait_end() == 0
        assert "[Y/n]" not in terminal.text
        assert ("keep_sign_in = false" in terminal.text) != kept


def test_a_bad_token_in_the_environment_does_not_cost_the_good_one_on_the_disk(server: ServerProcess):
    assert run("trip", "new", "Lisbon", "--server", server.url).returncode == 0
    assert run("trip", "list", ROADCREW_TOKEN="nonsense").returncode == 3
    assert "Lisbon" in run("trip", "list").stdout


def test_who_comes_now_and_then_gets_a_new_token_each_time(server: ServerProcess, tmp_path: Path):
    run("trip", "new", "Lisbon", "--server", server.url)
    file = tmp_path / "data" / "credentials.json"
    fresh = json.loads(file.read_text())
    assert "Lisbon" in run("trip", "list").stdout
    assert json.loads(file.read_text()) == fresh, "a young token is left as it is"
    file.write_text(json.dumps({**fresh, "since": {server.url: "2020-01-01T00:00:00+00:00"}}))
    assert "Lisbon" in run("trip", "list").stdout
    renewed = json.loads(file.read_text())
    assert renewed["tokens"][server.url] != fresh["tokens"][server.url]
    assert renewed["since"][server.url] > fresh["since"][server.url]
    assert "Lisbon" in run("trip", "list").stdout


def test_a_credentials_file_that_others_can_read_is_a_sentence_and_a_status(server: ServerProcess, tmp_path: Path):
    run("trip", "new", "Lisbon", "--server", server.url)
    (tmp_path / "data" / "credentials.json").chmod(0o644)
    done = run("trip", "list")
    assert (done.returncode, done.stdout) == (3, "")
    assert "chmod 600" in done.stderr
    assert "Traceback" not in done.stderr


# --- the app's link ------------------------------------------------------------------------------


async def linked(folder: Path, **more: Any) -> tuple[Link, list[Any]]:
    said: list[Any] = []
    link = Link(said.append, RealMaker(folder), **more)
    link.start()
    return link, said


def notes(said: list[Any]) -> list[str]:
    return [m.words for m in said if isinstance(m, SignInNote)]


async def test_the_app_says_once_where_the_sign_in_is_kept(server: ServerProcess, tmp_path: Path):
    for expected in (1, 0):
        link, said = await linked(tmp_path)
        user = await link.open(server.url)
        assert (user is None) == bool(expected)
        if user is None:
            await link.call(lambda client: client.guest("Ana"))
        await link.close()
        assert len(notes(said)) == expected
        assert all(str(tmp_path / "credentials.json") in words for words in notes(said))
        assert Credentials(tmp_path).load(server.url) is not None, "closing waits until it is kept"


async def test_the_note_is_seen_in_the_app(tmp_path: Path):
    async with staged(tmp_path, in_trip=False) as stage:
        stage.app.post_message(SignInNote("Your sign-in is kept in a file."))
        await stage.sees("Your sign-in is kept in a file.")


async def test_the_app_keeps_nothing_in_a_file_where_that_was_refused(server: ServerProcess, tmp_path: Path):
    link, said = await linked(tmp_path / "data", keeps=False)
    await link.open(server.url)
    await link.call(lambda client: client.guest("Ana"))
    await link.close()
    assert ["keep_sign_in" in words for words in notes(said)] == [True]
    assert not (tmp_path / "data").exists()


async def test_a_terminal_that_wakes_late_goes_on_with_the_token_that_the_other_one_has_renewed(tmp_path: Path):
    good = {"a1": "ana"}

    async def script(request: Request) -> None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in good:
            return await request.problem(401, "not-signed-in")
        user = {"id": good[token], "name": "Ana", "username": None, "guest": True}
        return await request.answer(200, {"user": user, "trips": []})

    async with serving(script) as running:
        Credentials(tmp_path).save(running.url, "a1")
        link, said = await linked(tmp_path)
        assert await link.open(running.url) is not None
        good.clear()
        good["a2"] = "ana"
        Credentials(tmp_path).save(running.url, "a2")
        assert await link.call(lambda client: client.trips()) == []
        assert not [m for m in said if isinstance(m, TokenChanged)]
        # And when that one is over too, exactly that one is forgotten.
        good.clear()
        with pytest.raises(Exception, match="not-signed-in"):
            await link.call(lambda client: client.trips())
        await until(lambda: Credentials(tmp_path).load(running.url) is None)
        await link.close()


async def test_a_token_that_failed_does_not_take_another_persons_with_it(tmp_path: Path):
    good = {"a1": "ana", "b1": "ben"}

    async def script(request: Request) -> None:
        token = request.headers["authorization"].removeprefix("Bearer ")
        if token not in good:
            return await request.problem(401, "not-signed-in")
        return await request.answer(200, {"user": {**ANA, "id": good[token]}, "trips": []})

    async with serving(script) as running:
        Credentials(tmp_path).save(running.url, "a1")
        link, said = await linked(tmp_path)
        await link.open(running.url)
        Credentials(tmp_path).save(running.url, "b1")
        del good["a1"]
        with pytest.raises(Exception, match="not-signed-in"):
            await link.call(lambda client: client.trips())
        await link.close()
        assert [m.signed_in for m in said if isinstance(m, TokenChanged)] == [False]
        assert Credentials(tmp_path).load(running.url) == "b1"


async def test_a_place_of_tokens_that_can_not_be_read_is_said_and_ends_nothing(tmp_path: Path):
    (tmp_path / "credentials.json").write_text("{")
    (tmp_path / "credentials.json").chmod(0o600)
    link, _ = await linked(tmp_path)
    from roadcrew_client import RoadcrewError

    with pytest.raises(RoadcrewError, match="sign in again"):
        await link.open("http://127.0.0.1:9")
    await link.close()


# --- the demo ------------------------------------------------------------------------------------


async def test_the_demo_looks_as_one_likes_it_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, evil: ScriptedServer
):
    real = Folders.of_this_person()
    save(real, Settings(), theme="light", symbols="ascii", animations=False, server="http://mine", name="Ana")
    before = real.settings_file.read_bytes()
    monkeypatch.setenv("ROADCREW_TOKEN", SECRET)
    demo = Demo(evil.url, "demo-token", "trip", subprocess.Popen(["true"], text=True))  # noqa: ASYNC220 - ends at once
    demo.crowd.wait()
    app = app_for(demo, tmp_path / "demo")
    assert (app.theme, app.settings.symbols, app.animation_level) == ("light", "ascii", "none")
    app.change_settings(server=demo.server, theme="dark")
    app.remember()
    assert app.keeper.settle(5)
    assert real.settings_file.read_bytes() == before
    assert not real.memory_file.exists()
    app.link.start()
    await app.link.open(demo.server)
    await app.link.close()
    assert [r.headers["authorization"] for r in evil.requests][:1] == ["Bearer demo-token"]
    assert not got_it(evil)
    assert not real.data.exists()
    assert not (tmp_path / "demo" / "data").exists()
