"""People who use the true command without a terminal, and accounts for them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from tests.support.terminal import roadcrew

PASSWORD = "correct horse battery"
NO_KEYRING = {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}


def sign_up(server: str, *names: str) -> None:
    """Accounts called so, with `PASSWORD`."""
    for name in names:
        body = {"username": name, "password": PASSWORD, "name": name.capitalize()}
        answer = httpx.post(f"{server}/api/session/signup", json=body, trust_env=False)
        assert answer.status_code == 201, answer.text


class Commander:
    """Somebody with a folder of their own, who types sub-commands. `environment` is what is added to it."""

    def __init__(self, home: Path, server: str | None, environment: Mapping[str, str] = NO_KEYRING) -> None:
        self.credentials = home / "data" / "credentials.json"
        named = {} if server is None else {"ROADCREW_SERVER": server}
        self.own: Mapping[str, str] = {**environment, "ROADCREW_HOME": str(home), **named}
        """What their environment has more than ours."""

    @property
    def environment(self) -> dict[str, str]:
        """All of it."""
        return {**{k: v for k, v in os.environ.items() if not k.startswith("ROADCREW_")}, **self.own}

    def run(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run `roadcrew WORDS`, with `more` in the environment."""
        return subprocess.run(
            roadcrew(*words),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**self.environment, **more},
            stdin=subprocess.DEVNULL,
        )

    def login(self, username: str, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Sign in to an account of `sign_up`."""
        return self.run("login", "--username", username, *words, **{"ROADCREW_PASSWORD": PASSWORD, **more})

    def json(self, *words: str, **more: str) -> Any:
        """What `--json` prints; fails unless it is done."""
        done = self.run(*words, "--json", **more)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)
