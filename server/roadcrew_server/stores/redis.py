"""The shared store: a Redis 6.2 or later, or a Valkey, for several server processes (DESIGN 4, docs/decisions/0015).

A topic is a stream, and every change one script (`lua/`). The published message is the event itself, a hint; after
the link was cut, all that listen are told to read again. What it is not for: a single process without a Redis; that
has SQLite.
"""

import random
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from limits.aio.storage import Storage as RateStorage

from roadcrew_server.stores import _redis_scripts as scripts
from roadcrew_server.stores._redis_address import Address
from roadcrew_server.stores._redis_clock import HeardClock
from roadcrew_server.stores._redis_facts import facts_of
from roadcrew_server.stores._redis_hints import Seen, Subscription
from roadcrew_server.stores._redis_keys import BUCKETS, FORMAT, Keys
from roadcrew_server.stores._redis_link import Answer, LinkOptions
from roadcrew_server.stores._redis_links import link_to
from roadcrew_server.stores._redis_rates import SharedRates
from roadcrew_server.stores._redis_scripts import Script
from roadcrew_server.stores._redis_whole import Whole, stored
from roadcrew_server.stores._redis_wire import events_of
from roadcrew_server.stores.base import (
    KEPT_EVENTS,
    NOTHING_YET,
    Appended,
    AppendResult,
    CommandRecord,
    Commit,
    Conflict,
    Hint,
    IndexItem,
    KeyedRecord,
    Known,
    Lease,
    Limits,
    Loaded,
    Page,
    Slice,
    Snapshot,
    Stored,
    StoredEvent,
    StoreFacts,
    StoreUnavailable,
    TopicFacts,
)
from roadcrew_server.stores.clock import from_ms, to_ms
from roadcrew_server.stores.local import HintBoard, Listener

HINT_BYTES = 64 * 1024
"""Events that are longer than this together are not published with their hint; who wants them reads them."""

DUE_ROUNDS = 8
"""How often due topics are looked for when other processes take those that were found."""


