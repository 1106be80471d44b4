"""The true command and the true app, with keyrings that work, are locked, or never answer.

Each test runs with a stand-in, and with gnome-keyring where it is installed (CI must have it).
"""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conftest import Figure
from tests.support.commands import PASSWORD, Commander, sign_up
from tests.support.keyrings import KINDS, Keyring, keyring_of
from tests.support.serving import ServerProcess, server_process
from tests.support.terminal import Terminal, roadcrew

TIMEOUT = 3.0
"""Seconds that a keyring gets (DESIGN 6)."""
REST = 6.0
"""Seconds for all else that a command does, its start included, on a busy machine."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that knows Ana and Ben."""
    with server_process(tmp_path_factory.mktemp("server")) as running:
        sign_up(running.url, "ana", "ben")
        yield running


@pytest.fixture
def people(tmp_path: Path, keyring: Keyring, server: ServerProcess) -> tuple[Commander, Commander]:
    """Ana and Ben, each with a folder of their own; the keyring is the same."""
    ana, ben = (Commander(tmp_path / name, server.url, keyring.environment) for name in ("ana", "ben"))
    return ana, ben


@pytest.fixture(params=KINDS)
def keyring(request: pytest.FixtureRequest, tmp_path: Path, figure: Figure) -> Iterator[Keyring]:
    """A keyring that works, so far."""
    figure("keyring", request.param)
    with keyring_of(request.param, tmp_path / "ring") as running:
        yield running


# R: S7
def test_people_who_share_a_keyring_are_each_who_they_are_until_they_sign_out(
    keyring: Keyring, people: tuple[Commander, Commander]
) -> None:
    ana, ben = people
    for who, name in ((ana, "ana"), (ben, "ben")):
        done = who.login(name)
        assert (done.returncode, done.stdout) == (0, "")
        assert "kept in the system's keyring" in done.stderr
        assert '"tokens": {}' in who.credentials.read_text()
        assert str(who.credentials.parent) in keyring.contents()
    assert "signed in as ana" in ana.run("whoami").stdout
    assert ana.run("logout").returncode == 0
    assert str(ana.credentials.parent) not in keyring.contents()
    assert "signed in as ben" in ben.run("whoami").stdout


def test_a_locked_keyring_is_said_and_what_is_in_it_is_not_given_up(
    keyring: Keyring, people: tuple[Commander, Commander]
) -> None:
    ana, ben = people
    assert ana.login("ana").returncode == 0
    before = ana.credentials.read_bytes()
    keyring.lock()
    for refused in (ana.run("whoami"), ana.login("ana")):
        assert (refused.returncode, refused.stdout) == (3, "")
        assert "keyring is locked" in refused.stderr
        assert "Unlock it" in refused.stderr
    assert ana.credentials.read_bytes() == before
    # Who has nothing in it is told why a file is used.
    done = ben.login("ben")
    assert done.returncode == 0
    assert f"The system's keyring is locked. Your sign-in is kept in {ben.credentials}" in done.stderr


def test_with_a_keyring_that_never_answers_a_sign_in_ends_in_time_and_says_where_it_is_kept(
    keyring: Keyring, people: tuple[Commander, Commander], figure: Figure
) -> None:
    ana, ben = people
    assert ana.login("ana").returncode == 0
    keyring.pause()
    began = time.monotonic()
    done = ben.login("ben")
    took = time.monotonic() - began
    figure("sign-in with a keyring that never answers, the whole program, s", f"{took:.1f}")
    assert took < TIMEOUT + REST
    assert done.returncode == 0
    assert f"The system's keyring does not answer. Your sign-in is kept in {ben.credentials}" in done.stderr
    # What is in it is not given up; once it answers, all is as it was.
    began = time.monotonic()
    refused = ana.run("whoami")
    assert time.monotonic() - began < TIMEOUT + REST
    assert refused.returncode == 3
    assert "keyring does not answer" in refused.stderr
    keyring.resume()
    assert "signed in as ana" in ana.run("whoami").stdout


@pytest.mark.parametrize("keyring", ["stand-in"], indirect=True)
def test_the_app_signs_in_and_ends_in_time_with_a_keyring_that_never_answers(
    keyring: Keyring, people: tuple[Commander, Commander], figure: Figure
) -> None:
    ana, _ = people
    keyring.pause()
    with Terminal(roadcrew(), columns=160, environment=ana.own) as terminal:
        terminal.wait_for("No trips yet")
        terminal.settle()
        terminal.enter("S")
        terminal.wait_for("Password")
        terminal.enter(*"ana", "tab", *PASSWORD)
        began = time.monotonic()
        terminal.press("enter", "enter")
        terminal.wait_for(lambda t: "Password" not in t.text)
        signed_in = time.monotonic() - began
        began = time.monotonic()
        terminal.press("ctrl+c", "ctrl+c")
        assert terminal.wait_end(15) == 0
        ended = time.monotonic() - began
    figure("the app with a keyring that never answers: signed in, s", f"{signed_in:.1f}")
    figure("the app with a keyring that never answers: ended, s", f"{ended:.1f}")
    assert signed_in < TIMEOUT
    assert ended < TIMEOUT + REST
    # Ended while the keyring was being waited for, and kept all the same.
    assert "signed in as ana" in ana.run("whoami").stdout
