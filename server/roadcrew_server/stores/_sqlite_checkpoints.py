"""When the write-ahead log of the embedded store is moved into the file. Belongs to the writing thread.

What it is not for: transactions; it is called between them.
"""

import logging

import apsw

from roadcrew_server.stores._sqlite_schema import BUSY_MS
from roadcrew_server.stores.clock import StoreClock

_log = logging.getLogger(__name__)

WAL_PRESSED = 10
"""At this multiple of the checkpoint's threshold, readers are waited for so that the log can
start over. Otherwise readers that overlap without end would let it grow without end."""

PRESSED_MS = 250
"""How long readers are waited for then, and at the end. Ours take milliseconds; another process that copies the file
may take long, and neither writers nor the end of the server must wait for it."""

PRESSED_EVERY = 10.0
"""Seconds between two such waits."""


class Checkpoints:
    """Follows how long the log is."""

    def __init__(self, db: apsw.Connection, clock: StoreClock, pages: int) -> None:
        """`pages`: the length from which on the log is moved."""
        self._db = db
        self._clock = clock
        self._threshold = pages
        self._pages = 0
        self._next_press = clock.monotonic()
        db.set_wal_hook(self._grew)

    def _grew(self, db: apsw.Connection, name: str, pages: int) -> int:
        self._pages = pages
        return apsw.SQLITE_OK

    def when_due(self) -> None:
        """Move what can be moved, if the log is long. Raises SQLite's own errors: `BusyError` if readers were in the
        way, which harms nothing."""
        if self._pages < self._threshold:
            return
        now = self._clock.monotonic()
        pressed = self._pages >= WAL_PRESSED * self._threshold and now >= self._next_press
        self._pages = 0  # the next commit says how long the log is
        if not pressed:
            self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            return
        self._next_press = now + PRESSED_EVERY
        self._db.set_busy_timeout(PRESSED_MS)
        try:
            self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_RESTART)
        finally:
            self._db.set_busy_timeout(BUSY_MS)

    def last(self) -> None:
        """Move all of it before the file is let go of. What fails is done by the next start: nothing is lost."""
        self._db.set_busy_timeout(PRESSED_MS)
        try:
            self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        except apsw.BusyError:
            _log.info("another process reads the file, so the log of writes stays beside it for the next start")
        except apsw.Error:
            _log.exception("the last checkpoint failed")
