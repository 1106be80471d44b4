"""Which programs run: each holds a lock on a file of its own for as long as it does, however it ends. Blocking.

A change belongs to the program that made it or took it up. Not for what belongs to whom: that is in the outbox's file.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filelock import BaseFileLock

_NAME = re.compile(r"[0-9a-f]{32}")
SWEPT = 100
"""Files of programs that have ended, taken away at a time."""
OWN_WITHIN = 2.0
"""Seconds; somebody who looks whether we live has our file for a moment."""


class Owner:
    """One program: we, with a file in a folder of such files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.id = secrets.token_hex(16)
        self._lock: BaseFileLock | None = None

    def exists(self) -> bool:
        """Whether others can see that we live."""
        return self._lock is not None and self._path(self.id).exists()

    def begin(self, known: Collection[str]) -> None:
        """Live, from now on. Takes files of ended programs away that own nothing: `known` are those that do. Raises
        `OSError`, also when the lock is not to be had."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = self._lock_of(self.id)
        lock.acquire(timeout=OWN_WITHIN)
        self._lock = lock
        for path in list(self._folder.glob("*.lock"))[:SWEPT]:
            if path.stem != self.id and path.stem not in known:
                self.is_dead(path.stem)

    def end(self) -> None:
        """No longer."""
        lock, self._lock = self._lock, None
        if lock is not None:
            self._take_away(self.id, lock)

    def is_dead(self, owner: object) -> bool:
        """Whether that program has ended; its file is taken away then. One that was never of ours is no program."""
        if owner == self.id:
            return False
        if not isinstance(owner, str) or not _NAME.fullmatch(owner) or not self._path(owner).exists():
            return True
        import filelock  # noqa: PLC0415 — seldom

        lock = self._lock_of(owner)
        try:
            lock.acquire(blocking=False)
        except (filelock.Timeout, OSError):
            return False
        self._take_away(owner, lock)
        return True

    def _take_away(self, owner: str, lock: BaseFileLock) -> None:
        """While it is held, so that nobody takes it for the file of somebody who lives."""
        with suppress(OSError):
            self._path(owner).unlink()
        lock.release()
        with suppress(OSError):
            self._path(owner).unlink(missing_ok=True)  # where a file that is open can't be removed

    def _path(self, owner: str) -> Path:
        return self._folder / f"{owner}.lock"

    def _lock_of(self, owner: str) -> BaseFileLock:
        import filelock  # noqa: PLC0415 — seldom

        return filelock.FileLock(os.fspath(self._path(owner)), mode=0o600, thread_local=False)
