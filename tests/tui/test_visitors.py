"""Somebody who visits another person's computer, by ssh or in a browser, uses nothing of it."""

from __future__ import annotations

import pytest

from roadcrew_domain.refusals import Refused
from roadcrew_tui import commands, host
from roadcrew_tui.cli import main

NEEDS = {
    "app.look-around": {"processes"},
    "import.new": {"files"},
    "image.show": {"files"},
    "say.fetch": {"files"},
}
"""Every other action is for visitors."""
NEEDS_OF_ARGUMENTS = {("trip.export", "file"): {"files"}, ("book.receipt", "ics"): {"files"}}
OF_A_FILE = {"file", "ics", "path", "folder", "out", "picture"}


# R: T2
def test_whether_an_action_is_for_visitors_is_said_of_each():
    for c in commands.everything():
        assert c.needs == NEEDS.get(c.id, set()), c.id
        for a in c.arguments:
            assert a.needs == NEEDS_OF_ARGUMENTS.get((c.id, a.name), set()), f"{c.id} {a.name}"
            if a.name in OF_A_FILE:
                assert "files" in c.needs | a.needs, f"{c.id} takes a file of the host"


def test_a_visitor_is_whoever_the_environment_says_and_owns_nothing_here():
    assert host.here({}) == host.OWN == host.here({"ROADCREW_VISITOR": "0"})
    for word in ("1", "yes", "off"):
        assert host.here({"ROADCREW_VISITOR": word}).parts == frozenset()
    assert host.OWN.reaches("https://anywhere.example")


def test_a_visitor_reaches_the_hosts_server_alone_however_it_is_spelled():
    there = host.here({"ROADCREW_VISITOR": "1", "ROADCREW_SERVER": "https://trips.example/"})
    assert there.reaches("https://trips.example:443")
    for other in (
        "http://trips.example",
        "https://trips.example/x",
        "https://ana@trips.example",
        "",
        "https://[",
        "::",
    ):
        assert not there.reaches(other), other
    assert host.here({"ROADCREW_VISITOR": "1"}).reaches("http://127.0.0.1:8787")


def test_a_visitor_without_a_folder_of_their_own_is_not_let_in():
    assert host.trouble({"ROADCREW_VISITOR": "1"}) == host.NO_HOME
    assert host.trouble({"ROADCREW_VISITOR": "1", "ROADCREW_HOME": "/v"}) is None is host.trouble({})


@pytest.fixture
def visiting(monkeypatch: pytest.MonkeyPatch, tmp_path):
    monkeypatch.setenv("ROADCREW_VISITOR", "1")
    monkeypatch.setenv("ROADCREW_HOME", str(tmp_path / "visitor"))


@pytest.mark.usefixtures("visiting")
@pytest.mark.parametrize(
    "line",
    [
        "demo", "serve", "admin", "price-monitor", "pilot x.tape", "simulate", "doctor", "man --out .", "nothing-known",
        "-- demo", "import hotels.csv", "talk image a.png", "talk fetch 1 a.png", "trip export a.txt",
        "cart receipt --ics a.ics",
    ],
)  # fmt: skip
def test_no_sub_command_starts_programs_or_touches_files_for_a_visitor(line: str, capsys: pytest.CaptureFixture[str]):
    assert main(line.split()) == 1
    assert "You are a visitor on this computer" in capsys.readouterr().err


@pytest.mark.usefixtures("visiting")
def test_what_is_about_to_touch_the_computer_is_refused_besides():
    with pytest.raises(Refused, match="its files"):
        host.must_lend("files")


def test_whose_computer_it_is_may_do_all():
    host.must_lend("files")
