"""The first paint waits for nothing that it does not need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from roadcrew_tui.__main__ import main

HEAVY = ("httpx", "pydantic", "keyring", "babel", "segno", "msgspec", "rpds", "argparse", "roadcrew_client")
PROGRAM = """
import sys
from roadcrew_tui.app import RoadcrewApp
app = RoadcrewApp()
app.get_default_screen()
print(*sorted({m.split('.')[0] for m in sys.modules}))
print(*sorted(m for m in sys.modules if m.startswith('roadcrew_tui.screens')))
"""
DRAWN = """
import importlib, pkgutil, sys
from roadcrew_tui import commands
from roadcrew_tui.cli import main
for module in pkgutil.iter_modules(commands.__path__):
    if module.name != "palette":
        importlib.import_module(f"roadcrew_tui.commands.{module.name}")
status = main(["trip", "list", "--server", "http://127.0.0.1:9"])
print(status, *sorted({"textual", "rich"} & set(sys.modules)))
"""


@pytest.mark.parametrize("settings", ["", 'server = "http://127.0.0.1:9"\n'])
def test_network_keyring_and_rules_are_not_imported_before_the_first_paint(tmp_path: Path, settings: str):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.toml").write_text(settings)
    done = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM],
        env={"ROADCREW_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    packages, screens = done.stdout.splitlines()
    assert set(packages.split()) & set(HEAVY) == set()
    assert "roadcrew_tui" in packages
    assert ("roadcrew_tui.screens.lobby" in screens.split()) == bool(settings)
    assert "roadcrew_tui.screens.trip" not in screens.split()


def test_sub_commands_are_done_without_what_draws_screens(tmp_path: Path):
    line = [sys.executable, "-P", "-c", DRAWN]
    done = subprocess.run(line, env={"ROADCREW_HOME": str(tmp_path)}, capture_output=True, text=True, check=True)
    assert done.stdout == "3\n", done.stderr


def test_without_a_terminal_the_app_is_not_begun_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    begun: list[str] = []
    monkeypatch.setattr("roadcrew_tui.app.RoadcrewApp.run", lambda _: begun.append("app"))
    monkeypatch.setattr(sys, "argv", ["roadcrew"])
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    assert (main(), begun) == (2, [])
    said = "roadcrew: There is no terminal here (a pipe, or a job): the app can't be shown, sub-commands work.\n"
    assert capsys.readouterr().err == said
