"""The one thread that writes to the embedded store: group commit, checkpoints, the sweep.

Each job runs in a savepoint of its own, so a job that fails fails alone; all jobs that were waiting
share one COMMIT, and so one sync of the disk. Nobody is answered before the COMMIT has returned.

What it is not for: what a job does, and reading, which has connections of its own.
"""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import apsw

from roadcrew_server.stores._sqlite_checkpoints import Checkpoints
from roadcrew_server.stores.base import (
    Hint,
    StoreBusy,
    StoreError,
    StoreUnavailable,
    StoreUncertain,
)
from roadcrew_server.stores.clock import StoreClock

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

GROUP = 1_000
"""The most jobs in one transaction, so that the first of many is not answered very late."""

SWEEP_EVERY = 60.0
"""Seconds between two sweeps when the last one found less than its bound."""

SWEEP_AGAIN = 1.0
"""Seconds until the next sweep when there was more to do."""

SWEEP_ROWS = 2_000
"""The most rows that one sweep removes, so that writers do not wait long behind it."""


@dataclass(slots=True)
class Writing:
    """What a job gets: the connection, store time in milliseconds, and a place for its hints,
    which are published if the job's transaction is committed."""

    db: apsw.Connection
    now: int
    hints: list[Hint] = field(default_factory=list)


@dataclass(slots=True)
class _Waiting:
    job: Callable[[Writing], Any]
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None


def unavailable(error: apsw.Error) -> StoreUnavailable:
    """The store's own error for an SQLite error after which nothing was written."""
    if isinstance(error, apsw.FullError):
        return StoreUnavailable("The disk of the store is full. Nothing was written.")
    return StoreUnavailable(f"The store can't be used: {type(error).__name__}: {error}")


