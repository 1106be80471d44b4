"""One SQLite file of our own, or memory alone: opened with care, written in transactions, put aside if it is damaged.
Blocking; one thread uses it. Not for what is in it.

A rollback journal and not a WAL, because the SQLite that comes with Python may have the WAL-reset fault, and several
programs write here: docs/decisions/0014-the-outbox.md.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import sqlite3

T = TypeVar("T")

BUSY = 2.0
"""Seconds for which another program may hold the file."""
MAX_PAGES = 16 * 1024
"""Of 4 KiB: 64 MiB."""
DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
PASSING = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_FULL")
"""What a fresh connection would not mend."""


class OutboxTrouble(Exception):
    """The disk did not do what it was asked for; the words, which follow "because", say why."""


class Database:
    """`schema` makes version `version` of it; `path` None: in memory. Everything raises `OutboxTrouble`."""

    def __init__(self, path: Path | None, schema: Sequence[str], version: int) -> None:
        self.path = path
        self.put_aside: Path | None = None
        """Where a damaged file was moved to, the last time that one was found."""
        self._schema = schema
        self._version = version
        self._db: sqlite3.Connection | None = None

    def read(self, work: Callable[[sqlite3.Connection], T]) -> T | None:
        """What `work` reads; None where there is no file: looking makes none."""
        if self._db is None and self.path is not None and not self.path.exists():
            return None
        return self._twice(work)

    def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` gives; what it wrote is durable, all of it, or, if this raises, none."""

        def in_one(db: sqlite3.Connection) -> T:
            db.execute("BEGIN IMMEDIATE")
            try:
                result = work(db)
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise
            return result

        return self._twice(in_one)

    def close(self) -> None:
        """Let go of it; the next use opens it again."""
        db, self._db = self._db, None
        if db is not None:
            db.close()

    def _twice(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Once more on a fresh connection, if this one is of no use: somebody took the file away, say."""
        try:
            import sqlite3  # noqa: PLC0415 — only who keeps changes needs it
        except ImportError as error:
            raise OutboxTrouble("this Python comes without SQLite") from error
        for attempt in (1, 2):
            try:
                if self._db is None:
                    self._db = self._open()
                return work(self._db)
            except sqlite3.Error as error:
                hopeless = self.path is None or _name(error) in PASSING
                if not hopeless:
                    self.close()
                if hopeless or attempt == 2:
                    raise OutboxTrouble(_why(error)) from error
            except OSError as error:
                raise OutboxTrouble(error.strerror or str(error)) from error
        raise AssertionError("returned or raised")

    # --- opening ----------------------------------------------------------------------------------

    def _open(self) -> sqlite3.Connection:
        import sqlite3  # noqa: PLC0415 — only who keeps changes needs it

        if self.path is None:
            return self._made(sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False))
        _make_private(self.path)
        try:
            return self._connected(self.path)
        except sqlite3.Error as error:
            if _name(error) not in DAMAGED:
                raise
        self._put_aside(self.path)
        _make_private(self.path)
        return self._connected(self.path)

    def _connected(self, path: Path) -> sqlite3.Connection:
        import sqlite3  # noqa: PLC0415 — only who keeps changes needs it

        db = sqlite3.connect(path, timeout=BUSY, isolation_level=None, check_same_thread=False)
        try:
            for pragma in ("journal_mode = TRUNCATE", "synchronous = FULL", "fullfsync = ON", "trusted_schema = OFF"):
                db.execute(f"PRAGMA {pragma}")
            db.execute(f"PRAGMA max_page_count = {MAX_PAGES}")
            found = db.execute("PRAGMA quick_check(1)").fetchone()
            if found != ("ok",):
                damage = sqlite3.DatabaseError(f"the file is damaged: {found}")
                damage.sqlite_errorname = "SQLITE_CORRUPT"
                raise damage
            return self._made(db)
        except BaseException:
            db.close()
            raise

    def _made(self, db: sqlite3.Connection) -> sqlite3.Connection:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version > self._version:
            raise OutboxTrouble("a newer Roadcrew keeps its changes there")
        if version < self._version:
            db.execute("BEGIN IMMEDIATE")
            for statement in (*self._schema, f"PRAGMA user_version = {self._version}"):
                db.execute(statement)
            db.execute("COMMIT")
        return db

    def _put_aside(self, path: Path) -> None:
        """Under a lock, so that of two programs one does it and the other finds a good file."""
        import sqlite3  # noqa: PLC0415 — only who keeps changes needs it

        import filelock  # noqa: PLC0415 — seldom

        with filelock.FileLock(f"{path}.lock", timeout=BUSY, mode=0o600):
            with suppress(sqlite3.Error):
                self._connected(path).close()
                return
            aside = path.with_name(f"{path.name}.damaged")
            path.replace(aside)
            journal = path.with_name(f"{path.name}-journal")
            with suppress(FileNotFoundError):
                journal.replace(path.with_name(f"{path.name}.damaged-journal"))
            self.put_aside = aside


def _make_private(path: Path) -> None:
    """A file that only its owner can read, before anything is in it. SQLite gives its journal the same mode."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        handle = os.open(path, flags, 0o600)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK):
            raise OutboxTrouble(f"{path} is a link") from error
        raise
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise OutboxTrouble(f"{path} is no file")
        if os.name == "posix" and found.st_mode & 0o077:
            os.fchmod(handle, 0o600)
    finally:
        os.close(handle)


def _name(error: sqlite3.Error) -> str:
    """The kind of error; finer kinds count as the one that they are of."""
    name = getattr(error, "sqlite_errorname", "")
    return next((kind for kind in (*DAMAGED, *PASSING) if name.startswith(kind)), name)


def _why(error: sqlite3.Error) -> str:
    known = {
        "SQLITE_FULL": "the disk is full",
        "SQLITE_BUSY": "another program holds the file",
        "SQLITE_LOCKED": "another program holds the file",
    }
    return known.get(_name(error), str(error))
