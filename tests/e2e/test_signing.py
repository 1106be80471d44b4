"""`roadcrew login`, `logout`, `whoami`: the true command against a real server."""

import asyncio
import json
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from tests.api_client.scripted import ANA, Log, Request, serving
from tests.support.commands import PASSWORD, Commander, sign_up
from tests.support.serving import ServerProcess, server_process
from tests.support.terminal import Terminal, roadcrew

from roadcrew_client import Credentials, User
from roadcrew_client._copies_file import CopiesFolder
from roadcrew_client.copies import Copy
from roadcrew_domain.crew import Member


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that knows Ana and Ben."""
    with server_process(tmp_path_factory.mktemp("server")) as running:
        sign_up(running.url, "ana", "ben")
        yield running


@pytest.fixture
def ana(tmp_path: Path, server: ServerProcess) -> Commander:
    """Ana, on a computer without a keyring."""
    return Commander(tmp_path / "ana", server.url)


# R: G5
def test_who_one_is_where_since_when_and_where_that_is_kept_is_said_until_one_signs_out(
    ana: Commander, server: ServerProcess
) -> None:
    stranger = ana.run("whoami")
    assert (stranger.returncode, stranger.stdout) == (3, "")
    assert f"roadcrew login --server {server.url}" in stranger.stderr
    said = ana.json("login", "--username", "ana", ROADCREW_PASSWORD=PASSWORD)
    me = ana.json("whoami")
    assert me["user"] == said["user"]
    assert (me["user"]["username"], me["server"], me["keptIn"]) == ("ana", server.url, "file")
    assert me["since"] <= said["since"]
    token = Credentials(ana.credentials.parent, use_keyring=False, environ={}).load(server.url)
    assert token is not None
    assert ana.json("logout") == {"serverTold": True}
    assert token not in ana.credentials.read_text()
    assert ana.run("whoami", ROADCREW_TOKEN=token).returncode == 3, "the session has ended at the server too"


# R: G5
def test_the_password_is_asked_for_at_the_terminal_and_not_shown(ana: Commander) -> None:
    with Terminal(roadcrew("login"), columns=300, environment=ana.own) as terminal:
        terminal.wait_for("User name:")
        terminal.press(*"ana", "enter")
        terminal.wait_for("Password:")
        terminal.press(*PASSWORD, "enter")
        terminal.wait_for("[Y/n]")
        terminal.press("enter")
        assert terminal.wait_end() == 0
        assert "You are Ana at" in terminal.text
        assert PASSWORD not in terminal.text


def test_ctrl_c_ends_a_question(ana: Commander) -> None:
    with Terminal(roadcrew("login", "--username", "ana"), environment=ana.own) as terminal:
        terminal.wait_for("Password:")
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.wait_end() == 130
        assert "Traceback" not in terminal.text


# R: G5
def test_what_stands_against_signing_in_is_a_sentence_and_a_status(ana: Commander, server: ServerProcess) -> None:
    as_argument = ana.run("login", "--username", "ana", "--password", PASSWORD)
    assert as_argument.returncode == 2
    no_terminal = ana.run("login", "--username", "ana")
    assert (no_terminal.returncode, "ROADCREW_PASSWORD" in no_terminal.stderr) == (2, True)
    wrong = ana.login("ana", ROADCREW_PASSWORD="another one")
    assert (wrong.returncode, "do not belong together" in wrong.stderr) == (3, True)
    given = ana.login("ana", ROADCREW_TOKEN="nonsense")
    assert (given.returncode, "ROADCREW_TOKEN is set" in given.stderr) == (2, True)
    nowhere = ana.login("ana", "--server", "http://127.0.0.1:1")
    assert (nowhere.returncode, "can't be reached" in nowhere.stderr) == (4, True)
    assert ana.login("ana", "--server", "no address").returncode == 2
    assert not ana.credentials.exists()


def test_a_guest_is_given_up_only_when_that_is_meant(ana: Commander, server: ServerProcess) -> None:
    assert ana.run("trip", "new", "Lisbon", "--as", "Ana").returncode == 0
    guest = ana.credentials.read_bytes()
    for asked in (ana.login("ana"), ana.run("logout")):
        assert (asked.returncode, "You are the guest Ana" in asked.stderr, "--yes" in asked.stderr) == (2, True, True)
    assert ana.credentials.read_bytes() == guest
    assert ana.login("ana", "--yes").returncode == 0
    assert "signed in as ana" in ana.run("whoami").stdout


def test_without_the_server_one_is_signed_out_here_and_told_so(tmp_path: Path) -> None:
    with server_process(tmp_path) as server:
        sign_up(server.url, "ana")
        ana = Commander(tmp_path / "ana", server.url)
        assert ana.login("ana").returncode == 0
    gone = ana.run("whoami")
    assert (gone.returncode, gone.stdout) == (4, "")
    assert str(ana.credentials) in gone.stderr
    left = ana.run("logout", "--json")
    assert (left.returncode, left.stdout) == (0, '{"serverTold": false}\n')
    assert "You are signed out here" in left.stderr
    assert "could not be told" in left.stderr
    assert '"tokens": {}' in ana.credentials.read_text()
    assert ana.run("logout").returncode == 0


class Left:
    """What a computer holds of a person's trips. Begins with Lisbon, as the app leaves it."""

    def __init__(self, home: Path, server: str, person: str, token: str) -> None:
        self.memory, self._copies = home / "state" / "memory.json", home / "data" / "copies"
        self.memory.parent.mkdir(parents=True, exist_ok=True)
        trips = {"trips": [{"id": "t", "name": "Lisbon"}]}
        self.memory.write_text(json.dumps({server: {"of": {"person": person}, "lobby": trips}}), encoding="utf-8")
        state = Log("t").state
        assert state is not None
        trip = msgspec.structs.replace(state, members={person: Member(person, "Ana", datetime.now(UTC))})
        folder = CopiesFolder(self._copies, "")
        folder.keep_who(server, token, User(person, "Ana"), datetime.now(UTC))
        folder.keep(server, person, Copy(trip, 1, None, None, datetime.now(UTC)))
        assert self.anything

    @property
    def anything(self) -> bool:
        return "Lisbon" in self.memory.read_text("utf-8") or any(self._copies.glob("*/*.trip"))


