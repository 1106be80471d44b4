"""Where a token is kept between runs: `ROADCREW_TOKEN`, then the system's keyring, then a file that only its owner can
read. One for each server; the variable counts for one server alone. Not for what a token is good for.

Everything here may take up to three seconds and touches the disk: call it in a thread (`asyncio.to_thread`).
"""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from roadcrew_client.links import base_address

SERVICE = "roadcrew"
VARIABLE = "ROADCREW_TOKEN"
SERVER_VARIABLE = "ROADCREW_SERVER"
KEYRING_TIMEOUT = 3.0
FILE = "credentials.json"
LOCK_TIMEOUT = 3.0
MAX_FILE = 1024 * 1024

Place = Literal["environment", "keyring", "file", "nowhere"]
_POSIX = os.name == "posix"
_LONG_AGO = datetime.fromtimestamp(0, UTC)


class CredentialsError(Exception):
    """A token can't be read or kept; the sentence says how to mend it."""


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


@dataclass(frozen=True, slots=True)
class Described:
    """Where tokens are. `keyring`: `works`, `none`, `slow`, or `unused`."""

    environment: bool
    keyring: Literal["works", "none", "slow", "unused"]
    file: Path
    file_exists: bool
    servers: tuple[str, ...]
    """Those with a token in the file."""
    in_keyring: tuple[str, ...]
    """Those whose token was put into the keyring."""


class _Slow(Exception):
    """The keyring did not answer in time."""


