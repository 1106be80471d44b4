"""The hub: the topics in use in this process, the commands that change them, the readers that follow them.

A topic here is a copy of the store's log, folded. The copy is never the truth: what is appended names the
entry that must be the last one, and a refusal is answered only when the store's head has been seen.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

import msgspec

from roadcrew_domain import ids
from roadcrew_domain.events import Event, Position, decode_event, encode_event, event
from roadcrew_domain.refusals import Refused
from roadcrew_server.settings import Settings
from roadcrew_server.stores.base import (
    NOTHING_YET,
    Appended,
    CommandRecord,
    Commit,
    Conflict,
    Hint,
    Known,
    Store,
    StoredEvent,
    StoreError,
    StoreUnavailable,
    StoreUncertain,
)
from roadcrew_server.topics import Kind

log = logging.getLogger(__name__)

BATCH = 64
"""Commands that one append carries at the most."""
QUEUE = 2_000
"""Commands that may wait for one topic."""
ATTEMPTS = 100
"""Conflicts in a row after which a batch is given up; each means that somebody else got on."""
STALL = 1.0
"""Seconds of a stalled loop after which nothing in memory is trusted until it was read again."""


class TopicMissing(Exception):
    """No such topic, or of a kind that this server does not serve."""


class KeyReused(Exception):
    """The idempotency key came with another body before."""


class Follower(Protocol):
    """Whoever wants to be told that a topic changed. Must not block."""

    def wake(self, topic: Topic) -> None: ...


@dataclass(frozen=True, slots=True)
class Entry:
    """An event in the ring: as rules and as bytes."""

    event: Event
    body: bytes


class _Outcome(msgspec.Struct, frozen=True):
    """What is recorded of a command."""

    body: str
    status: int
    epoch: str
    seq: int
    command: str


@dataclass(frozen=True, slots=True)
class Done:
    """A command was accepted: the state as it is now, and a position at or after the change."""

    state: Any
    position: Position
    status: int


@dataclass(slots=True)
class _Job:
    command: Any
    key: str | None
    body: str
    status: int
    answer: asyncio.Future[Done]


class Topic:
    """One topic: folded state, head, newest events, followers. Only the hub changes it."""

    def __init__(self, name: str, kind: Kind, ring: int) -> None:
        self.name = name
        self.kind = kind
        self.epoch: str | None = None
        self.head = NOTHING_YET
        self.head_command = ""
        self.state: Any = None
        self.snapshot_seq = NOTHING_YET
        self.ring: deque[Entry] = deque(maxlen=ring)
        self.followers: set[Follower] = set()
        self.presence: tuple[tuple[str, str], ...] = ()
        self.presence_tag = "0"
        self.presence_known = False
        self.used_at = time.monotonic()
        self.stale = False
        self.jobs: deque[_Job] = deque()
        self.loop: asyncio.Task[None] | None = None
        self.reading = asyncio.Lock()
        self._encoded: tuple[int, bytes] | None = None

    @property
    def position(self) -> Position:
        """The position of somebody who has read everything."""
        return Position.after(self.epoch or "", self.head, self.head_command)

    def encoded(self) -> bytes:
        """The state's JSON, made once for each head."""
        if self._encoded is None or self._encoded[0] != self.head:
            self._encoded = (self.head, self.kind.encode(self.state))
        return self._encoded[1]

    def take(self, entry: Entry) -> bool:
        """Apply the next event; False if it is not the next one."""
        if entry.event.seq != self.head + 1:
            return False
        self.settle(self.kind.evolve(self.state, entry.event), [entry])
        return True

    def settle(self, state: Any, entries: Sequence[Entry]) -> None:
        """These entries follow the head, and make `state`."""
        if not entries:
            return
        self.state = state
        self.ring.extend(entries)
        self.head = entries[-1].event.seq
        self.head_command = entries[-1].event.command

    def wake(self) -> None:
        """Tell every follower; one that fails does not keep the others from being told (T10)."""
        for follower in tuple(self.followers):
            try:
                follower.wake(self)
            except Exception:
                log.exception("a follower of %s failed", self.name)
                self.followers.discard(follower)