# R: G5 T12
def test_who_signs_in_as_another_person_leaves_nothing_of_the_former_ones_trips(
    ana: Commander, server: ServerProcess, tmp_path: Path
) -> None:
    assert ana.login("ana").returncode == 0
    me = ana.json("whoami")["user"]["id"]
    token = Credentials(ana.credentials.parent, use_keyring=False, environ={}).load(server.url) or ""
    left = Left(tmp_path / "ana", server.url, me, token)
    assert ana.login("ana").returncode == 0
    assert left.anything, "it is the same person"
    assert ana.login("ben").returncode == 0
    assert not left.anything


# R: G5 T12
def test_who_signs_out_by_a_token_of_the_environment_leaves_nothing_either(
    ana: Commander, server: ServerProcess, tmp_path: Path
) -> None:
    assert ana.login("ana").returncode == 0
    token = Credentials(ana.credentials.parent, use_keyring=False, environ={}).load(server.url) or ""
    left = Left(tmp_path / "ana", server.url, ana.json("whoami")["user"]["id"], token)
    ana.credentials.unlink()
    out = ana.run("logout", ROADCREW_TOKEN=token)
    assert (out.returncode, "ROADCREW_TOKEN is still set" in out.stderr) == (0, True)
    assert not left.anything


async def test_a_sign_in_that_may_be_kept_nowhere_is_ended_again(tmp_path: Path) -> None:
    settings = tmp_path / "ana" / "config" / "config.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text("keep_sign_in = false\n", encoding="utf-8")

    async def script(request: Request) -> None:
        if request.method == "DELETE":
            await request.answer(204)
        else:
            await request.answer(200, {"token": "a-token", "user": ANA, "expiresAt": None})

    async with serving(script) as server:
        ana = Commander(tmp_path / "ana", server.url)
        done = await asyncio.to_thread(ana.login, "ana")
    assert (done.returncode, "ended again" in done.stderr) == (1, True)
    assert [(r.method, r.path) for r in server.requests] == [("POST", "/api/session/login"), ("DELETE", "/api/session")]
    assert server.requests[-1].headers["authorization"] == "Bearer a-token"
    assert not ana.credentials.exists()
