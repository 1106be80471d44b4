"""The command loop of a topic: decide a batch on speculative state, append once, evolve when it is durable.

What is appended names the entry that must be the last one, and a refusal is answered only when the store's
head has been seen, so it does not matter how far behind this process was.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from roadcrew_domain.events import Position, decode_event, encode_event, event
from roadcrew_domain.refusals import Refused
from roadcrew_server.copies import Copies
from roadcrew_server.settings import Settings
from roadcrew_server.stores.base import (
    Appended,
    CommandRecord,
    Commit,
    Conflict,
    Known,
    Store,
    StoreError,
    StoreUnavailable,
    StoreUncertain,
)
from roadcrew_server.topic import Counters, Done, Entry, Job, KeyReused, Topic

log = logging.getLogger(__name__)

BATCH = 64
"""Commands that one append carries at the most."""
ATTEMPTS = 100
"""Conflicts in a row after which a batch is given up; each means that somebody else got on."""


EVER = datetime.min.replace(tzinfo=UTC)
LAST = datetime.max.replace(tzinfo=UTC) - timedelta(days=1)


class _Outcome(msgspec.Struct, frozen=True):
    """What is recorded of a command."""

    body: str
    status: int
    epoch: str
    seq: int
    command: str


class CommandLoop:
    """Runs what waits in topics' queues."""

    def __init__(
        self,
        store: Store,
        copies: Copies,
        settings: Settings,
        counters: Counters,
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        *,
        noted: Callable[[datetime | None], object] = lambda _: None,
    ) -> None:
        """`noted` hears when a topic is due now."""
        self._noted = noted
        self._store = store
        self._copies = copies
        self._settings = settings
        self._counters = counters
        self._spawn = spawn

    async def run(self, topic: Topic) -> None:
        """The command loop of one topic; ends when there is nothing to do."""
        try:
            while topic.jobs:
                batch = _next_batch(topic)
                try:
                    await self._settle(topic, batch)
                except StoreError as error:
                    log.warning("commands of %r failed: %s", topic.name, error)
                    topic.distrust()
                    _fail(batch, StoreUnavailable(str(error)))
                except Exception as error:
                    log.exception("commands of %r failed", topic.name)
                    topic.distrust()
                    _fail(batch, error)
                except BaseException:
                    _fail(batch, StoreUnavailable("the server is stopping"))
                    raise
        finally:
            topic.loop = None
            _fail(list(topic.jobs), StoreUnavailable("the server is stopping"))
            topic.jobs.clear()
        if topic.stale and topic.followers:  # something was missed while this ran
            self._spawn(self._refresh_quietly(topic))

    async def _refresh_quietly(self, topic: Topic) -> None:
        with suppress(StoreError):  # the hub's upkeep tries again
            await self._copies.refresh(topic)

    async def _settle(self, topic: Topic, jobs: list[Job]) -> None:
        """Answer all jobs, deciding again whenever somebody else was faster."""
        if topic.stale:
            await self._copies.refresh(topic)
        seen = False
        for _ in range(ATTEMPTS):
            plan = self._plan(topic, jobs)
            if not plan.commits and not seen:
                await self._copies.refresh(topic)
                seen = True
                if not plan.follows(topic):
                    continue
            if plan.commits:
                try:
                    result = await self._store.append(
                        topic.name,
                        plan.epoch,
                        plan.base,
                        plan.commits,
                        expected_command=plan.base_command,
                        keep_until=plan.keep_until,
                        due=plan.due,
                    )
                except StoreUncertain:
                    await self._copies.load(topic)
                    continue
                if isinstance(result, Known):
                    jobs = await self._answer_known(topic, jobs, result)
                    if not jobs:
                        return
                    continue
                if isinstance(result, Conflict):
                    self._counters.conflicts += 1
                    if (
                        result.missing is None
                        or result.epoch != topic.epoch
                        or not self._copies.absorb(topic, plan.base_command, result.missing)
                    ):
                        await self._copies.load(topic)
                    continue
                self._appended(topic, plan, result)
            for job, answer in plan.answers:
                if isinstance(answer, Exception):
                    await self._refuse(topic, job, answer)
                else:
                    state, seq, command = answer
                    _set(job, Done(state, Position.after(topic.epoch or "", seq, command), job.status))
            return
        raise StoreUnavailable("others are always faster")

    async def _refuse(self, topic: Topic, job: Job, error: Exception) -> None:
        """Say no, unless this very command was accepted before and its answer got lost."""
        outcome = None if job.key is None else await self._store.recorded(topic.name, job.key)
        if outcome is not None:
            self.replay(topic, job, outcome)
            return
        self._counters.refusals += 1
        _set(job, error)

    def _plan(self, topic: Topic, jobs: Sequence[Job]) -> _Plan:
        """Decide all jobs on speculative state, one after the other."""
        now = max(self._store.now(), topic.last_at or EVER)
        plan = _Plan(topic.epoch, topic.head, topic.head_command, topic.state, now)
        for job in jobs:
            try:
                entries, state = _decided(topic, plan, job)
            except Refused as refused:
                plan.answers.append((job, refused))
                continue
            except Exception as error:
                log.exception("a command of %r failed", topic.name)
                plan.answers.append((job, error))
                continue
            plan.state = state
            plan.entries += entries
            plan.head += len(entries)
            plan.command = job.command.id if entries else plan.command
            bodies = [entry.body for entry in entries]
            if job.key is not None or bodies:
                plan.commits.append(
                    Commit(job.command.id, tuple(bodies), self._record(topic, job, plan.head, plan.command))
                )
            plan.answers.append((job, (plan.state, plan.head, plan.command)))
        if plan.commits and plan.state is not None:
            plan.keep_until = topic.kind.keep_until(plan.state, now)
            plan.due = _rounded_up(topic.kind.next_due(plan.state))
        return plan

    def _record(self, topic: Topic, job: Job, seq: int, command: str) -> CommandRecord | None:
        if job.key is None:
            return None
        # At birth the epoch is not known yet; a replay fills it in.
        outcome = _Outcome(job.body, job.status, topic.epoch or "", seq, command)
        keep = self._store.now() + timedelta(days=self._settings.command_ids_days)
        return CommandRecord(job.key, msgspec.json.encode(outcome), keep)

    def _appended(self, topic: Topic, plan: _Plan, result: Appended) -> None:
        self._noted(plan.due)
        if grew := plan.follows(topic):
            topic.epoch = result.epoch
            topic.settle(plan.state, plan.entries)
        elif topic.command_at(result.head) != plan.command:
            topic.distrust()  # it was loaded anew meanwhile, with the change or without
        self._counters.commands += len(plan.commits)
        self._counters.events += len(plan.entries)
        for entry in plan.entries:
            self._counters.by_type[entry.event.type] = self._counters.by_type.get(entry.event.type, 0) + 1
        if grew:
            topic.wake()
        self._spawn(self._copies.keep_records(topic, plan.keep_until))
        if topic.kind.keeps is not None and topic.head - topic.snapshot_seq >= self._settings.snapshot_every:
            topic.snapshot_seq = topic.head
            state, keeps = topic.kind.encode(topic.state), topic.kind.keeps
            self._spawn(self._compact(topic.name, result.epoch, topic.head, topic.head_command, state, keeps))

    async def _answer_known(self, topic: Topic, jobs: list[Job], known: Known) -> list[Job]:
        """Answer the jobs that were done before; give back the others."""
        await self._copies.refresh(topic)
        rest = []
        for job in jobs:
            outcome = known.outcomes.get(job.key or "")
            if outcome is None:
                rest.append(job)
            else:
                self.replay(topic, job, outcome)
        return rest

    def replay(self, topic: Topic, job: Job, body: bytes) -> None:
        """Answer a job as its command was answered before."""
        outcome = msgspec.json.decode(body, type=_Outcome)
        if outcome.body != job.body:
            _set(job, KeyReused())
            return
        position = Position.after(outcome.epoch or topic.epoch or "", outcome.seq, outcome.command)
        _set(job, Done(topic.state, position, outcome.status))

    async def _compact(self, name: str, epoch: str, upto: int, command: str, snapshot: bytes, keeps: int) -> None:
        try:
            if await self._store.compact(name, epoch, upto, command, snapshot, keeps):
                self._counters.snapshots += 1
        except StoreError as error:
            log.warning("no snapshot of %r: %s", name, error)


