"""The embedded store: one SQLite file, one process (DESIGN 4).

Writes go to one thread (`_sqlite_writer`), reads to a few others; the event loop waits for none.
An acknowledged change survives `kill -9` and power loss: the write-ahead log is synced at every
commit (docs/decisions/0009). What it is not for: several server processes; those share a Redis.
"""

import asyncio
import concurrent.futures
import logging
import queue
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urlsplit

import apsw
from filelock import FileLock, Timeout

from roadcrew_server.stores import _sqlite_keys as keys
from roadcrew_server.stores import _sqlite_log as log
from roadcrew_server.stores import _sqlite_schema as schema
from roadcrew_server.stores import _sqlite_whole as whole
from roadcrew_server.stores._rates import MemoryRates
from roadcrew_server.stores._sqlite_writer import SWEEP_ROWS, Writer, Writing, unavailable
from roadcrew_server.stores.base import (
    KEPT_EVENTS,
    AppendResult,
    CommandRecord,
    Commit,
    Hint,
    IndexItem,
    KeyedRecord,
    Lease,
    Limits,
    Loaded,
    Page,
    Slice,
    Stored,
    StoredEvent,
    StoreFacts,
    StoreLocked,
    StoreUnavailable,
    TopicFacts,
)
from roadcrew_server.stores.clock import StoreClock, from_ms, to_ms
from roadcrew_server.stores.local import HintBoard, Listener, Presence

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

READERS = 4
"""Connections for reading, and threads that use them."""

CHECKPOINT_PAGES = 1_000
"""The write-ahead log is moved into the file when it has this many pages (4 KiB each)."""

CLOSE_SECONDS = 10.0
"""How long `close` waits for what is queued."""


def path_of(url: str) -> Path:
    """The file of `sqlite:///FILE`: relative to the working directory, or absolute with a fourth
    slash. Raises ValueError with a sentence for anything else."""
    parts = urlsplit(url)
    name = unquote(parts.path.removeprefix("/"))
    if parts.scheme != "sqlite" or parts.netloc or parts.query or parts.fragment or not name:
        raise ValueError(f"{url} is not a store. Write sqlite:///FILE, or sqlite:////FULL/PATH.")
    if name == ":memory:":
        raise ValueError("A store in memory would forget everything. Name a file.")
    return Path(name).expanduser()