class Credentials:
    """`folder`: where the file is, by default the platform's data folder. `may_write_file` is asked once, before the
    first token is written to a file; by default yes. `use_keyring` False: never touch it (web mode).

    `ROADCREW_TOKEN` is for the server in `ROADCREW_SERVER`; without that, for `home`, the server that the person chose
    themselves. No other server gets it, least of all one that an invite names."""

    def __init__(
        self,
        folder: Path | None = None,
        *,
        home: str | None = None,
        environ: Mapping[str, str] | None = None,
        use_keyring: bool = True,
        may_write_file: Callable[[Path], bool] | None = None,
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

            self._folder = Path(platformdirs.user_data_dir(SERVICE, appauthor=False))
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
            return Kept(given, _LONG_AGO, "environment")
        kept = self._read()
        token, place = self._stored(server, kept)
        return None if token is None else Kept(token, _since(kept, server), place)

    def _stored(self, server: str, kept: Mapping[str, Any]) -> tuple[str | None, Place]:
        if self._use_keyring and server in kept["keyring"]:
            found = self._ask_known("get", server)
            return (None, "nowhere") if found is None else (str(found["secret"]), "keyring")
        token = kept["tokens"].get(server)
        return (token, "file") if isinstance(token, str) else (None, "nowhere")

    def _given(self, server: str) -> str:
        """The token in the environment, if it is for this server."""
        home = self._environ.get(SERVER_VARIABLE, "").strip() or self._home
        try:
            meant = home is not None and base_address(home) == server
        except ValueError:  # an address that is none is no server's
            meant = False
        return self._environ.get(VARIABLE, "").strip() if meant else ""

    def save(self, server: str, token: str) -> Place:
        """Keep a token. Returns where: `nowhere` if the file was not allowed, or the environment gives the token
        anyway. Raises `CredentialsError` when a keyring that has worked does not, rather than use a file instead."""
        server = base_address(server)
        if self._given(server):
            return "environment"
        kept = self._read()
        known = server in kept["keyring"]
        if self._use_keyring and self._set(server, token, known=known or bool(kept["keyring"])):
            self._update(lambda kept: _mark(kept, server))
            return "keyring"
        if not self.file.exists() and self._may_write_file is not None and not self._may_write_file(self.file):
            return "nowhere"
        self._update(lambda kept: _put(kept, server, token))
        return "file"

    def forget(self, server: str, token: str | None = None) -> None:
        """Keep no token for a server any more; with `token` only if it is that one: another terminal may have kept a
        better one since. Raises `CredentialsError`."""
        server = base_address(server)
        kept = self._read()
        if self._use_keyring and server in kept["keyring"]:
            if token is not None and self._stored(server, kept)[0] not in (token, None):
                return
            self._ask_known("delete", server)
            self._update(lambda kept: _unmark(kept, server))
        elif server in kept["keyring"] or server in kept["tokens"]:
            self._update(lambda kept: _unmark(kept, server, token))

    def describe(self) -> Described:
        """Where tokens are, for `roadcrew doctor`. Raises `CredentialsError`."""
        kept = self._read()
        return Described(
            environment=bool(self._environ.get(VARIABLE, "").strip()),
            keyring=self._keyring_state(),
            file=self.file,
            file_exists=self.file.exists(),
            servers=tuple(sorted(kept["tokens"])),
            in_keyring=tuple(kept["keyring"]),
        )

    # --- the keyring ------------------------------------------------------------------------------

    def _keyring_state(self) -> Literal["works", "none", "slow", "unused"]:
        if not self._use_keyring:
            return "unused"
        try:
            code, _ = self._run("get", {"service": SERVICE, "name": "roadcrew-doctor"})
        except _Slow:
            return "slow"
        return "works" if code in (0, 4) else "none"

    def _set(self, server: str, token: str, *, known: bool) -> bool:
        """Whether the keyring keeps it. `known`: this keyring has kept tokens before, so failing is a fault."""
        try:
            code, _ = self._run("set", {"service": SERVICE, "name": server, "secret": token})
        except _Slow:
            code = -1
        if code != 0 and known:
            raise _not_answering(code)
        return code == 0

    def _ask_known(self, verb: str, server: str) -> dict[str, Any] | None:
        try:
            code, answer = self._run(verb, {"service": SERVICE, "name": server})
        except _Slow:
            raise _not_answering(-1) from None
        if code == 4:
            return None
        if code != 0:
            raise _not_answering(code)
        return answer

    def _run(self, verb: str, asked: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        """Ask in another process, and kill it with all that it started when the time is over."""
        command = [sys.executable, "-P", "-m", "roadcrew_client._keyring_helper", verb]
        process = subprocess.Popen(  # noqa: S603 — our own module, no words of strangers
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=_POSIX,
        )
        try:
            out, _ = process.communicate(json.dumps(asked).encode(), timeout=self._timeout)
        except subprocess.TimeoutExpired:
            _kill(process)
            raise _Slow from None
        try:
            answer = json.loads(out) if out.strip() else {}
        except ValueError:
            return 1, {}
        return process.returncode, answer if isinstance(answer, dict) else {}

    # --- the file ---------------------------------------------------------------------------------

    def _read(self) -> dict[str, Any]:
        try:
            # Opened once: what is checked is what is read.
            with self.file.open("rb") as file:
                self._check(os.fstat(file.fileno()))
                kept = json.loads(file.read(MAX_FILE))
        except FileNotFoundError:
            return {"v": 1, "tokens": {}, "keyring": []}
        except (OSError, ValueError) as error:
            raise CredentialsError(f"{self.file} can't be read ({error}). Delete it and sign in again.") from error
        if (
            not isinstance(kept, dict)
            or not isinstance(kept.get("tokens"), dict)
            or not isinstance(kept.get("keyring"), list)
        ):
            raise CredentialsError(f"{self.file} is not a credentials file. Delete it and sign in again.")
        return kept

    def _check(self, found: os.stat_result) -> None:
        if _POSIX and found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise CredentialsError(f"Others can read {self.file}. Run: chmod 600 '{self.file}'")

    def _update(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Read, change and write, with nobody else writing in between."""
        import filelock  # noqa: PLC0415 — only when something is written

        try:
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with filelock.FileLock(f"{self.file}.lock", timeout=LOCK_TIMEOUT, mode=0o600):
                kept = self._read()
                change(kept)
                self._write(kept)
        except filelock.Timeout as error:
            raise CredentialsError(f"Another program keeps {self.file} locked. Try again.") from error
        except OSError as error:
            raise CredentialsError(f"{self.file} can't be written: {error}") from error

    def _write(self, kept: Mapping[str, Any]) -> None:
        """All or nothing, and never readable by others, not even for a moment."""
        try:
            handle, name = tempfile.mkstemp(dir=self.file.parent, prefix=f".{FILE}.")
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    json.dump(kept, file)
                    file.flush()
                    os.fsync(file.fileno())
                Path(name).replace(self.file)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise CredentialsError(f"{self.file} can't be written: {error}") from error


def _put(kept: dict[str, Any], server: str, token: str) -> None:
    kept["tokens"][server] = token
    _note(kept, server)


def _mark(kept: dict[str, Any], server: str) -> None:
    """The token is in the keyring, and in no file any more."""
    kept["tokens"].pop(server, None)
    kept["keyring"] = sorted({*kept["keyring"], server})
    _note(kept, server)


def _unmark(kept: dict[str, Any], server: str, token: str | None = None) -> None:
    if token is not None and kept["tokens"].get(server) != token:
        return
    kept["tokens"].pop(server, None)
    kept["keyring"] = [s for s in kept["keyring"] if s != server]
    if isinstance(kept.get("since"), dict):
        kept["since"].pop(server, None)


def _note(kept: dict[str, Any], server: str) -> None:
    """It is a new token."""
    since = kept.get("since")
    kept["since"] = {**(since if isinstance(since, dict) else {}), server: datetime.now(UTC).isoformat()}


def _since(kept: Mapping[str, Any], server: str) -> datetime:
    since = kept.get("since")
    try:
        return datetime.fromisoformat(since[server]).astimezone(UTC) if isinstance(since, dict) else _LONG_AGO
    except (KeyError, TypeError, ValueError, OverflowError):
        return _LONG_AGO


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the process and its children, without waiting for pipes that a child may hold."""
    with suppress(ProcessLookupError, PermissionError):
        if _POSIX:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=1)


def _not_answering(code: int) -> CredentialsError:
    how = "does not answer" if code == -1 else "can't be used just now"
    return CredentialsError(f"The system's keyring {how}, and your token is in it. Unlock it, or set {VARIABLE}.")