class RedisStore:
    """`Store` in a Redis or Valkey. Belongs to the event loop in which `open` was called; opens once."""

    def __init__(
        self,
        address: Address,
        *,
        options: LinkOptions | None = None,
        prefix: str = "roadcrew",
        limits: Limits | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        chance: random.Random | None = None,
        shift_ms: Callable[[], int] = lambda: 0,
    ) -> None:
        """`prefix` begins every key. `shift_ms` is for tests and benches in simulated time: it is added to the clock of
        the Redis."""
        self._link = link_to(address, options or LinkOptions())
        self._keys = Keys(prefix, address.database)
        self._limits = limits or Limits()
        self._shift_ms = shift_ms
        self._clock = HeardClock(monotonic)
        self._board = HintBoard(self._limits.hints)
        self._seen = Seen(secrets.token_hex(8))
        self._hints = Subscription(
            self._link,
            self._keys.hints,
            self._board,
            self._seen,
            chance=chance or random.Random(),  # noqa: S311 - for waiting, not for secrets
        )
        self._link.on_silence = self._hints.doubt
        self._rates = SharedRates(self._link, prefix)
        self._whole = Whole(self._link, self._keys, self._run, self._limits.walk_items)
        self._state = "new"

    async def open(self) -> StoreFacts:
        """Connect, look whether this is a Redis that we can use, and listen."""
        if self._state != "new":
            raise StoreUnavailable("A store is opened once.")
        try:
            facts = await facts_of(self._link)
            await self._link.send("SET", self._keys.format, FORMAT, "NX")
            if await self._link.send("GET", self._keys.format) != FORMAT:
                raise StoreUnavailable(
                    f"The store at {self._link.address} was made by a Roadcrew that this one can't read."
                )
            await self._hints.start()
            self._state = "open"
            await self.ping()
        except BaseException:
            await self.close()
            raise
        return facts

    async def close(self) -> None:
        """Listen no more and hang up."""
        if self._state == "closed":
            return
        self._state = "closed"
        await self._hints.stop()
        await self._link.close()
        self._board.end()

    def now(self) -> datetime:
        """As the Redis said last, plus monotonic time since."""
        return from_ms(self._clock.now_ms())

    async def ping(self) -> None:
        """Ask for the time."""
        self._require_open()
        shift = self._shift_ms()
        seconds, micros = await self._link.send("TIME")
        self._clock.hear(int(seconds) * 1000 + int(micros) // 1000 + shift)

    async def _run(self, script: Script, keys: Sequence[str], *arguments: str | bytes | int) -> list[Answer]:
        """What a script answers, after the time, which the clock is set by."""
        self._require_open()
        now, *answer = await self._link.run(script, keys, (self._shift_ms(), *arguments))
        self._clock.hear(now)
        return list(answer)

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
        """Compare and append, in one script. `StoreUncertain` if the link breaks before its answer."""
        keys = [commit.record.key for commit in commits if commit.record is not None]
        if len(set(keys)) != len(keys):
            raise ValueError("one batch holds the same command twice")
        token = self._seen.token()
        kind, *answer = await self._run(
            scripts.APPEND,
            self._keys.topic(topic),
            topic,
            epoch or "",
            expected_last,
            expected_command,
            to_ms(keep_until),
            _ms(due),
            secrets.token_hex(5),
            self._limits.conflict_events,
            self._keys.hints,
            token,
            HINT_BYTES,
            *_packed(commits),
        )
        match kind:
            case b"appended":
                stored_epoch, head = answer[0].decode(), answer[1]
                events = _numbered(commits, head)
                if events and self._seen.first(token):
                    self._board.publish([Hint("log", topic, stored_epoch, events, answer[2].decode())])
                return Appended(stored_epoch, head)
            case b"known":
                pairs = answer[0]
                return Known({key.decode(): outcome for key, outcome in zip(pairs[::2], pairs[1::2], strict=True)})
            case b"conflict":
                missing = events_of(answer[2]) if len(answer) > 2 else None
                return Conflict(answer[0].decode() or None, answer[1], missing)
            case _:
                raise ValueError("a topic is born by its first event")

    async def recorded(self, topic: str, key: str) -> bytes | None:
        """The outcome of a command of this topic."""
        facts, _ = self._keys.log(topic)
        answer = await self._run(scripts.RECORDED, (facts, self._keys.done(topic)), key)
        return answer[0] if answer else None

    async def load(self, topic: str) -> Loaded | None:
        """Snapshot and all events after it."""
        answer = await self._run(scripts.LOAD, self._keys.log(topic))
        if not answer:
            return None
        epoch, head, events, after, command, state = (*answer, None, None)[:6]
        snapshot = None if after == NOTHING_YET else Snapshot(after, command.decode(), state)
        return Loaded(epoch.decode(), head, snapshot, events_of(events))

    async def read(self, topic: str, after: int, limit: int) -> Slice | None:
        """At most `limit` events, and never more than the store's bound."""
        most = max(min(limit, self._limits.read_events), 0)
        answer = await self._run(scripts.READ, self._keys.log(topic), after, most)
        if not answer:
            return None
        epoch, head, first, before, events = answer
        return Slice(epoch.decode(), head, first, before.decode(), events_of(events))

    async def compact(
        self, topic: str, epoch: str, upto: int, command: str, snapshot: bytes, keeps: int = KEPT_EVENTS
    ) -> bool:
        """Snapshot and trim in one script, unless stale."""
        [done] = await self._run(scripts.COMPACT, self._keys.log(topic), epoch, upto, command, snapshot, keeps)
        return bool(done)

    async def forget(self, topic: str) -> None:
        """Gone at once; Redis frees the memory in a thread of its own."""
        await self._run(scripts.FORGET, self._keys.topic(topic), topic)

    # --- records and indexes ---------------------------------------------------------------------

    async def get(self, kind: str, key: str) -> Stored | None:
        """The record, unless it has expired."""
        answer = await self._run(scripts.GET, (self._keys.record(kind, key),))
        if not answer:
            return None
        return stored(answer[0])

    async def create(self, kind: str, key: str, value: bytes, expires_at: datetime | None = None) -> bool:
        """Write it if it is absent."""
        [done] = await self._run(scripts.CREATE, (self._keys.record(kind, key),), _ms(expires_at), value)
        return bool(done)

    async def put(self, kind: str, key: str, value: bytes, expires_at: datetime | None = None) -> None:
        """Write it."""
        await self._run(scripts.PUT, (self._keys.record(kind, key),), _ms(expires_at), value)

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
        token = self._seen.token()
        told = (key, self._keys.hints, token) if tell else ()
        [done] = await self._run(scripts.REPLACE, (self._keys.record(kind, key),), _ms(expires_at), value, old, *told)
        if done and tell:
            self._tell(token, Hint("changed", key))
        return bool(done)

    async def delete(self, kind: str, key: str) -> None:
        """Remove it."""
        self._require_open()
        await self._link.send("DEL", self._keys.record(kind, key))

    async def revoke(self, kind: str, key: str) -> None:
        """Remove it and tell every process."""
        token = self._seen.token()
        await self._run(scripts.REVOKE, (self._keys.record(kind, key),), key, self._keys.hints, token)
        self._tell(token, Hint("revoked", key))

    async def index_add(self, index: str, item: str, at: datetime) -> None:
        """Add or move."""
        self._require_open()
        await self._link.send("ZADD", self._keys.index(index), to_ms(at), item)

    async def index_remove(self, index: str, item: str, before: datetime | None = None) -> None:
        """Remove, unless it was added or moved later."""
        self._require_open()
        if before is None:
            await self._link.send("ZREM", self._keys.index(index), item)
        else:
            await self._run(scripts.INDEX_REMOVE, (self._keys.index(index),), item, to_ms(before))

    async def index_list(self, index: str, limit: int) -> tuple[str, ...]:
        """Newest first, never more than the store's bound."""
        self._require_open()
        most = min(limit, self._limits.index_items)
        if most <= 0:
            return ()
        found = await self._link.send("ZREVRANGE", self._keys.index(index), 0, most - 1)
        return tuple(item.decode() for item in found)

    # --- due times -------------------------------------------------------------------------------

    async def due_take(self, now: datetime, limit: int, again_in: timedelta) -> tuple[str, ...]:
        """Hand out due topics, the longest overdue first."""
        due, again = to_ms(now), to_ms(now + again_in)
        for _ in range(DUE_ROUNDS):
            ripe = [name for at, name in await self._due_first(limit) if at <= due]
            if not ripe:
                break
            if taken := await self._take_due(ripe, due, again):
                return taken
        return ()

    async def due_next(self) -> datetime | None:
        """When to ask for the next."""
        found = await self._due_first(1)
        return from_ms(found[0][0]) if found else None

    async def _due_first(self, limit: int) -> list[tuple[int, str]]:
        """When, and which: the first in all buckets."""
        found: list[tuple[int, str]] = []
        for buckets in self._grouped(range(BUCKETS)):
            starts = [self._keys.topic_starts[number] for number in buckets]
            due = [self._keys.due[number] for number in buckets]
            answer = await self._run(scripts.DUE_PEEK, due, limit, *starts)
            found += zip(map(int, answer[1::2]), (name.decode() for name in answer[::2]), strict=True)
        return sorted(found)[:limit]

    async def _take_due(self, topics: Sequence[str], due: int, again: int) -> tuple[str, ...]:
        taken: set[str] = set()
        bucket_of = self._keys.bucket_of
        for buckets in self._grouped(sorted({bucket_of(name) for name in topics})):
            place = {bucket: number for number, bucket in enumerate(buckets, 1)}
            mine = [name for name in topics if bucket_of(name) in place]
            named = [part for name in mine for part in (place[bucket_of(name)], name)]
            answer = await self._run(scripts.DUE_TAKE, [self._keys.due[b] for b in buckets], due, again, *named)
            taken.update(name.decode() for name in answer)
        return tuple(name for name in topics if name in taken)

    def _grouped(self, buckets: Sequence[int]) -> list[list[int]]:
        """The buckets that one script may touch: in a cluster one, otherwise all."""
        return [[number] for number in buckets] if self._link.address.cluster else [list(buckets)]

    # --- leases and presence ---------------------------------------------------------------------

    async def lease_take(self, name: str, holder: str, ttl: timedelta) -> Lease | None:
        """Take it."""
        answer = await self._run(scripts.LEASE_TAKE, self._keys.lease(name), holder, _length(ttl))
        return Lease(name, holder, int(answer[0]), from_ms(answer[1])) if answer else None

    async def lease_renew(self, lease: Lease, ttl: timedelta) -> Lease | None:
        """Prolong it from now on."""
        answer = await self._run(scripts.LEASE_RENEW, self._keys.lease(lease.name)[:1], lease.fence, _length(ttl))
        return Lease(lease.name, lease.holder, lease.fence, from_ms(answer[0])) if answer else None

    async def lease_release(self, lease: Lease) -> None:
        """Give it up."""
        await self._run(scripts.LEASE_RELEASE, self._keys.lease(lease.name)[:1], lease.fence)

    async def presence_set(self, topic: str, key: str, value: bytes, ttl: timedelta) -> None:
        """Say that they are here."""
        token = self._seen.token()
        [changed] = await self._run(
            scripts.PRESENCE_SET, (self._keys.here(topic),), topic, key, value, _length(ttl), self._keys.hints, token
        )
        if changed:
            self._tell(token, Hint("presence", topic))

    async def presence_drop(self, topic: str, key: str) -> None:
        """It left."""
        token = self._seen.token()
        [was] = await self._run(scripts.PRESENCE_DROP, (self._keys.here(topic),), topic, key, self._keys.hints, token)
        if was:
            self._tell(token, Hint("presence", topic))

    async def presence_list(self, topic: str) -> Mapping[str, Stored]:
        """Who is here: nobody is said to be besides."""
        return await self.presence_renew(topic, {}, timedelta())

    async def presence_renew(self, topic: str, here: Mapping[str, bytes], ttl: timedelta) -> Mapping[str, Stored]:
        """All of these are here, in one script."""
        token = self._seen.token()
        pairs = (part for pair in here.items() for part in pair)
        changed, *answer = await self._run(
            scripts.PRESENCE_RENEW, (self._keys.here(topic),), topic, _length(ttl), self._keys.hints, token, *pairs
        )
        if changed:
            self._tell(token, Hint("presence", topic))
        return _people(answer)

    # --- hints and limits ------------------------------------------------------------------------

    def listen(self) -> Listener:
        """Hints from this call on (not only from the first `await`)."""
        self._require_open()
        return self._board.listen()

    def rate_storage(self) -> RateStorage:
        """Counted for all processes together."""
        return self._rates

    # --- the whole store -------------------------------------------------------------------------

    async def in_use(self) -> bool:
        """Whether somebody else listens to its hints."""
        self._require_open()
        return await self._whole.in_use(self._keys.hints)

    async def walk_topics(self, cursor: str = "") -> Page[str]:
        """By SCAN."""
        return await self._whole.topics(cursor)

    async def topic_facts(self, topic: str) -> TopicFacts | None:
        """As one view."""
        return await self._whole.facts(topic)

    async def walk_commands(self, topic: str, cursor: str = "") -> Page[CommandRecord]:
        """By HSCAN."""
        return await self._whole.commands(topic, cursor)

    async def walk_records(self, cursor: str = "") -> Page[KeyedRecord]:
        """By SCAN."""
        return await self._whole.records(cursor)

    async def walk_indexes(self, cursor: str = "") -> Page[IndexItem]:
        """By SCAN."""
        return await self._whole.indexes(cursor)

    async def newest_fence(self) -> int:
        """Of all leases."""
        return await self._whole.newest_fence()

    async def restore_topic(self, facts: TopicFacts) -> None:
        """In place of what is there."""
        await self._whole.restore_topic(facts)

    async def restore_log(
        self, facts: TopicFacts, events: Sequence[StoredEvent], commands: Sequence[CommandRecord]
    ) -> None:
        """Add a part of it."""
        await self._whole.restore_log(facts, events, commands)

    async def restore_fence(self, newest: int) -> None:
        """Never lowers it."""
        await self._whole.restore_fence(newest)

    def _tell(self, token: str, hint: Hint) -> None:
        """A hint of our own, unless the channel was faster than the answer."""
        if self._seen.first(token):
            self._board.publish([hint])

    def _require_open(self) -> None:
        if self._state != "open":
            raise StoreUnavailable("The store is not open.")


def _packed(commits: Sequence[Commit]) -> list[str | bytes | int]:
    """Commits as `append.lua` reads them."""
    packed: list[str | bytes | int] = [len(commits)]
    for commit in commits:
        packed += (commit.command, len(commit.bodies), *commit.bodies)
        if (record := commit.record) is None:
            packed.append("")
        else:
            packed += (record.key, record.outcome, to_ms(record.keep_until))
    return packed


def _numbered(commits: Sequence[Commit], head: int) -> tuple[StoredEvent, ...]:
    """The events of these commits, the last of which is number `head`."""
    pairs = [(commit.command, body) for commit in commits for body in commit.bodies]
    first = head - len(pairs) + 1
    return tuple(StoredEvent(first + n, command, body) for n, (command, body) in enumerate(pairs))


def _ms(at: datetime | None) -> str:
    return "" if at is None else str(to_ms(at))


def _people(answer: list[Answer]) -> dict[str, Stored]:
    """Key and value of each connection, of an answer that has them in turn."""
    return {key.decode(): stored(value) for key, value in zip(answer[::2], answer[1::2], strict=True)}


def _length(ttl: timedelta) -> int:
    return ttl // timedelta(milliseconds=1)
