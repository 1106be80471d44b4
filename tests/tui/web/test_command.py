"""`roadcrew web` on the command line: what it refuses, and how it ends."""

import importlib.util
import socket
from pathlib import Path
from typing import Any

import pytest

from roadcrew_tui import cli


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROADCREW_HOME", str(tmp_path))
    monkeypatch.delenv("ROADCREW_SERVER", raising=False)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--visitors", "0"], "From 1 to 500 visitors"),
        (["--visitors", "501"], "From 1 to 500 visitors"),
        (["--idle", "0"], "after 1 minute to 24 hours"),
        (["--idle", "nan"], "after 1 minute to 24 hours"),
        (["--port", "65536"], "from 0 to 65535"),
        (["--host", "0.0.0.0"], "--public-url"),
        (["--public-url", "app.example.org"], "http:// or https://"),
        (["--server", "javascript:alert(1)"], "http:// or https://"),
    ],
)
def test_what_can_not_be_served_is_refused_with_a_sentence(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
):
    assert cli.main(["web", "--port", "0", *words]) == cli.USAGE
    shown = capsys.readouterr()
    assert said in shown.err
    assert shown.out == ""


def test_a_port_that_is_taken_is_said(capsys: pytest.CaptureFixture[str]):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert cli.main(["web", "--port", str(port)]) == cli.UNREACHABLE
    assert f"127.0.0.1:{port} can't be listened on" in capsys.readouterr().err


def test_without_its_packages_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    there = importlib.util.find_spec

    def without(name: str, *more: Any) -> Any:
        return None if name == "textual_serve" else there(name, *more)

    monkeypatch.setattr(importlib.util, "find_spec", without)
    assert cli.main(["web"]) == cli.UNREACHABLE
    assert "pip install 'roadcrew[web]'" in capsys.readouterr().err


def test_a_visitor_serves_no_visitors(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setenv("ROADCREW_VISITOR", "1")
    assert cli.main(["web", "--port", "0"]) == cli.REFUSED
    assert "visitor" in capsys.readouterr().err
