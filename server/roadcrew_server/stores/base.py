"""What a store must do for the server; both stores pass one contract suite (tests/server/store_contract.py).

A store keeps append-only logs, small keyed records, indexes, due times, leases and presence.
It knows nothing of trips: an event is bytes with a number and the id of the command that made it.

What it is not for: deciding anything. The only judgement a store makes is compare-and-append.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, Literal, Protocol, TypeVar

from limits.aio.storage import Storage as RateStorage

T = TypeVar("T")

NOTHING_YET = -1
"""The number of the last event of a topic that does not exist."""

KEPT_EVENTS = 100
"""Compaction leaves this many of the newest events readable, if nothing else is said (F5)."""


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One entry of a log. `body` is the event's JSON as readers get it, encoded once for all."""

    seq: int
    command: str
    body: bytes


@dataclass(frozen=True, slots=True)
class CommandRecord:
    """What is remembered of a command, so that sending it twice is harmless.

    `key` names the command within its topic and includes who sent it and by which route;
    `outcome` is what the server needs to answer again. It is forgotten after `keep_until`.
    """

    key: str
    outcome: bytes
    keep_until: datetime


@dataclass(frozen=True, slots=True)
class Commit:
    """One command's events with the record of the command. A commit may have a record and no events
    (an accepted command that changed nothing)."""

    command: str
    bodies: tuple[bytes, ...]
    record: CommandRecord | None = None


@dataclass(frozen=True, slots=True)
class Appended:
    """The append happened and will survive a crash. `head` is the number of the last event now."""

    epoch: str
    head: int


@dataclass(frozen=True, slots=True)
class Conflict:
    """Nothing was written: the last event is not the expected one, or the epoch is another.

    `missing` are the events after the expected one, oldest first, when the epoch matched (or the caller
    meant to give birth and so has missed all of them), the expected one is in the log, all of them are
    still kept and there are no more than the store's bound; otherwise it is None and the caller loads the
    topic again. `epoch` is None when the topic does not exist.
    """

    epoch: str | None
    head: int
    missing: tuple[StoredEvent, ...] | None


@dataclass(frozen=True, slots=True)
class Known:
    """Nothing was written: these commands of the batch (record key to outcome) had been recorded before."""

    outcomes: Mapping[str, bytes]


