"""A copy of the embedded store's file, also while a server uses it.

SQLite lets other processes read the file; the lock beside it keeps only a second server away. The copy is made inside
one reading transaction, so it is the store as it was at one moment, and the server writes on meanwhile.
What it is not for: moving to another kind of store (`roadcrew_server.moving`).
"""

from collections.abc import Callable
from pathlib import Path

import apsw

from roadcrew_server.stores import _sqlite_schema as schema
from roadcrew_server.stores.base import StoreUnavailable

PAGES = 2_000
"""Pages (4 KiB each) between two reports."""


def copy(source: Path, target: Path, progress: Callable[[int, int], None]) -> None:
    """Copy the store `source` into the empty file `target`, and check the copy. Blocks. `progress` gets the pages that
    are done and all of them. Raises `StoreUnavailable` with a sentence for the operator."""
    try:
        _copy(source, target, progress)
    except apsw.Error as error:
        if not source.exists():
            raise StoreUnavailable(f"There is no store {source}.") from error
        raise schema.unusable(source, error) from error


def _copy(source: Path, target: Path, progress: Callable[[int, int], None]) -> None:
    store = schema.connect(source, vfs=None, write=False)
    try:
        if schema.version_of(store, source) == 0:
            raise StoreUnavailable(f"{source} is no store yet: no server has used it.")
        # The copy would begin again at every change of another process, but for a view that stands still.
        store.execute("BEGIN")
        schema.row(store, "SELECT 1 FROM sqlite_schema LIMIT 1")
        made = apsw.Connection(str(target))
        try:
            with made.backup("main", store, "main") as backup:
                while not backup.done:
                    backup.step(PAGES)
                    progress(backup.page_count - backup.remaining, backup.page_count)
            store.execute("ROLLBACK")  # the server's log may start over
            schema.require_sound(made, target)
            schema.row(made, "PRAGMA journal_mode=DELETE")  # one file, without a log beside it
        finally:
            made.close(force=True)
    finally:
        store.close(force=True)
