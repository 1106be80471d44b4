"""The command line of `roadcrew pilot`."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from roadcrew_tui import cli
from roadcrew_tui.pilot import command
from roadcrew_tui.serving import CantServe

PROGRAM = """
import sys
from roadcrew_tui import cli
cli.make_parser()
print(*sorted(m for m in sys.modules if m.startswith(("roadcrew_tui.pilot", "textual", "pyte"))))
"""


def status_of(*arguments: str) -> int:
    try:
        return cli.main(["pilot", *arguments])
    except SystemExit as ended:  # argparse
        return int(ended.code or 0)


@pytest.mark.parametrize(
    "wrong",
    [
        ("--size", "80"),
        ("--size", "1x1"),
        ("--size", "9999x24"),
        ("--size", "١٢٠x٣٦"),
        ("--server", "example.org"),
        ("--server", "http://u:p@example.org"),
        ("--limit", "0"),
        ("--limit", "nan"),
        ("--limit", "soon"),
        ("--report", "xml"),
    ],
)
def test_a_wrong_option_is_said_and_nothing_is_played(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], wrong: tuple[str, str]
) -> None:
    tape = tmp_path / "one.tape"
    tape.write_text("Enter")
    assert status_of(str(tape), *wrong) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(("roadcrew: ", "usage: "))


def test_no_tape_is_a_wrong_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of() == 2
    assert "TAPE" in capsys.readouterr().err


def test_without_a_server_of_its_own_the_pilot_says_why_and_leaves_nothing_behind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_installed(arguments: Sequence[str], module: str = "") -> list[str]:
        raise CantServe("The server's packages are not installed.")

    monkeypatch.setattr("roadcrew_tui.serving.server_command", not_installed)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    (tmp_path / "one.tape").write_text("Enter")
    assert status_of(str(tmp_path / "one.tape")) == 4
    assert capsys.readouterr().err == "roadcrew: The server's packages are not installed.\n"
    assert list((tmp_path / "temporary").iterdir()) == []


# R: G2, G5
def test_every_example_of_the_help_is_a_line_that_works() -> None:
    lines = [line for line in command.EXAMPLES.splitlines() if line.startswith("  roadcrew pilot ")]
    assert len(lines) >= 3
    for line in lines:
        words = shlex.split(line[2:].partition("  ")[0].partition(" | ")[0])
        assert cli.make_parser().parse_args(words[1:]).run is command.run


def test_the_pilot_costs_no_other_sub_command_an_import() -> None:
    done = subprocess.run([sys.executable, "-P", "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["roadcrew_tui.pilot", "roadcrew_tui.pilot.command"]