AppendResult = Appended | Conflict | Known


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of a topic after the event `seq`, made by that event's command."""

    seq: int
    command: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Loaded:
    """A topic as the store has it: the snapshot, if any, and every event after it, oldest first."""

    epoch: str
    head: int
    snapshot: Snapshot | None
    events: tuple[StoredEvent, ...]


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of a log, oldest first.

    `before` is the command of the event that was read after: empty if that is none, or no longer kept. Who
    has another one there has another log, and has to load the topic again.

    `first_kept` is the lowest number that can still be read. A reader whose position is below
    `first_kept - 1` has missed something for good and needs the state as it is.
    """

    epoch: str
    head: int
    first_kept: int
    before: str
    events: tuple[StoredEvent, ...]


@dataclass(frozen=True, slots=True)
class Hint:
    """Something happened, here or in another process. May be lost, doubled, or out of order.

    kind `log`: `topic` grew; `events` are the new ones when the store has them at hand, and `before` is
    the command of the event before them (empty: there was none).
    kind `presence`: somebody came to or left `topic`.
    kind `revoked`: the record with the key `topic` was revoked: of a session, the hash of its token.
    kind `changed`: the record with the key `topic` was replaced by one of which others were to be told.
    kind `lost`: the link to the store dropped (or hints were thrown away at a bound): whatever is held
    in memory must be read again.
    """

    kind: Literal["log", "presence", "revoked", "changed", "lost"]
    topic: str = ""
    epoch: str = ""
    events: tuple[StoredEvent, ...] = ()
    before: str = ""


@dataclass(frozen=True, slots=True)
class Stored:
    """A keyed record, or a sign of life, with the time at which it is forgotten (None: never)."""

    value: bytes
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A part of a walk over the whole store. With `next` the walk goes on; None: that was all.

    A page may be empty and not the last. What is there during the whole walk is given at least once.
    """

    items: tuple[T, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class TopicFacts:
    """All that is kept of a topic but its events and the records of its commands. `head` is the number of its last
    event, and its events are those from `first_kept` to `head`, without a gap."""

    topic: str
    epoch: str
    head: int
    first_kept: int
    keep_until: datetime
    due: datetime | None
    snapshot: Snapshot | None


@dataclass(frozen=True, slots=True)
class KeyedRecord:
    """A record with what it is called."""

    kind: str
    key: str
    stored: Stored


@dataclass(frozen=True, slots=True)
class IndexItem:
    """One item of an index with its time."""

    index: str
    item: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to run something until `expires_at`. `fence` grows with every taking."""

    name: str
    holder: str
    fence: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a store, so that no call grows without end."""

    conflict_events: int = 256
    read_events: int = 1000
    index_items: int = 1000
    walk_items: int = 500
    write_queue: int = 10_000
    hints: int = 1000


class StoreError(Exception):
    """The store could not do it; whether it was done is known unless this is `StoreUncertain`."""


class StoreUnavailable(StoreError):
    """The store can't be reached or is shutting down. Nothing was written."""


class StoreRefused(StoreUnavailable):
    """The store does not accept our credentials, or forbids what we must do. An operator has to act."""


class StoreReadOnly(StoreUnavailable):
    """The store takes no writes: it is a replica, or can't write to its disk. Nothing was written."""


class StoreFull(StoreUnavailable):
    """The store's memory is full. Nothing was written."""


class StoreStarting(StoreUnavailable):
    """The store is loading its data, or its cluster is changing; it will answer soon. Nothing was written."""


class StoreBusy(StoreError):
    """The queue of writes is full. Nothing was written; try again shortly."""


class StoreLocked(StoreError):
    """Another server holds this store."""


class StoreUncertain(StoreError):
    """The link broke while an append was under way: it may or may not have happened.

    Sending the same commit again is safe, since its command is recorded with it.
    """


@dataclass(slots=True)
class StoreFacts:
    """What an operator wants to know; shown by `roadcrew doctor` and the start-up line."""

    name: str
    version: str
    durable: bool
    warnings: list[str] = field(default_factory=list)


class HintStream(Protocol):
    """Hints of one listener; for one task. Ends when it is closed or the store is."""

    def __aiter__(self) -> AsyncIterator[Hint]: ...

    async def __anext__(self) -> Hint: ...

    async def aclose(self) -> None:
        """Listen no more. One that is merely dropped is forgotten as well."""


class Store(Protocol):
    """The protocol. Every method may raise `StoreUnavailable`; times are aware and in UTC."""

    async def open(self) -> StoreFacts:
        """Connect, lock, migrate. Raises `StoreLocked` when another server has an embedded store."""

    async def close(self) -> None:
        """Finish what was acknowledged and let go. Idempotent."""

    def now(self) -> datetime:
        """The store's time, to the millisecond. Never runs backwards in one process."""

    async def ping(self) -> None:
        """Raise `StoreUnavailable` unless the store answers."""

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
        """Append the events of all commits, all or nothing, durable when this returns.

        In this order: a recorded command in the batch gives `Known`; an epoch or a last event that is
        not the expected one gives `Conflict`; otherwise events and records are written, the topic's
        expiry becomes `keep_until`, its due time becomes `due` (None removes it), and readers are
        hinted. The expected event is one that `expected_command` made (empty: whichever did), since after a
        failover that lost something another event may have its number. `epoch=None` with
        `expected_last=NOTHING_YET` gives birth to the topic, or conflicts. A topic is born by an event: a
        birth without one is a ValueError, as is a batch that holds the same record key twice.

        If the caller is cancelled, the append still happens or not as a whole.
        """

    async def recorded(self, topic: str, key: str) -> bytes | None:
        """The outcome of a command that was recorded in this topic, if it is remembered."""

    async def load(self, topic: str) -> Loaded | None:
        """The newest snapshot and all events after it, as one consistent view. None: no such topic."""

    async def read(self, topic: str, after: int, limit: int) -> Slice | None:
        """At most `limit` events after number `after`. None: no such topic."""

    async def compact(
        self, topic: str, epoch: str, upto: int, command: str, snapshot: bytes, keeps: int = KEPT_EVENTS
    ) -> bool:
        """Store the state as of event `upto` (made by `command`) and trim what it covers but for the
        newest `keeps` events, in one transaction. False, and nothing done, unless the epoch matches,
        `upto` exists and is that command's, and it is past the stored snapshot."""

    async def forget(self, topic: str) -> None:
        """Drop the topic with its events, records, snapshot and due time. Idempotent."""

    # --- records and indexes ---------------------------------------------------------------------

    async def get(self, kind: str, key: str) -> Stored | None:
        """The record, unless it has expired."""

    async def create(self, kind: str, key: str, value: bytes, expires_at: datetime | None = None) -> bool:
        """Write it if there is none (or only an expired one). False: there is one already."""

    async def put(self, kind: str, key: str, value: bytes, expires_at: datetime | None = None) -> None:
        """Write it, whatever was there."""

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
        """Write it if the record's value is `old` still. False: it is another, or gone. With `tell`, all processes are
        hinted `changed` in the same step."""

    async def delete(self, kind: str, key: str) -> None:
        """Remove it. Idempotent."""

    async def revoke(self, kind: str, key: str) -> None:
        """Remove it and hint `revoked` to all processes, in one step. Idempotent; hints each time."""

    async def index_add(self, index: str, item: str, at: datetime) -> None:
        """Put `item` into `index` or move it to `at`."""

    async def index_remove(self, index: str, item: str, before: datetime | None = None) -> None:
        """Take it out; if `before` is given, only if its time is before that. Idempotent."""

    async def index_list(self, index: str, limit: int) -> tuple[str, ...]:
        """Items, newest first, at most `limit`."""

    # --- due times -------------------------------------------------------------------------------

    async def due_take(self, now: datetime, limit: int, again_in: timedelta) -> tuple[str, ...]:
        """Topics that are due. Each is put back to `now + again_in`, so that a taker that dies is
        followed by another; the append that handles it sets the true next time."""

    async def due_next(self) -> datetime | None:
        """When the next topic is due, if any."""

    # --- leases and presence ---------------------------------------------------------------------

    async def lease_take(self, name: str, holder: str, ttl: timedelta) -> Lease | None:
        """Take it if it is free, has run out, or is `holder`'s own (whose answer may have been lost;
        the fence grows all the same). None: somebody else has it."""

    async def lease_renew(self, lease: Lease, ttl: timedelta) -> Lease | None:
        """Prolong it. None: it was lost (its fence is no longer the newest, or it ran out)."""

    async def lease_release(self, lease: Lease) -> None:
        """Give it up if it is still ours. Idempotent."""

    async def presence_set(self, topic: str, key: str, value: bytes, ttl: timedelta) -> None:
        """Say that `key` (one connection) is here. Hints `presence` when the value is new or changed."""

    async def presence_drop(self, topic: str, key: str) -> None:
        """It left. Hints `presence` when it was there."""

    async def presence_list(self, topic: str) -> Mapping[str, Stored]:
        """Who is here and has not run out, and when they will have unless they are renewed. Nobody is hinted then."""

    async def presence_renew(self, topic: str, here: Mapping[str, bytes], ttl: timedelta) -> Mapping[str, Stored]:
        """As `presence_set` for all of these (key to value), and then as `presence_list`, in one step."""

    # --- hints and limits ------------------------------------------------------------------------

    def listen(self) -> HintStream:
        """Hints from this call on (not only from the first `await`), until closed. Many may listen at
        once; each sees all. The queue of a slow listener is bounded (`Limits.hints`): past the bound it
        is emptied and replaced by one hint `lost`."""

    def rate_storage(self) -> RateStorage:
        """Where the counters of request limits live."""

    # --- the whole store, for moving it (docs/decisions/0016) -------------------------------------
    #
    # A walk begins with the cursor "" and goes on with the page's `next`, which is the store's own; a cursor that
    # it never gave is a ValueError. What has expired is not given. `Limits.walk_items` is about the size of a page.

    async def in_use(self) -> bool:
        """Whether another process has this store open now, as far as can be seen."""

    async def walk_topics(self, cursor: str = "") -> Page[str]:
        """The names of all topics."""

    async def topic_facts(self, topic: str) -> TopicFacts | None:
        """What is kept of it, as one consistent view; its events are had by `read`. None: no such topic."""

    async def walk_commands(self, topic: str, cursor: str = "") -> Page[CommandRecord]:
        """The commands that are remembered in a topic; none when there is no such topic."""

    async def walk_records(self, cursor: str = "") -> Page[KeyedRecord]:
        """All records."""

    async def walk_indexes(self, cursor: str = "") -> Page[IndexItem]:
        """The items of all indexes."""

    async def newest_fence(self) -> int:
        """No lease so far had a greater fence (0: there was none)."""

    async def restore_topic(self, facts: TopicFacts) -> None:
        """Make a topic as another store had it, its epoch and numbers included, in place of what is there under its
        name; `restore_log` brings its events and commands afterwards. Nobody is hinted, and until all of it is there
        nobody must read it. Idempotent."""

    async def restore_log(
        self, facts: TopicFacts, events: Sequence[StoredEvent], commands: Sequence[CommandRecord]
    ) -> None:
        """Add a part of what belongs to a topic after its `restore_topic`, all or nothing. Parts come in the order of
        the numbers, the first with `first_kept`. A ValueError if the topic is not there in this epoch."""

    async def restore_fence(self, newest: int) -> None:
        """Every lease that is taken from now on has a fence greater than `newest`. Never lowers it."""
