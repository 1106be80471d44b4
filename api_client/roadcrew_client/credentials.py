"""Where a token is kept between runs: `ROADCREW_TOKEN`, then the system's keyring, then a file that only its owner can
read. One for each server; the variable counts for one server alone. Not for what a token is good for.

Everything here may take up to three seconds and touches the disk: call it in a thread (`asyncio.to_thread`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from roadcrew_client import _credentials_file as files
from roadcrew_client import _keyring
from roadcrew_client._credentials_file import CredentialsError, CredentialsFile
from roadcrew_client.links import base_address

__all__ = ["Credentials", "CredentialsError", "Described", "Kept", "Place"]

VARIABLE = "ROADCREW_TOKEN"
SERVER_VARIABLE = "ROADCREW_SERVER"
KEYRING_TIMEOUT = 3.0
FILE = "credentials.json"

Place = Literal["environment", "keyring", "file", "nowhere"]
KeyringState = Literal["works", "forgets", "none", "locked", "slow", "broken", "unused"]


@dataclass(frozen=True, slots=True)
class Kept:
    """A token that was found. `since`: when it was kept, long ago if nobody knows; `place`: where it is. One from the
    environment is whoever's who set it: to be used, and not to be renewed."""

    token: str
    since: datetime
    place: Place

    @property
    def ours(self) -> bool:
        """Whether a renewed one can be kept instead of it."""
        return self.place != "environment"

    @property
    def since_when(self) -> datetime | None:
        """When it was kept, None if nobody knows."""
        return None if self.since == files.LONG_AGO else self.since


@dataclass(frozen=True, slots=True)
class Described:
    """Where tokens are."""

    environment: str | None
    """The server that the token in the environment is for; empty if there is one, and it is for no server."""
    keyring: KeyringState
    """As asked just now; `unused`: it must not be asked."""
    backend: str | None
    """What the keyring calls itself."""
    file: Path
    file_exists: bool
    servers: tuple[str, ...]
    """Those with a token in the file."""
    in_keyring: tuple[str, ...]
    """Those whose token was put into the keyring."""

    @property
    def sentence(self) -> str:
        """How it is with the keyring."""
        return "The keyring is not used here." if self.keyring == "unused" else _keyring.SENTENCES[self.keyring]


