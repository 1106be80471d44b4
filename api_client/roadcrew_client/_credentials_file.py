"""The file with tokens, and with the servers whose token is in the keyring: only its owner may read it, it is changed
as a whole, and by one program at a time. Not for which of the places a token goes to.
"""

from __future__ import annotations

import errno
import json
import os
import stat
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

LOCK_TIMEOUT = 3.0
MAX_FILE = 1024 * 1024
LONG_AGO = datetime.fromtimestamp(0, UTC)
_POSIX = os.name == "posix"


class CredentialsError(Exception):
    """A token can't be read or kept; the sentence says how to mend it."""


class CredentialsFile:
    """What it holds: `tokens` by server, `keyring` (servers whose token is there), `since` by server."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> dict[str, Any]:
        """What is in it; empty if it is not there. Raises `CredentialsError`."""
        try:
            # Opened once: what is checked is what is read. A link leads who knows where, and a pipe would never answer.
            flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
            with os.fdopen(os.open(self.path, os.O_RDONLY | flags), "rb") as file:
                self._check(os.fstat(file.fileno()))
                kept = json.loads(file.read(MAX_FILE))
        except FileNotFoundError:
            return {"v": 1, "tokens": {}, "keyring": []}
        except (OSError, ValueError, RecursionError) as error:
            if isinstance(error, OSError) and error.errno in (errno.ELOOP, errno.EMLINK):
                raise CredentialsError(
                    f"{self.path} is a link. Tokens are not kept behind links: move the file itself there, or delete "
                    "the link and sign in again."
                ) from error
            raise CredentialsError(f"{self.path} can't be read ({error}). Delete it and sign in again.") from error
        if not _is_ours(kept):
            raise CredentialsError(f"{self.path} is not a credentials file. Delete it and sign in again.")
        return dict(kept)

    def _check(self, found: os.stat_result) -> None:
        if not stat.S_ISREG(found.st_mode):
            raise CredentialsError(f"{self.path} is no file. Move it away and sign in again.")
        if not _POSIX:
            return
        if found.st_uid != os.geteuid():
            raise CredentialsError(f"{self.path} belongs to another user. Run: sudo chown $USER '{self.path}'")
        if found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise CredentialsError(f"Others can read {self.path}. Run: chmod 600 '{self.path}'")

    def update(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Read, change and write, with nobody else writing in between. Raises `CredentialsError`."""
        import filelock  # noqa: PLC0415 — only when something is written

        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with filelock.FileLock(f"{self.path}.lock", timeout=LOCK_TIMEOUT, mode=0o600):
                kept = self.read()
                change(kept)
                self._write(kept)
        except filelock.Timeout as error:
            raise CredentialsError(f"Another program keeps {self.path} locked. Try again.") from error
        except OSError as error:
            raise CredentialsError(f"{self.path} can't be written: {error}") from error

    def _write(self, kept: Mapping[str, Any]) -> None:
        """All or nothing, and never readable by others, not even for a moment."""
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(kept, file)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self.path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def _is_ours(kept: object) -> bool:
    if not isinstance(kept, dict):
        return False
    tokens, keyring = kept.get("tokens"), kept.get("keyring")
    return isinstance(tokens, dict) and isinstance(keyring, list) and all(isinstance(s, str) for s in keyring)


def put(kept: dict[str, Any], server: str, token: str) -> None:
    """The token is in the file."""
    kept["tokens"][server] = token
    _note(kept, server)


def mark(kept: dict[str, Any], server: str) -> None:
    """The token is in the keyring, and in no file any more."""
    kept["tokens"].pop(server, None)
    kept["keyring"] = sorted({*kept["keyring"], server})
    _note(kept, server)


def unmark(kept: dict[str, Any], server: str, token: str | None = None) -> None:
    """No token is kept; with `token`, only if it is not another one that the file has."""
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


def since(kept: Mapping[str, Any], server: str) -> datetime:
    """When the token was kept; long ago if nobody knows."""
    known = kept.get("since")
    try:
        return datetime.fromisoformat(known[server]).astimezone(UTC) if isinstance(known, dict) else LONG_AGO
    except (KeyError, TypeError, ValueError, OverflowError):
        return LONG_AGO
