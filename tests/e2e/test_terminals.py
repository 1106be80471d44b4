"""Three people in three real terminals: what one does, the others see."""

import os
import re
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Figure
from tests.support.serving import ServerProcess, server_process
from tests.support.terminal import Terminal, roadcrew
from tests.support.tmux import TmuxTerminal

IN_TMUX = pytest.param(TmuxTerminal, marks=pytest.mark.only_full)
KINDS = [Terminal, *([IN_TMUX] if shutil.which("tmux") or os.environ.get("CI") else [])]
"""A pseudo-terminal of our own, and tmux where there is one. CI must have it: there it fails without."""

CODE = re.compile(r"[0-9A-Z]{4}-[0-9A-Z]{4}")
SEEN_WITHIN = 1.0
"""Seconds in which everybody must see what one did."""
GONE_WITHIN = 1.0
"""Seconds after which a killed terminal is no longer shown as here (DESIGN 5)."""


def start_trip(kind: type[Any], home: Path, server: ServerProcess) -> Any:
    """Ana starts a trip from a name alone."""
    (home / "config").mkdir(parents=True)
    (home / "config" / "config.toml").write_text(f'server = "{server.url}"\n', encoding="utf-8")
    ana = kind(roadcrew(), environment={"ROADCREW_HOME": str(home)})
    ana.wait_for("No trips yet")
    ana.enter("n")
    ana.wait_for("Your name")
    ana.enter("Lisbon", "tab", "tab", "Ana", "enter")
    ana.wait_for(lambda t: CODE.search(t.text) is not None)
    return ana


def join_trip(kind: type[Any], home: Path, link: str, name: str) -> Any:
    """Somebody joins by the link."""
    terminal = kind(roadcrew("join", link), environment={"ROADCREW_HOME": str(home)})
    terminal.wait_for("Your name")
    terminal.settle()
    terminal.enter(name, "enter")
    terminal.wait_for("NEEDS YOU")
    return terminal


def all_see(began: float, wanted: str, *terminals: Any) -> float:
    """Wait until the text is on every screen; seconds since `began`."""
    last: float = max(t.wait_for(wanted) for t in terminals)
    return last - began


# R: T2, T3, T4, F3
@pytest.mark.usefixtures("timed")
@pytest.mark.parametrize("kind", KINDS)
def test_one_creates_two_join_and_each_sees_the_others_and_every_vote(
    kind: type[Any], tmp_path: Path, figure: Figure
) -> None:
    with server_process(tmp_path) as server, start_trip(kind, tmp_path / "ana", server) as ana:
        code = CODE.search(ana.text)
        assert code is not None
        link = f"{server.url}/j/{code.group()}"
        with (
            join_trip(kind, tmp_path / "ben", link, "Ben") as ben,
            join_trip(kind, tmp_path / "dev", link, "Dev") as dev,
        ):
            everybody = (ana, ben, dev)
            all_see(time.perf_counter(), "CREW  3 of 4", *everybody)
            for name in ("Ana", "Ben", "Dev"):
                all_see(time.perf_counter(), f"● {name}", *everybody)

            ana.enter("2", "n")
            ana.wait_for("Options")
            ana.enter("Which?", "tab", "tab", "Alpha", "enter", "Beta", "enter", "enter", "enter")
            for terminal in (ben, dev):
                terminal.enter("2")
            all_see(time.perf_counter(), "Which?", *everybody)
            slowest = 0.0
            for voter, votes in ((ana, "1 voted"), (ben, "2 voted"), (dev, "3 voted")):
                voter.enter("enter")
                began = time.perf_counter()
                voter.press("y")
                slowest = max(slowest, all_see(began, votes, *everybody))
            figure("slowest vote on all three screens, s", f"{slowest:.3f}")
            assert slowest < SEEN_WITHIN

            for terminal in (ana, dev):
                terminal.enter("1")
                terminal.wait_for("● Ben")
            began = time.perf_counter()
            ben.kill()
            gone = max(t.wait_for(lambda t: "● Ben" not in t.text and "○ Ben" in t.text) for t in (ana, dev)) - began
            figure("a killed terminal is gone for the others after, s", f"{gone:.3f}")
            assert gone < GONE_WITHIN


def test_a_program_whose_terminal_vanishes_ends_by_itself(tmp_path: Path) -> None:
    with Terminal(roadcrew(), environment={"ROADCREW_HOME": str(tmp_path)}) as terminal:
        terminal.wait_for("What brings you here?")
        terminal.settle()
        terminal.vanish()
        assert terminal.process.wait(15) is not None
