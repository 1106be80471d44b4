"""How the embedded store's file is opened, judged and brought up to date.

What it is not for: what the tables mean to the server (`_sqlite_log`, `_sqlite_keys`), or when
anything is written (`_sqlite_writer`).
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import apsw

from roadcrew_server.stores.base import StoreUnavailable

APPLICATION_ID = 0x52435257
"""The letters RCRW in the file's header, so that somebody else's SQLite file is left alone."""

BUSY_MS = 5_000
"""How long a connection waits for another of this process, for instance for a checkpoint."""

WAL_KEPT_BYTES = 64 * 1024 * 1024
"""A write-ahead log that grew beyond this is cut back when it starts over."""

CHECKED_BYTES = 256 * 1024 * 1024
"""After an unclean end a file up to this size is checked before use; a larger one takes too long."""

Synchronous = Literal["FULL", "NORMAL"]

MIGRATIONS: tuple[str, ...] = (
    # 1: the first schema. Times are milliseconds since 1970 in UTC. A topic without a name is
    # forgotten: nobody can reach it, and the sweep removes its rows bit by bit. The snapshot has a
    # table of its own because the row in `topics` is written again by every append.
    """
    CREATE TABLE topics (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT UNIQUE,
        epoch TEXT NOT NULL,
        head INTEGER NOT NULL,
        first_kept INTEGER NOT NULL,
        keep_until INTEGER NOT NULL,
        due INTEGER
    ) STRICT;
    CREATE INDEX topics_by_due ON topics (due) WHERE due IS NOT NULL;
    CREATE INDEX topics_by_keep_until ON topics (keep_until);
    CREATE TABLE events (
        topic INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        command TEXT NOT NULL,
        body BLOB NOT NULL,
        PRIMARY KEY (topic, seq)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE snapshots (
        topic INTEGER PRIMARY KEY,
        seq INTEGER NOT NULL,
        command TEXT NOT NULL,
        body BLOB NOT NULL
    ) STRICT;
    CREATE TABLE commands (
        topic INTEGER NOT NULL,
        key TEXT NOT NULL,
        outcome BLOB NOT NULL,
        keep_until INTEGER NOT NULL,
        PRIMARY KEY (topic, key)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX commands_by_keep_until ON commands (keep_until);
    CREATE TABLE records (
        kind TEXT NOT NULL,
        key TEXT NOT NULL,
        value BLOB NOT NULL,
        expires_at INTEGER,
        PRIMARY KEY (kind, key)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX records_by_expiry ON records (expires_at) WHERE expires_at IS NOT NULL;
    CREATE TABLE index_items (
        name TEXT NOT NULL,
        item TEXT NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (name, item)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX index_items_by_time ON index_items (name, at, item);
    CREATE TABLE leases (
        name TEXT PRIMARY KEY,
        holder TEXT NOT NULL,
        fence INTEGER NOT NULL,
        expires_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE counters (
        name TEXT PRIMARY KEY,
        value INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    INSERT INTO counters (name, value) VALUES ('fence', 0);
    """,
)
"""What turns a file of version i into version i + 1. Only ever add to the end."""


def rows(db: apsw.Connection, sql: str, args: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """All rows of a query. Reading to the end at once leaves no statement open, which would keep
    the connection's view of the file, and the write-ahead log with it, from moving on."""
    return list(db.execute(sql, tuple(args)))


def row(db: apsw.Connection, sql: str, args: Sequence[Any] = ()) -> tuple[Any, ...] | None:
    """The first row of a query, or None."""
    found = rows(db, sql, args)
    return found[0] if found else None


def ended_uncleanly(path: Path) -> bool:
    """Whether the last process that had this file left without closing it."""
    wal = path.with_name(path.name + "-wal")
    return wal.exists() and wal.stat().st_size > 0


def create_private(path: Path) -> None:
    """Make the file, if there is none, readable by its owner only: it holds password hashes.
    SQLite gives its side files the same permissions."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def connect(path: Path, *, vfs: str | None, synchronous: Synchronous = "FULL", write: bool) -> apsw.Connection:
    """A connection with everything set that is not stored in the file.

    `fullfsync` matters on macOS, where a plain fsync leaves the data in the drive's cache.
    """
    flags = apsw.SQLITE_OPEN_READWRITE if write else apsw.SQLITE_OPEN_READONLY
    db = apsw.Connection(str(path), flags=flags, vfs=vfs)
    db.set_busy_timeout(BUSY_MS)
    # Until it is known to be good, closing must not move the log into it: a damaged file would then
    # look cleanly ended, and the next start would not check it.
    db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    if write:
        db.execute(f"PRAGMA synchronous={synchronous}")
        db.execute("PRAGMA fullfsync=ON")
        db.execute("PRAGMA checkpoint_fullfsync=ON")
        db.execute(f"PRAGMA journal_size_limit={WAL_KEPT_BYTES}")
    return db


def prepare(db: apsw.Connection, path: Path, *, check: bool) -> None:
    """Judge the file, switch it to a write-ahead log and apply what migrations it lacks.

    Raises `StoreUnavailable` with a sentence for the operator if it is damaged, somebody else's,
    or written by a newer Roadcrew; and SQLite's own errors, see `unusable`.
    """
    version = version_of(db, path)
    if check:
        require_sound(db, path)
    mode = row(db, "PRAGMA journal_mode=WAL")
    if mode is None or mode[0] != "wal":
        raise StoreUnavailable(
            f"{path} is on a file system that can't keep a write-ahead log (a network share, perhaps). "
            "Put the store on a local disk, or use Redis or Valkey."
        )
    for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
        db.execute("BEGIN IMMEDIATE")
        try:
            db.execute(script)
            db.execute(f"PRAGMA application_id={APPLICATION_ID}")
            db.execute(f"PRAGMA user_version={number}")
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
    db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0)


def version_of(db: apsw.Connection, path: Path) -> int:
    """The file's schema version, once it is sure that the file is ours (0: a new file)."""
    application = _pragma(db, "application_id")
    version = _pragma(db, "user_version")
    used = row(db, "SELECT 1 FROM sqlite_schema LIMIT 1") is not None
    if application != APPLICATION_ID and (used or application or version):
        raise StoreUnavailable(f"{path} is an SQLite file, but not one of Roadcrew's. Start with another --store.")
    if version > len(MIGRATIONS):
        raise StoreUnavailable(
            f"{path} was written by a newer Roadcrew (schema {version}; this one knows up to "
            f"{len(MIGRATIONS)}). Upgrade Roadcrew, or start with another --store."
        )
    return version


def require_sound(db: apsw.Connection, path: Path) -> None:
    """Raise `StoreUnavailable` if SQLite finds the file damaged."""
    found = row(db, "PRAGMA quick_check(1)")
    if found is None or found[0] != "ok":
        raise StoreUnavailable(_damaged(path, str(found[0]) if found else "no answer"))


def _pragma(db: apsw.Connection, name: str) -> int:
    found = row(db, f"PRAGMA {name}")
    return int(found[0]) if found else 0


def unusable(path: Path, error: apsw.Error) -> StoreUnavailable:
    """What to tell the operator when SQLite could not open or migrate the file."""
    if isinstance(error, apsw.NotADBError | apsw.CorruptError):
        return StoreUnavailable(_damaged(path, str(error)))
    return StoreUnavailable(f"{path} can't be opened: {type(error).__name__}: {error}")


def _damaged(path: Path, reason: str) -> str:
    return (
        f"{path} is damaged or not a Roadcrew store ({' '.join(reason.split())}). Restore it from a backup, "
        "or start with another --store."
    )