class SqliteStore:
    """`Store` in one file. Belongs to the event loop in which `open` was called; opens once."""

    def __init__(
        self,
        path: Path,
        *,
        clock: StoreClock | None = None,
        limits: Limits | None = None,
        checkpoint_pages: int = CHECKPOINT_PAGES,
        vfs: str | None = None,
        synchronous: schema.Synchronous = "FULL",
    ) -> None:
        """`vfs` and `synchronous` are for tests: how the disk is reached, and how to lose data."""
        self.path = path.absolute()
        self._clock = clock or StoreClock()
        self._limits = limits or Limits()
        self._checkpoint_pages = checkpoint_pages
        self._vfs = vfs
        self._synchronous = synchronous
        # Taken and released in different threads, so not bound to one.
        self._lock = FileLock(f"{self.path}.lock", thread_local=False)
        self._readers: queue.SimpleQueue[apsw.Connection] = queue.SimpleQueue()
        self._pool: concurrent.futures.ThreadPoolExecutor | None = None
        self._writer: Writer | None = None
        self._closing: asyncio.Task[None] | None = None
        self._warnings: list[str] = []
        self._presence = Presence()
        self._hints = HintBoard(self._limits.hints)
        self._rates = MemoryRates()

    async def open(self) -> StoreFacts:
        """Lock the file, check it, bring it up to date."""
        if self._writer is not None or self._closing is not None:
            raise StoreUnavailable("A store is opened once.")
        self._clock.start()
        db = await asyncio.to_thread(self._open_file)
        self._pool = concurrent.futures.ThreadPoolExecutor(READERS, "roadcrew-store-read")
        self._writer = Writer(
            db,
            self._clock,
            self._hints.publish,
            keys.sweep,
            bound=self._limits.write_queue,
            checkpoint_pages=self._checkpoint_pages,
        )
        durable = self._synchronous == "FULL"
        return StoreFacts("sqlite", apsw.sqlite_lib_version(), durable, self._warnings)

    def _open_file(self) -> apsw.Connection:
        """In a thread: lock, connect, migrate; lets go of everything if it fails."""
        opened: list[apsw.Connection] = []
        try:
            schema.create_private(self.path)
            self._lock.acquire(blocking=False)
            check = schema.ended_uncleanly(self.path)
            if check and self.path.stat().st_size > schema.CHECKED_BYTES:
                check = False
                self._warnings.append("The last server did not end cleanly; the file is too large to be checked now.")
            db = schema.connect(self.path, vfs=self._vfs, synchronous=self._synchronous, write=True)
            opened.append(db)
            schema.prepare(db, self.path, check=check)
            keys.free_all_leases(db)
            for _ in range(READERS):
                opened.append(schema.connect(self.path, vfs=self._vfs, write=False))
        except Timeout as error:
            raise StoreLocked(
                f"Another Roadcrew server is using {self.path}. Stop that server first, or start "
                "this one with another --store."
            ) from error
        except BaseException as error:
            for connection in opened:
                connection.close(force=True)
            self._lock.release()
            if isinstance(error, apsw.Error):
                raise schema.unusable(self.path, error) from error
            if isinstance(error, OSError):
                raise StoreUnavailable(f"{self.path} can't be opened: {error}") from error
            raise
        for connection in opened[1:]:
            self._readers.put(connection)
        return db

    async def close(self) -> None:
        """Finish what is queued, checkpoint, unlock. A caller that is cancelled does not stop it."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close())
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        if self._writer is not None and self._pool is not None:
            await asyncio.to_thread(self._close_file, self._writer, self._pool)
        self._hints.end()

    def _close_file(self, writer: Writer, pool: concurrent.futures.ThreadPoolExecutor) -> None:
        stopped = writer.stop(CLOSE_SECONDS)
        pool.shutdown(wait=True)
        while not self._readers.empty():
            self._readers.get().close(force=True)
        if not stopped:
            _log.error("the store's writer hangs; %s stays locked until the process ends", self.path)
            return
        writer.close_file()
        self._lock.release()

    def now(self) -> datetime:
        """The wall clock at `open` plus monotonic time since."""
        return self._clock.now()

    async def ping(self) -> None:
        """Answered by the writer, so a writer that hangs is noticed (by the caller's timeout)."""
        await self._write(lambda w: schema.row(w.db, "SELECT 1"))

    async def _write(self, job: Callable[[Writing], _T]) -> _T:
        if self._writer is None or self._closing is not None:
            raise StoreUnavailable("The store is not open.")
        return await self._writer.submit(job)

    async def _read(self, query: Callable[[apsw.Connection, int], _T]) -> _T:
        """Run `query(connection, now)` in a reading thread, on one consistent view."""
        if self._pool is None or self._closing is not None:
            raise StoreUnavailable("The store is not open.")

        def run() -> _T:
            db = self._readers.get()
            try:
                db.execute("BEGIN")
                return query(db, self._clock.now_ms())
            except apsw.Error as error:
                raise unavailable(error) from error
            finally:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                self._readers.put(db)

        return await asyncio.get_running_loop().run_in_executor(self._pool, run)

    # --- log -------------------------------------------------------------------------------------

    async def append(
        self,
        topic: str,
        epoch: str | None,
        expected_last: int,
        commits: Sequence[Commit],
        *,
        expected_command: str = "",
        keep_until: datetime,
        due: datetime | None,
    ) -> AppendResult:
        """Compare and append; durable when it returns."""
        keep_until_ms, due_ms = to_ms(keep_until), _ms(due)
        batch = tuple(commits)

        def job(writing: Writing) -> AppendResult:
            result, hint = log.append(
                writing.db,
                topic,
                epoch,
                expected_last,
                batch,
                expected_command=expected_command,
                keep_until=keep_until_ms,
                due=due_ms,
                now=writing.now,
                most_missing=self._limits.conflict_events,
            )
            if hint is not None:
                writing.hints.append(hint)
            return result

        return await self._write(job)

    async def recorded(self, topic: str, key: str) -> bytes | None:
        """The outcome of a command of this topic."""
        return await self._read(lambda db, now: log.recorded(db, topic, key, now))

    async def load(self, topic: str) -> Loaded | None:
        """Snapshot and all events after it."""
        return await self._read(lambda db, now: log.load(db, topic, now))

    async def read(self, topic: str, after: int, limit: int) -> Slice | None:
        """At most `limit` events, and never more than the store's bound."""
        most = min(limit, self._limits.read_events)
        return await self._read(lambda db, now: log.read(db, topic, after, most, now))

    async def compact(
        self, topic: str, epoch: str, upto: int, command: str, snapshot: bytes, keeps: int = KEPT_EVENTS
    ) -> bool:
        """Snapshot and trim in one transaction, unless stale."""
        return await self._write(lambda w: log.compact(w.db, topic, epoch, upto, command, snapshot, keeps, w.now))

    async def forget(self, topic: str) -> None:
        """Gone at once; its rows go with the next sweeps."""
        await self._write(lambda w: log.forget(w.db, topic))

    # --- records and indexes ---------------------------------------------------------------------

    async def get(self, kind: str, key: str) -> Stored | None:
        """The record, unless it has expired."""
        found = await self._read(lambda db, now: keys.get(db, kind, key, now))
        if found is None:
            return None
        value, expires_at = found
        return Stored(value, None if expires_at is None else from_ms(expires_at))

    async def create(self, kind: str, key: str, value: bytes, expires_at: datetime | None = None) -> bool:
        """Write it if it is absent."""
        expiry = _ms(expires_at)
        return await self._write(lambda w: keys.create(w.db, kind, key, value, expiry, w.now))

    async def put(self, kind: str, key: str, value: bytes, expires_at: datetime | None = None) -> None:
        """Write it."""
        expiry = _ms(expires_at)
        await self._write(lambda w: keys.put(w.db, kind, key, value, expiry))

    async def replace(
        self,
        kind: str,
        key: str,
        old: bytes,
        value: bytes,
        expires_at: datetime | None = None,
        *,
        tell: bool = False,
    ) -> bool:
        """Compare and set."""
        expiry = _ms(expires_at)

        def job(writing: Writing) -> bool:
            done = keys.replace(writing.db, kind, key, old, value, expiry, writing.now)
            if done and tell:
                writing.hints.append(Hint("changed", key))
            return done

        return await self._write(job)

    async def delete(self, kind: str, key: str) -> None:
        """Remove it."""
        await self._write(lambda w: keys.delete(w.db, kind, key))

    async def revoke(self, kind: str, key: str) -> None:
        """Remove it and tell this process, which is the only one."""

        def job(writing: Writing) -> None:
            keys.delete(writing.db, kind, key)
            writing.hints.append(Hint("revoked", key))

        await self._write(job)

    async def index_add(self, index: str, item: str, at: datetime) -> None:
        """Add or move."""
        at_ms = to_ms(at)
        await self._write(lambda w: keys.index_add(w.db, index, item, at_ms))

    async def index_remove(self, index: str, item: str, before: datetime | None = None) -> None:
        """Remove, unless it was added or moved later."""
        at = _ms(before)
        await self._write(lambda w: keys.index_remove(w.db, index, item, at))

    async def index_list(self, index: str, limit: int) -> tuple[str, ...]:
        """Newest first, never more than the store's bound."""
        most = min(limit, self._limits.index_items)
        return await self._read(lambda db, now: keys.index_list(db, index, most))

    # --- due times -------------------------------------------------------------------------------

    async def due_take(self, now: datetime, limit: int, again_in: timedelta) -> tuple[str, ...]:
        """Hand out due topics, the longest overdue first."""
        due, again = to_ms(now), to_ms(now + again_in)
        return await self._write(lambda w: log.due_take(w.db, due, limit, again, w.now))

    async def due_next(self) -> datetime | None:
        """When to ask for the next."""
        found = await self._read(log.due_next)
        return None if found is None else from_ms(found)

    # --- leases and presence ---------------------------------------------------------------------

    async def lease_take(self, name: str, holder: str, ttl: timedelta) -> Lease | None:
        """Take it; a lease of a process before this one is free."""

        def job(writing: Writing) -> Lease | None:
            expires_at = writing.now + _length(ttl)
            fence = keys.lease_take(writing.db, name, holder, expires_at, writing.now)
            return None if fence is None else Lease(name, holder, fence, from_ms(expires_at))

        return await self._write(job)

    async def lease_renew(self, lease: Lease, ttl: timedelta) -> Lease | None:
        """Prolong it from now on."""

        def job(writing: Writing) -> Lease | None:
            expires_at = writing.now + _length(ttl)
            if not keys.lease_renew(writing.db, lease.name, lease.fence, expires_at, writing.now):
                return None
            return Lease(lease.name, lease.holder, lease.fence, from_ms(expires_at))

        return await self._write(job)

    async def lease_release(self, lease: Lease) -> None:
        """Give it up."""
        await self._write(lambda w: keys.lease_release(w.db, lease.name, lease.fence))

    async def presence_set(self, topic: str, key: str, value: bytes, ttl: timedelta) -> None:
        """In memory: with the process, its connections are gone too."""
        self._require_open()
        now = self._clock.now_ms()
        if self._presence.set(topic, key, value, now + _length(ttl), now):
            self._hints.publish([Hint("presence", topic)])

    async def presence_drop(self, topic: str, key: str) -> None:
        """It left."""
        self._require_open()
        if self._presence.drop(topic, key, self._clock.now_ms()):
            self._hints.publish([Hint("presence", topic)])

    async def presence_list(self, topic: str) -> Mapping[str, Stored]:
        """Who is here."""
        self._require_open()
        return self._presence.list(topic, self._clock.now_ms())

    async def presence_renew(self, topic: str, here: Mapping[str, bytes], ttl: timedelta) -> Mapping[str, Stored]:
        """All of these are here."""
        for key, value in here.items():
            await self.presence_set(topic, key, value, ttl)
        return await self.presence_list(topic)

    # --- the whole store -------------------------------------------------------------------------

    async def in_use(self) -> bool:
        """Never: the lock is ours."""
        self._require_open()
        return False

    async def walk_topics(self, cursor: str = "") -> Page[str]:
        """By name."""
        return await self._read(lambda db, now: whole.topics(db, cursor, self._limits.walk_items, now))

    async def topic_facts(self, topic: str) -> TopicFacts | None:
        """Its row and its snapshot."""
        return await self._read(lambda db, now: whole.facts(db, topic, now))

    async def walk_commands(self, topic: str, cursor: str = "") -> Page[CommandRecord]:
        """By key."""
        return await self._read(lambda db, now: whole.commands(db, topic, cursor, self._limits.walk_items, now))

    async def walk_records(self, cursor: str = "") -> Page[KeyedRecord]:
        """By kind and key."""
        return await self._read(lambda db, now: whole.records(db, cursor, self._limits.walk_items, now))

    async def walk_indexes(self, cursor: str = "") -> Page[IndexItem]:
        """By name and item."""
        return await self._read(lambda db, now: whole.index_items(db, cursor, self._limits.walk_items))

    async def newest_fence(self) -> int:
        """The counter that all leases share."""
        return await self._read(lambda db, now: whole.newest_fence(db))

    async def restore_topic(self, facts: TopicFacts) -> None:
        """A new row; what was there under its name goes with the next sweeps."""
        await self._write(lambda w: whole.restore_topic(w.db, facts))

    async def restore_log(
        self, facts: TopicFacts, events: Sequence[StoredEvent], commands: Sequence[CommandRecord]
    ) -> None:
        """Rows, in one transaction."""
        entries, known = tuple(events), tuple(commands)
        await self._write(lambda w: whole.restore_log(w.db, facts, entries, known))

    async def restore_fence(self, newest: int) -> None:
        """Set the counter forward."""
        await self._write(lambda w: whole.restore_fence(w.db, newest))

    # --- hints, limits, upkeep -------------------------------------------------------------------

    def listen(self) -> Listener:
        """Hints from this call on (not only from the first `await`)."""
        self._require_open()
        return self._hints.listen()

    def rate_storage(self) -> MemoryRates:
        """In memory: a restart forgives."""
        return self._rates

    async def sweep(self) -> int:
        """One pass of the sweep that otherwise runs by itself; returns how many rows went."""
        return await self._write(lambda w: keys.sweep(w.db, w.now, SWEEP_ROWS))

    @property
    def commits(self) -> int:
        """Transactions committed since `open`; several appends may share one."""
        return 0 if self._writer is None else self._writer.commits

    def _require_open(self) -> None:
        if self._writer is None or self._closing is not None:
            raise StoreUnavailable("The store is not open.")


def _ms(at: datetime | None) -> int | None:
    return None if at is None else to_ms(at)


def _length(ttl: timedelta) -> int:
    return ttl // timedelta(milliseconds=1)