@dataclass(slots=True)
class _Plan:
    """What a batch would do."""

    epoch: str | None
    base: int
    base_command: str
    state: Any
    now: datetime
    head: int = field(init=False)
    command: str = field(init=False)
    entries: list[Entry] = field(default_factory=list)
    commits: list[Commit] = field(default_factory=list)
    answers: list[tuple[Job, Exception | tuple[Any, int, str]]] = field(default_factory=list)
    keep_until: datetime = field(init=False)
    due: datetime | None = None

    def __post_init__(self) -> None:
        self.head, self.command = self.base, self.base_command
        self.keep_until = self.now

    def follows(self, topic: Topic) -> bool:
        """True if it was made on what the copy still is."""
        return (topic.epoch, topic.head, topic.head_command) == (self.epoch, self.base, self.base_command)


def _next_batch(topic: Topic) -> list[Job]:
    """The first jobs of the queue. One that repeats the key of another waits until that one is recorded."""
    batch: list[Job] = []
    repeated: list[Job] = []
    keys: set[str | None] = set()
    while topic.jobs and len(batch) < BATCH:
        job = topic.jobs.popleft()
        (repeated if job.key is not None and job.key in keys else batch).append(job)
        keys.add(job.key)
    topic.jobs.extendleft(reversed(repeated))
    return batch


def _decided(topic: Topic, plan: _Plan, job: Job) -> tuple[list[Entry], Any]:
    """What a command would append, and the state after it. Raises `Refused`."""
    state, entries = plan.state, []
    for seq, fact in enumerate(topic.kind.decide(plan.state, job.command, plan.now), plan.head + 1):
        body = encode_event(event(topic.name, seq, plan.now, job.command.by, job.command.id, fact))
        e = decode_event(body)  # what could not be read again would be the end of the topic
        state = topic.kind.evolve(state, e)
        entries.append(Entry(e, body))
    return entries, state


def _rounded_up(due: datetime | None) -> datetime | None:
    """Stores keep milliseconds; a timer that came a moment early would find nothing to announce."""
    if due is None or due.microsecond % 1000 == 0 or due > LAST:
        return due
    return due + timedelta(milliseconds=1)


def _set(job: Job, answer: Done | Exception) -> None:
    if job.answer.done():
        return
    if isinstance(answer, Done):
        job.answer.set_result(answer)
    else:
        job.answer.set_exception(answer)


def _fail(jobs: Sequence[Job], error: Exception) -> None:
    for job in jobs:
        _set(job, error)