class Credentials:
    """`folder`: where the file is, by default the platform's data folder. `may_write_file(file, why)` is asked before
    a first token is written to the file, `why` being a sentence about the keyring; by default yes. `use_keyring`
    False: never touch it (web mode).

    `ROADCREW_TOKEN` is for the server in `ROADCREW_SERVER`; without that, for `home`, the server that the person chose
    themselves. No other server gets it, least of all one that an invite names."""

    def __init__(
        self,
        folder: Path | None = None,
        *,
        home: str | None = None,
        environ: Mapping[str, str] | None = None,
        use_keyring: bool = True,
        may_write_file: Callable[[Path, str], bool] | None = None,
        timeout: float = KEYRING_TIMEOUT,
    ) -> None:
        self._folder = folder
        self._environ = os.environ if environ is None else environ
        self._home = home
        self._use_keyring = use_keyring
        self._may_write_file = may_write_file
        self._timeout = timeout

    @property
    def file(self) -> Path:
        """The file, whether it is there or not."""
        if self._folder is None:
            import platformdirs  # noqa: PLC0415 — only when no folder was given

            self._folder = Path(platformdirs.user_data_dir("roadcrew", appauthor=False))
        return self._folder / FILE

    def load(self, server: str) -> str | None:
        """The token for a server, or None. Raises `CredentialsError`."""
        found = self.find(server)
        return None if found is None else found.token

    def find(self, server: str) -> Kept | None:
        """The token for a server with what is known of it, or None. Raises `CredentialsError`."""
        server = base_address(server)
        given = self._given(server)
        if given:
            return Kept(given, files.LONG_AGO, "environment")
        kept = self._file.read()
        token, place = self._stored(server, kept)
        return None if token is None else Kept(token, files.since(kept, server), place)

    def save(self, server: str, token: str) -> Place:
        """Keep a token. Returns where: `nowhere` if the file was not allowed, or the environment gives the token
        anyway. Raises `CredentialsError` when a keyring that has worked does not, rather than use a file instead."""
        server = base_address(server)
        if self._given(server):
            return "environment"
        kept, why = self._file.read(), ""
        if self._use_keyring:
            answered = self._ask("set", server, token)
            if answered.state == "works":
                self._file.update(lambda kept: files.mark(kept, server))
                return "keyring"
            if kept["keyring"]:
                raise self._trouble(answered.state)
            why = _keyring.SENTENCES[answered.state]
        if not kept["tokens"] and self._may_write_file is not None and not self._may_write_file(self.file, why):
            return "nowhere"
        self._file.update(lambda kept: files.put(kept, server, token))
        return "file"

    def forget(self, server: str, token: str | None = None) -> None:
        """Keep no token for a server any more; with `token` only if it is that one: another terminal may have kept a
        better one since. Raises `CredentialsError`."""
        server = base_address(server)
        kept = self._file.read()
        if self._use_keyring and server in kept["keyring"]:
            if token is not None and self._stored(server, kept)[0] not in (token, None):
                return
            self._ask_known("delete", server)
            self._file.update(lambda kept: files.unmark(kept, server))
        elif server in kept["keyring"] or server in kept["tokens"]:
            self._file.update(lambda kept: files.unmark(kept, server, token))

    def describe(self) -> Described:
        """Where tokens are, for `roadcrew doctor`. Raises `CredentialsError`."""
        kept = self._file.read()
        keyring: KeyringState = "unused"
        backend = None
        if self._use_keyring:
            answered = self._ask("get", "roadcrew doctor")
            backend = answered.backend
            keyring = "works" if answered.state == "empty" else answered.state
        return Described(
            environment=self._meant() if self._environ.get(VARIABLE, "").strip() else None,
            keyring=keyring,
            backend=backend,
            file=self.file,
            file_exists=self.file.exists(),
            servers=tuple(sorted(kept["tokens"])),
            in_keyring=tuple(kept["keyring"]),
        )

    # --- where it may be --------------------------------------------------------------------------

    @property
    def _file(self) -> CredentialsFile:
        return CredentialsFile(self.file)

    def _stored(self, server: str, kept: Mapping[str, Any]) -> tuple[str | None, Place]:
        if self._use_keyring and server in kept["keyring"]:
            secret = self._ask_known("get", server)
            return (None, "nowhere") if secret is None else (secret, "keyring")
        token = kept["tokens"].get(server)
        return (token, "file") if isinstance(token, str) else (None, "nowhere")

    def _given(self, server: str) -> str:
        """The token in the environment, if it is for this server."""
        return self._environ.get(VARIABLE, "").strip() if self._meant() == server else ""

    def _meant(self) -> str:
        """The server that the environment's token is for; empty for none."""
        home = self._environ.get(SERVER_VARIABLE, "").strip() or self._home
        try:
            return "" if home is None else base_address(home)
        except ValueError:  # an address that is none is no server's
            return ""

    # --- the keyring ------------------------------------------------------------------------------

    def _ask(self, verb: Literal["get", "set", "delete"], server: str, secret: str | None = None) -> _keyring.Answered:
        # One keyring serves the whole account, and each folder is another person (`ROADCREW_HOME`): both are in the
        # name, so that nobody finds, or overwrites, the token of somebody else.
        name = f"{server} ({self.file.parent.resolve()})"
        return _keyring.ask(verb, name, secret, timeout=self._timeout)

    def _ask_known(self, verb: Literal["get", "delete"], server: str) -> str | None:
        answered = self._ask(verb, server)
        if answered.state not in ("works", "empty"):
            raise self._trouble(answered.state)
        return answered.secret

    def _trouble(self, state: _keyring.State) -> CredentialsError:
        """A keyring that has kept tokens does not work: that is a fault, and no reason to use a file instead."""
        return CredentialsError(
            f"{_keyring.SENTENCES[state]} Your sign-in is in it. Unlock it or start it, or set {VARIABLE}. To do "
            f"without it from now on, delete {self.file} and sign in again."
        )
