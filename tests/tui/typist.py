"""Somebody who only uses sub-commands, in this process, with a folder of their own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from roadcrew_client.credentials import Credentials
from roadcrew_tui.cli import main

SAID_ONCE = ("Your sign-in is kept in", "The crew sees you as")
"""What somebody new is told besides."""


@dataclass(frozen=True)
class Done:
    """How a sub-command ended. `err` without what is said once."""

    status: int
    out: list[str]
    err: list[str]


@dataclass(frozen=True)
class Typist:
    """As whom sub-commands are run."""

    home: Path
    server: str
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def run(self, *words: str, server: str | None = None) -> Done:
        with self.monkeypatch.context() as patch:
            patch.setenv("ROADCREW_HOME", str(self.home))
            patch.setenv("ROADCREW_SERVER", server or self.server)
            try:
                status = main(words)
            except SystemExit as ended:
                status = int(str(ended.code))
        said = self.capsys.readouterr()
        err = [line for line in said.err.splitlines() if not any(once in line for once in SAID_ONCE)]
        return Done(status, said.out.splitlines(), err)

    def done(self, *words: str) -> list[str]:
        """What it prints for people; fails unless it is done."""
        ended = self.run(*words)
        assert ended.status == 0, ended
        return ended.out

    def json(self, *words: str) -> Any:
        ended = self.run(*words, "--json")
        assert ended.status == 0, ended
        (line,) = ended.out
        return json.loads(line)

    def lines(self, *words: str) -> list[Any]:
        """The lines of data of a sub-command that tells more than its end."""
        ended = self.run(*words, "--json")
        assert (ended.status, ended.err) == (0, []), ended
        return [json.loads(line) for line in ended.out]

    def headers(self) -> dict[str, str]:
        token = Credentials(self.home / "data").load(self.server)
        return {"Authorization": f"Bearer {token}", "Accept": "application/json"}

    def get(self, path: str) -> Any:
        """What HTTP says."""
        return httpx.get(f"{self.server}{path}", headers=self.headers(), trust_env=False).json()
