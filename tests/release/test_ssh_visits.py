"""What sshd starts for somebody who has nothing but ssh: a name that is one, an invite or nothing, and no environment
but what the app needs. sshd itself is not part of it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.support.terminal import Terminal

SCRIPT = Path(__file__).parents[2] / "deploy" / "ssh" / "roadcrew-visit"
FAKE = """#!/bin/sh
env | sort > "{out}"; pwd >> "{out}"
for word; do printf 'word %s\\n' "$word" >> "{out}"; done
echo done
"""


@pytest.fixture
def command(tmp_path: Path) -> Path:
    """Says what it was started with, into a file."""
    file = tmp_path / "roadcrew"
    file.write_text(FAKE.format(out=tmp_path / "told"))
    file.chmod(0o755)
    return file


def visit(tmp_path: Path, *words: str, says: str | None = None, shows: str = "", **more: str) -> int:
    """Its status, once the terminal shows this."""
    environment = {"HOME": str(tmp_path), **more} | ({} if says is None else {"SSH_ORIGINAL_COMMAND": says})
    with Terminal([str(SCRIPT), *words], columns=120, environment=environment) as terminal:
        terminal.wait_for(shows)
        return terminal.wait_end()


def told(tmp_path: Path) -> Mapping[str, str]:
    lines = (tmp_path / "told").read_text("utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


# R: T2
def test_a_visitor_gets_a_folder_and_nothing_else_of_the_environment(tmp_path: Path, command: Path):
    bad = {"ROADCREW_TOKEN": "x", "ROADCREW_VISITOR": "0", "EDITOR": "vi", "PYTHONPATH": "/x", "LD_PRELOAD_X": "y"}
    words = ("-s", "https://trips.example", "-c", str(command), "ana")
    assert visit(tmp_path, *words, shows="done", LANG="pt_PT.UTF-8", **bad) == 0
    home = tmp_path / "visitors" / "ana"
    assert {k: v for k, v in told(tmp_path).items() if k not in ("_", "PWD", "OLDPWD", "SHLVL")} == {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home),
        "LANG": "pt_PT.UTF-8",
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "ROADCREW_HOME": str(home),
        "ROADCREW_SERVER": "https://trips.example",
        "ROADCREW_VISITOR": "1",
    }
    assert (tmp_path / "told").read_text("utf-8").splitlines()[-1] == str(home)
    assert home.stat().st_mode & 0o777 == 0o700


def test_an_invite_that_was_said_is_joined(tmp_path: Path, command: Path):
    assert visit(tmp_path, "-c", str(command), "ben", says="K7QM-2D4F") == 0
    assert (tmp_path / "told").read_text("utf-8").splitlines()[-2:] == ["word join", "word K7QM-2D4F"]


@pytest.mark.parametrize(
    "says", ["-h", "--help", "K7QM-2D4F; sh", "$(sh)", "K7QM-2D4F@evil.example", "demo\nserve", "../x", "K7QM-2D4F-9"]
)
def test_nothing_that_is_no_code_reaches_the_app(tmp_path: Path, command: Path, says: str):
    assert visit(tmp_path, "-c", str(command), "ana", says=says, shows="code of an invite") == 2
    assert not (tmp_path / "told").exists()


@pytest.mark.parametrize("name", ["", "..", "../ana", "Ana", "ana/ben", "a b", "$USER", "-c", "a" * 33, "ä", "a\nb"])
def test_a_name_that_could_be_a_path_or_an_option_is_refused(tmp_path: Path, command: Path, name: str):
    assert visit(tmp_path, "-c", str(command), "--", name, shows="A name has") == 2
    assert not (tmp_path / "told").exists()


def test_the_folder_of_a_visitor_is_no_link_to_another_ones(tmp_path: Path, command: Path):
    (tmp_path / "visitors" / "ben").mkdir(parents=True)
    (tmp_path / "visitors" / "ana").symlink_to("ben")
    assert visit(tmp_path, "-c", str(command), "ana", shows="is a link") == 2
    assert not (tmp_path / "told").exists()


def test_what_a_terminal_is_called_reaches_the_app_only_if_it_looks_like_that(tmp_path: Path, command: Path):
    visit(tmp_path, "-c", str(command), "ana", TERM="../x y", LANG="../../evil", COLORTERM="(){ :;}")
    assert {k: told(tmp_path)[k] for k in ("TERM", "LANG", "COLORTERM")} == {
        "TERM": "xterm-256color", "LANG": "C.UTF-8", "COLORTERM": ""
    }  # fmt: skip


def test_without_a_terminal_it_says_how_to_get_one(tmp_path: Path, command: Path):
    words, mine = [str(SCRIPT), "-c", str(command), "ana"], {"HOME": str(tmp_path)}
    done = subprocess.run(words, env=mine, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "roadcrew-visit: The app wants a terminal: ssh -t.\n")


def test_the_script_is_plain_sh():
    for shell in filter(None, map(shutil.which, ("dash", "busybox", "bash", "sh"))):
        words = [shell, "sh"] if shell.endswith("busybox") else [shell]
        done = subprocess.run([*words, "-n", str(SCRIPT)], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), shell
    assert os.access(SCRIPT, os.X_OK)