@dataclass(slots=True)
class HubCounters:
    """Figures for /metrics."""

    commands: int = 0
    refusals: int = 0
    conflicts: int = 0
    events: int = 0
    reloads: int = 0
    snapshots: int = 0
    by_type: dict[str, int] = field(default_factory=dict)


class Hub:
    """All topics of this process, over one store."""

    def __init__(
        self,
        store: Store,
        kinds: Sequence[Kind],
        settings: Settings,
        *,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self.store = store
        self.settings = settings
        self.counters = HubCounters()
        self.on_revoked: Callable[[str], None] = lambda _: None
        self.on_presence: Callable[[Topic], None] = lambda _: None
        self._kinds: Mapping[str, Kind] = {k.prefix: k for k in kinds}
        self._random = random
        self._topics: dict[str, Topic] = {}
        self._opening: dict[str, asyncio.Task[Topic]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    # --- life --------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Follow the store's hints, fire what is due, drop what is idle."""
        hints = self.store.listen()
        for work in (self._follow_hints(hints), self._fire_due(), self._keep_house()):
            self._spawn(work)

    async def stop(self) -> None:
        """Let running commands finish, end the rest."""
        running = [t.loop for t in self._topics.values() if t.loop is not None]
        if running:
            await asyncio.wait(running, timeout=5)
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _spawn(self, work: Any) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    @property
    def topics(self) -> Mapping[str, Topic]:
        """The topics in memory."""
        return self._topics

    def new_id(self) -> str:
        """A fresh command id, for what nobody sent."""
        return ids.uuid7(int(self.store.now().timestamp() * 1000), self._random(10))

    # --- reading -----------------------------------------------------------------------------------

    async def topic(self, name: str) -> Topic:
        """The topic, up to date as far as this process has heard. Raises `TopicMissing`."""
        topic = await self._open(name)
        if topic.state is None:
            self._topics.pop(name, None) if not topic.jobs else None
            raise TopicMissing(name)
        return topic

    async def _open(self, name: str) -> Topic:
        topic = self._topics.get(name)
        if topic is None:
            opening = self._opening.get(name)
            if opening is None:
                kind = self._kinds.get(name.partition(":")[0])
                if kind is None:
                    raise TopicMissing(name)
                opening = self._spawn(self._load_new(Topic(name, kind, self.settings.ring)))
                self._opening[name] = opening
                opening.add_done_callback(lambda _: self._opening.pop(name, None))
            topic = await asyncio.shield(opening)
        elif topic.stale:
            await self.refresh(topic)
        topic.used_at = time.monotonic()
        return topic

    async def _load_new(self, topic: Topic) -> Topic:
        await self._load(topic)
        return self._topics.setdefault(topic.name, topic)

    async def _load(self, topic: Topic) -> None:
        """Replace the copy by what the store has. Holds nothing back: the state changes in one step."""
        loaded = await self.store.load(topic.name)
        self.counters.reloads += 1
        topic.stale = False
        topic.ring.clear()
        if loaded is None:
            topic.epoch, topic.head, topic.head_command, topic.state = None, NOTHING_YET, "", None
            return
        state, head, command = None, NOTHING_YET, ""
        if loaded.snapshot is not None:
            state = topic.kind.decode(loaded.snapshot.body)
            head, command = loaded.snapshot.seq, loaded.snapshot.command
        entries = [_entry(e) for e in loaded.events]
        for entry in entries:
            state = topic.kind.evolve(state, entry.event)
        topic.epoch, topic.head, topic.head_command, topic.state = loaded.epoch, head, command, state
        topic.snapshot_seq = head
        topic.settle(state, entries)

    async def refresh(self, topic: Topic) -> None:
        """Read what the store has after our head. Raises `StoreUnavailable`."""
        async with topic.reading:
            while True:
                part = await self.store.read(topic.name, topic.head, 1000)
                if (
                    part is None
                    or part.epoch != topic.epoch
                    or part.first_kept > topic.head + 1
                    or part.head < topic.head
                ):
                    if part is not None or topic.state is not None:
                        await self._load(topic)
                    break
                if not self._absorb(topic, part.events) or topic.head >= part.head:
                    break
            topic.stale = False
        topic.wake()

    def _absorb(self, topic: Topic, events: Sequence[StoredEvent]) -> bool:
        """Apply those of `events` that are new. False if they leave a gap."""
        grew = False
        for stored in events:
            if stored.seq <= topic.head:
                continue
            if not topic.take(_entry(stored)):
                return False
            grew = True
        if grew:
            topic.wake()
        return True

    async def after(self, topic: Topic, seq: int, limit: int) -> list[Entry] | None:
        """At most `limit` entries after number `seq`; None if some of them are no longer kept."""
        if seq >= topic.head:
            return []
        first = topic.ring[0].event.seq if topic.ring else topic.head + 1
        if seq + 1 >= first:
            start = seq + 1 - first
            return [topic.ring[i] for i in range(start, min(start + limit, len(topic.ring)))]
        part = await self.store.read(topic.name, seq, limit)
        if part is None or part.epoch != topic.epoch or part.first_kept > seq + 1:
            return None
        return [_entry(e) for e in part.events]

    async def honours(self, topic: Topic, position: Position) -> bool:
        """True if somebody at `position` can go on reading there."""
        if position.epoch != topic.epoch or position.seq < 0:
            return False
        if position.seq > topic.head:
            await self.refresh(topic)
        if position.seq > topic.head or position.epoch != topic.epoch:
            return False
        if position.seq == topic.head:
            return position == topic.position
        before = await self.after(topic, position.seq - 1, 1)
        return bool(before) and ids.check_of(before[0].event.command) == position.check  # type: ignore[index]

    # --- commands ----------------------------------------------------------------------------------

    async def execute(
        self, name: str, command: Any, *, key: str | None = None, body: str = "", status: int = 200
    ) -> Done:
        """Decide, append, evolve; durable when this returns. A cancelled caller does not cancel it.

        `key` makes it safe to send twice and `body` is a hash of what was sent with it.
        Raises `Refused`, `TopicMissing` (no such kind), `KeyReused`, `StoreUnavailable`.
        """
        topic = await self._open(name)
        if len(topic.jobs) >= QUEUE:
            raise StoreUnavailable("too many commands wait for this topic")
        job = _Job(command, key, body, status, asyncio.get_running_loop().create_future())
        topic.jobs.append(job)
        if topic.loop is None:
            topic.loop = self._spawn(self._run(topic))
        return await job.answer

    async def _run(self, topic: Topic) -> None:
        """The command loop of one topic; ends when there is nothing to do."""
        try:
            while topic.jobs:
                batch = [topic.jobs.popleft() for _ in range(min(BATCH, len(topic.jobs)))]
                try:
                    await self._settle(topic, batch)
                except StoreError as error:
                    log.warning("commands of %s failed: %s", topic.name, error)
                    topic.stale = True
                    _fail(batch, StoreUnavailable(str(error)))
                except Exception as error:
                    log.exception("commands of %s failed", topic.name)
                    topic.stale = True
                    _fail(batch, error)
        finally:
            topic.loop = None
            _fail(list(topic.jobs), StoreUnavailable("the server is stopping"))
            topic.jobs.clear()

    async def _settle(self, topic: Topic, jobs: list[_Job]) -> None:
        """Answer all jobs, deciding again whenever somebody else was faster."""
        if topic.stale:
            await self.refresh(topic)
        seen = False
        for _ in range(ATTEMPTS):
            plan = self._plan(topic, jobs)
            if not plan.commits and not seen:
                await self.refresh(topic)
                seen = True
                if topic.head != plan.base:
                    continue
            if plan.commits:
                try:
                    result = await self.store.append(
                        topic.name, topic.epoch, plan.base, plan.commits, keep_until=plan.keep_until, due=plan.due
                    )
                except StoreUncertain:
                    await self._load(topic)
                    continue
                if isinstance(result, Known):
                    jobs = await self._answer_known(topic, jobs, result)
                    if not jobs:
                        return
                    continue
                if isinstance(result, Conflict):
                    self.counters.conflicts += 1
                    if result.missing is None or result.epoch != topic.epoch or not self._absorb(topic, result.missing):
                        await self._load(topic)
                    continue
                self._appended(topic, plan, result)
            for job, answer in plan.answers:
                if isinstance(answer, Refused):
                    self.counters.refusals += 1
                    _set(job, answer)
                else:
                    seq, command = answer
                    _set(job, Done(topic.state, Position.after(topic.epoch or "", seq, command), job.status))
            return
        raise StoreUnavailable("others are always faster")

    def _plan(self, topic: Topic, jobs: Sequence[_Job]) -> _Plan:
        """Decide all jobs on speculative state, one after the other."""
        now = self.store.now()
        if topic.ring:
            now = max(now, topic.ring[-1].event.at)
        plan = _Plan(topic.head, topic.state, now)
        command_of_head = topic.head_command
        for job in jobs:
            try:
                facts = topic.kind.decide(plan.state, job.command, now)
            except Refused as refused:
                plan.answers.append((job, refused))
                continue
            bodies = []
            for fact in facts:
                e = event(topic.name, plan.head + 1, now, job.command.by, job.command.id, fact)
                plan.state = topic.kind.evolve(plan.state, e)
                plan.head += 1
                command_of_head = job.command.id
                bodies.append(encode_event(e))
                plan.entries.append(Entry(e, bodies[-1]))
            if job.key is not None or bodies:
                plan.commits.append(
                    Commit(job.command.id, tuple(bodies), self._record(topic, job, plan.head, command_of_head))
                )
            plan.answers.append((job, (plan.head, command_of_head)))
        if plan.commits and plan.state is not None:
            plan.keep_until = topic.kind.keep_until(plan.state, now)
            plan.due = topic.kind.next_due(plan.state)
        return plan

    def _record(self, topic: Topic, job: _Job, seq: int, command: str) -> CommandRecord | None:
        if job.key is None:
            return None
        # At birth the epoch is not known yet; a replay fills it in.
        outcome = _Outcome(job.body, job.status, topic.epoch or "", seq, command)
        keep = self.store.now() + timedelta(days=self.settings.command_ids_days)
        return CommandRecord(job.key, msgspec.json.encode(outcome), keep)

    def _appended(self, topic: Topic, plan: _Plan, result: Appended) -> None:
        topic.epoch = result.epoch
        if topic.head == plan.base:
            topic.settle(plan.state, plan.entries)
        else:  # the store's hint was faster than its answer
            for entry in plan.entries:
                topic.take(entry)
        self.counters.commands += len(plan.commits)
        self.counters.events += len(plan.entries)
        for entry in plan.entries:
            self.counters.by_type[entry.event.type] = self.counters.by_type.get(entry.event.type, 0) + 1
        topic.wake()
        if topic.head - topic.snapshot_seq >= self.settings.snapshot_every:
            topic.snapshot_seq = topic.head
            self._spawn(self._compact(topic.name, result.epoch, topic.head, topic.head_command, topic.encoded()))

    async def _answer_known(self, topic: Topic, jobs: list[_Job], known: Known) -> list[_Job]:
        """Answer the jobs that were done before; give back the others."""
        await self.refresh(topic)
        rest = []
        for job in jobs:
            outcome = known.outcomes.get(job.key or "")
            if outcome is None:
                rest.append(job)
            else:
                self._replay(topic, job, outcome)
        return rest

    def _replay(self, topic: Topic, job: _Job, body: bytes) -> None:
        outcome = msgspec.json.decode(body, type=_Outcome)
        if outcome.body != job.body:
            _set(job, KeyReused())
            return
        position = Position.after(outcome.epoch or topic.epoch or "", outcome.seq, outcome.command)
        _set(job, Done(topic.state, position, outcome.status))

    async def replayed(self, name: str, key: str, body: str) -> Done | None:
        """The answer to a command that was accepted before, if it is remembered. Raises `KeyReused`."""
        outcome = await self.store.recorded(name, key)
        if outcome is None:
            return None
        topic = await self._open(name)
        await self.refresh(topic)
        job = _Job(None, key, body, 0, asyncio.get_running_loop().create_future())
        self._replay(topic, job, outcome)
        return await job.answer

    async def _compact(self, name: str, epoch: str, upto: int, command: str, snapshot: bytes) -> None:
        try:
            if await self.store.compact(name, epoch, upto, command, snapshot):
                self.counters.snapshots += 1
        except StoreError as error:
            log.warning("no snapshot of %s: %s", name, error)

    # --- upkeep ------------------------------------------------------------------------------------

    async def _follow_hints(self, hints: Any) -> None:
        async for hint in hints:
            try:
                await self._take_hint(hint)
            except StoreError as error:
                log.warning("hint about %s not followed: %s", hint.topic, error)
            except Exception:
                log.exception("hint about %s not followed", hint.topic)

    async def _take_hint(self, hint: Hint) -> None:
        if hint.kind == "revoked":
            self.on_revoked(hint.topic)
        elif hint.kind == "lost":
            await self.distrust()
        elif (topic := self._topics.get(hint.topic)) is not None:
            if hint.kind == "presence":
                topic.presence_known = False
                self.on_presence(topic)
            elif topic.loop is None and (hint.epoch != topic.epoch or not self._absorb(topic, hint.events)):
                # While commands run, their loop meets whatever it missed as a conflict.
                await self.refresh(topic)
            elif topic.loop is not None and hint.epoch == topic.epoch:
                self._absorb(topic, hint.events)

    async def distrust(self) -> None:
        """Nothing in memory is answered until it was read again."""
        for topic in tuple(self._topics.values()):
            topic.stale = True
        for topic in tuple(self._topics.values()):
            if topic.followers:
                await self.refresh(topic)

    async def _fire_due(self) -> None:
        while True:
            await asyncio.sleep(self.settings.timer_interval)
            try:
                for name in await self.store.due_take(self.store.now(), 100, timedelta(seconds=30)):
                    self._spawn(self._tick(name))
            except StoreError as error:
                log.warning("deadlines not looked at: %s", error)

    async def _tick(self, name: str) -> None:
        with suppress(TopicMissing, StoreError):
            topic = await self.topic(name)
            await self.execute(name, topic.kind.tick(self.new_id()))

    async def _keep_house(self) -> None:
        """Drop idle topics; notice when this process was not running for a while."""
        last = time.monotonic()
        while True:
            await asyncio.sleep(STALL / 4)
            now = time.monotonic()
            if now - last > STALL + STALL / 4:
                with suppress(StoreError):
                    await self.distrust()
            last = time.monotonic()
            spare = len(self._topics) - self.settings.max_topics
            for topic in tuple(self._topics.values()):
                idle = now - topic.used_at > self.settings.idle_topic or spare > 0
                if idle and not topic.followers and topic.loop is None and not topic.jobs:
                    del self._topics[topic.name]
                    spare -= 1


@dataclass(slots=True)
class _Plan:
    """What a batch would do."""

    base: int
    state: Any
    now: datetime
    head: int = field(init=False)
    entries: list[Entry] = field(default_factory=list)
    commits: list[Commit] = field(default_factory=list)
    answers: list[tuple[_Job, Refused | tuple[int, str]]] = field(default_factory=list)
    keep_until: datetime = field(init=False)
    due: datetime | None = None

    def __post_init__(self) -> None:
        self.head = self.base
        self.keep_until = self.now


def _entry(stored: StoredEvent) -> Entry:
    return Entry(decode_event(stored.body), stored.body)


def _set(job: _Job, answer: Done | Exception) -> None:
    if job.answer.done():
        return
    if isinstance(answer, Done):
        job.answer.set_result(answer)
    else:
        job.answer.set_exception(answer)


def _fail(jobs: Sequence[_Job], error: Exception) -> None:
    for job in jobs:
        _set(job, error)
