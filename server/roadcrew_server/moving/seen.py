"""Which names there were already, for any number of names in little memory: hashes in a nameless file of SQLite's.

What it is not for: anything that must last; the file is gone when this is closed or the process ends.
"""

import hashlib
from types import TracebackType
from typing import Self

import apsw

CACHE_KIB = 16 * 1024


class Seen:
    """A set that can only grow. Use as a context manager."""

    def __enter__(self) -> Self:
        self._db = apsw.Connection("")  # a file of its own in the system's temporary folder
        self._db.execute(f"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-{CACHE_KIB}")
        self._db.execute("CREATE TABLE seen (name BLOB PRIMARY KEY) WITHOUT ROWID; BEGIN")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close(force=True)

    def add(self, *name: str) -> bool:
        """Whether it is new."""
        lengths = ",".join(str(len(part)) for part in name)
        digest = hashlib.blake2b(f"{lengths}:{''.join(name)}".encode(), digest_size=20).digest()
        self._db.execute("INSERT OR IGNORE INTO seen (name) VALUES (?)", (digest,))
        return self._db.changes() > 0