class Writer:
    """The writing thread. All its methods but `stop` are called from the event loop's thread."""

    def __init__(
        self,
        db: apsw.Connection,
        clock: StoreClock,
        publish: Callable[[list[Hint]], None],
        sweep: Callable[[apsw.Connection, int, int], int],
        *,
        bound: int,
        checkpoint_pages: int,
    ) -> None:
        self._db = db
        self._clock = clock
        self._publish = publish
        self._sweep = sweep
        self._bound = bound
        self._loop = asyncio.get_running_loop()
        self._queue: deque[_Waiting] = deque()
        self._changed = threading.Condition()
        self._stopping = False
        self._abandoned = False
        self._next_sweep = clock.monotonic() + SWEEP_EVERY
        self._checkpoints = Checkpoints(db, clock, checkpoint_pages)
        self.commits = 0
        """Transactions committed so far; fewer than appends when several share one."""
        self._thread = threading.Thread(target=self._run, name="roadcrew-store", daemon=True)
        self._thread.start()

    def submit(self, job: Callable[[Writing], _T]) -> asyncio.Future[_T]:
        """Queue a job. Cancelling the future gives up the answer, not the job.

        Raises `StoreBusy` when the queue is full and `StoreUnavailable` after `stop`.
        """
        waiting = _Waiting(job, self._loop.create_future())
        with self._changed:
            if self._stopping:
                raise StoreUnavailable("The store is closed.")
            if len(self._queue) >= self._bound:
                raise StoreBusy("Too many changes are waiting to be written.")
            self._queue.append(waiting)
            self._changed.notify()
        return waiting.future

    def stop(self, timeout: float) -> bool:
        """Finish what is queued and end the thread; blocks, so not for the event loop.

        What is not done after `timeout` seconds fails with `StoreUnavailable`. False: the thread
        hangs in the operating system and still has the file.
        """
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join(timeout)
        if self._thread.is_alive():
            self._abandoned = True
            self._db.interrupt()
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def close_file(self) -> None:
        """After `stop`: move the write-ahead log into the file and let go of it. Blocks."""
        self._checkpoints.last()
        self._db.close(force=True)

    # --- in the thread -----------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while (group := self._next_group()) is not None:
                if group:
                    self._write(group)
                self._maintain()
        except BaseException:
            _log.exception("the store's writer died")
            raise
        finally:
            with self._changed:
                self._stopping = True
                left = list(self._queue)
                self._queue.clear()
            self._fail(left, StoreUnavailable("The store is closed. Nothing was written."))
            self._answer(left, [])

    def _next_group(self) -> list[_Waiting] | None:
        """What is waiting; empty when it is time to sweep; None when it is time to end."""
        with self._changed:
            if not self._queue and not self._stopping:
                self._changed.wait(max(self._next_sweep - self._clock.monotonic(), 0))
            if self._abandoned or (self._stopping and not self._queue):
                return None
            return [self._queue.popleft() for _ in range(min(len(self._queue), GROUP))]

    def _write(self, group: list[_Waiting]) -> None:
        hints: list[Hint] = []
        try:
            self._try_write(group, hints)
        except BaseException as error:
            _log.exception("a group of changes failed")
            self._roll_back()
            hints.clear()
            self._fail(group, StoreUnavailable(f"The store failed: {error}"))
            if not isinstance(error, Exception):
                raise
        finally:
            self._answer(group, hints)

    def _try_write(self, group: list[_Waiting], hints: list[Hint]) -> None:
        db = self._db
        try:
            db.execute("BEGIN IMMEDIATE")
            for waiting in group:
                self._run_job(waiting, hints)
        except apsw.Error as error:
            # SQLite has given up the transaction (a full disk, an I/O error): nothing was written.
            self._roll_back()
            hints.clear()
            self._fail(group, unavailable(error))
            return
        try:
            db.execute("COMMIT")
            self.commits += 1
        except apsw.FullError as error:
            # The commit mark is the last thing written, so a log without room for it has none.
            self._roll_back()
            hints.clear()
            self._fail(group, unavailable(error))
        except apsw.Error as error:
            self._roll_back()
            hints.clear()
            self._fail(
                group,
                StoreUncertain(f"The disk failed at the commit: {error}. Send the change again."),
            )

    def _run_job(self, waiting: _Waiting, hints: list[Hint]) -> None:
        """One job in its savepoint. Raises only if the whole transaction is lost."""
        db = self._db
        writing = Writing(db, self._clock.now_ms())
        db.execute("SAVEPOINT job")
        try:
            waiting.result = waiting.job(writing)
        except Exception as error:  # the caller's, and raised there
            if not db.in_transaction:
                raise
            waiting.error = unavailable(error) if isinstance(error, apsw.Error) else error
            db.execute("ROLLBACK TO job")
        else:
            hints.extend(writing.hints)
        db.execute("RELEASE job")

    def _roll_back(self) -> None:
        if self._db.in_transaction:
            try:
                self._db.execute("ROLLBACK")
            except apsw.Error:
                _log.exception("a rollback failed")

    @staticmethod
    def _fail(group: list[_Waiting], error: StoreError) -> None:
        for waiting in group:
            if waiting.error is None:
                waiting.error = error

    def _answer(self, group: list[_Waiting], hints: list[Hint]) -> None:
        try:
            self._loop.call_soon_threadsafe(self._resolve, group, hints)
        except RuntimeError:  # the loop is closed: nobody is left who could be told
            _log.debug("changes were written after the event loop had ended")

    def _resolve(self, group: list[_Waiting], hints: list[Hint]) -> None:
        """In the event loop's thread: first the readers are told, then the writers."""
        self._publish(hints)
        for waiting in group:
            if waiting.future.done():
                continue  # its caller was cancelled
            if waiting.error is not None:
                waiting.future.set_exception(waiting.error)
            else:
                waiting.future.set_result(waiting.result)

    # --- between groups ----------------------------------------------------------------------

    def _maintain(self) -> None:
        """Sweep and checkpoint when it is time. A failure here harms no change, and is tried again."""
        try:
            if self._clock.monotonic() >= self._next_sweep:
                self._next_sweep = self._clock.monotonic() + SWEEP_AGAIN
                if self.sweep_once() < SWEEP_ROWS:
                    self._next_sweep = self._clock.monotonic() + SWEEP_EVERY
            self._checkpoints.when_due()
        except apsw.BusyError:
            _log.debug("readers kept a checkpoint from finishing")
        except apsw.Error:
            self._roll_back()
            _log.exception("the store's upkeep failed")

    def sweep_once(self) -> int:
        """One bounded pass in a transaction of its own; returns how many rows went."""
        self._db.execute("BEGIN IMMEDIATE")
        removed = self._sweep(self._db, self._clock.now_ms(), SWEEP_ROWS)
        self._db.execute("COMMIT")
        return removed
