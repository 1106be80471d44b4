"""The hub: the topics in use in this process, and their upkeep.

A topic here is a copy of the store's log, folded (topic.py); copies.py keeps it true to the store and
commands.py changes it. The hub knows which there are, hears the store's hints, fires what is due, and forgets
what is idle.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, TypeVar

from roadcrew_domain import ids
from roadcrew_domain.events import Position
from roadcrew_server.commands import CommandLoop
from roadcrew_server.copies import Copies
from roadcrew_server.deadlines import Deadlines
from roadcrew_server.settings import Settings
from roadcrew_server.stores.base import Hint, HintStream, Store, StoreError, StoreUnavailable
from roadcrew_server.topic import Counters, Done, Entry, Job, Topic, TopicMissing
from roadcrew_server.topics import Closed, Kind, kind_of

log = logging.getLogger(__name__)

T = TypeVar("T")

QUEUE = 2_000
"""Commands that may wait for one topic."""
SPARED = 10.0
"""Seconds for which a topic stays in memory in any case: a request may be about to follow it."""
STALL = 1.0
"""Seconds of a stalled loop after which nothing in memory is trusted until it was read again."""


class Hub:
    """All topics of this process, over one store."""

    def __init__(
        self,
        store: Store,
        kinds: Sequence[Kind],
        settings: Settings,
        *,
        random: Callable[[int], bytes] = os.urandom,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.store = store
        self.settings = settings
        self.counters = Counters()
        self.on_revoked: Callable[[str], None] = lambda _: None
        self.on_changed: Callable[[str], None] = lambda _: None
        self.on_missed: Callable[[], None] = lambda: None
        self.on_presence: Callable[[Topic], None] = lambda _: None
        self.on_due: Callable[[str], Awaitable[None]] = _nothing_more
        self.on_hint: Callable[[Hint], None] = lambda _: None
        self._copies = Copies(store, self.counters, settings.snapshot_every)
        self._deadlines = Deadlines(store, settings, lambda name: self.spawn(self._tick(name)), monotonic=monotonic)
        self._commands = CommandLoop(
            store, self._copies, settings, self.counters, self.spawn, noted=self._deadlines.note
        )
        self._kinds: dict[str, Kind] = {}
        self._random = random
        self._monotonic = monotonic
        self._ran_at = monotonic()
        self._topics: dict[str, Topic] = {}
        self._opening: dict[str, tuple[Topic, asyncio.Task[Topic]]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self.serve(*kinds)

    # --- life --------------------------------------------------------------------------------------

    def serve(self, *kinds: Kind) -> None:
        """There are topics of these kinds too."""
        self._kinds.update({kind.prefix: kind for kind in kinds})

    async def start(self) -> None:
        """Follow the store's hints, fire what is due, drop what is idle."""
        hints = self.store.listen()
        for work in (self._follow_hints(hints), self._deadlines.run(), self._keep_watch(), self._keep_house()):
            self.spawn(work)

    async def stop(self) -> None:
        """Let running commands finish, end the rest."""
        running = [t.loop for t in self._topics.values() if t.loop is not None]
        if running:
            await asyncio.wait(running, timeout=5)
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Begin something that ends with the hub."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    @property
    def topics(self) -> Mapping[str, Topic]:
        """The topics in memory."""
        return self._topics

    def tells_presence(self, name: str) -> bool:
        """Whether who follows this topic is told who else does."""
        kind = kind_of(self._kinds, name)
        return kind is not None and kind.presence

    def look_at(self, moment: datetime) -> None:
        """Something may be due then that another process does not look after."""
        self._deadlines.note(moment)

    def new_id(self) -> str:
        """A fresh command id, for what nobody sent."""
        return ids.uuid7(int(self.store.now().timestamp() * 1000), self._random(10))

    # --- reading -----------------------------------------------------------------------------------

    async def topic(self, name: str) -> Topic:
        """The topic, up to date as far as this process has heard. Raises `TopicMissing`."""
        topic = await self._open(name)
        if topic.state is None:
            if topic.loop is None and not topic.jobs and self._topics.get(name) is topic:
                del self._topics[name]
            raise TopicMissing(name, topic.kind)
        return topic

    async def look(self, name: str, user: str) -> tuple[Topic, Closed | None]:
        """The topic, and why this person may not read it, or its guard (None: they may). A no is the store's: they may
        have been let in by another process, of which this one has not heard yet. Raises `TopicMissing`."""
        try:
            topic = await self.topic(name)
        except TopicMissing as missing:
            topic = await self._opened(name, user, missing)
        if topic.closed_to(user, self.store.now()) is not None:
            await self.refresh(topic)
        closed = topic.closed_to(user, self.store.now())
        if closed is None and (guard := topic.kind.guard(topic.state)) is not None:
            closed = await self._kept_out(guard, user)
        return topic, closed

    async def _kept_out(self, guard: str, user: str) -> Closed | None:
        """Why this person may not read what a topic guards. What guarded nobody any more has ended with it."""
        try:
            _, closed = await self.look(guard, user)
        except TopicMissing:
            return "ended"
        return closed and ("forbidden" if closed == "forbidden" else "ended")

    async def guard(self, topic: Topic) -> Topic | None:
        """The topic whose readers alone may read this one, up to date as far as this process has heard. Raises
        `TopicMissing`."""
        name = topic.kind.guard(topic.state)
        return None if name is None else await self.topic(name)

    async def _opened(self, name: str, user: str, missing: TopicMissing) -> Topic:
        """A topic that is born by looking at it."""
        rest = name.partition(":")[2]
        kind = missing.kind
        opening = None if kind is None else await kind.opening(rest, user, self.new_id(), self.store.now())
        if opening is None:
            raise missing
        await self.execute(name, opening)
        topic = await self._open(name)
        if topic.state is None:  # read for somebody else, before that
            await self.refresh(topic)
        return await self.topic(name)

    async def _open(self, name: str) -> Topic:
        self.notice_stall()
        topic = self._topics.get(name)
        if topic is None:
            opening = self._opening.get(name)
            if opening is None:
                kind = kind_of(self._kinds, name)
                if kind is None or not kind.names(name.partition(":")[2]):
                    raise TopicMissing(name, kind)
                new = Topic(name, kind, self.settings.ring)
                opening = self._opening[name] = new, self.spawn(self._load_new(new))
                opening[1].add_done_callback(lambda _: self._opening.pop(name, None))
            topic = await asyncio.shield(opening[1])
        while True:
            topic.used_at = self._monotonic()  # nobody takes it away while it is read
            if topic.stale:
                await self.refresh(topic)
            topic.used_at = self._monotonic()
            known = self._topics.setdefault(name, topic)
            if known is topic:
                return topic
            topic = known  # ours was taken away, empty as it was, before this one was opened; nobody tells it anything

    async def _load_new(self, topic: Topic) -> Topic:
        await self._copies.load(topic)
        return self._topics.setdefault(topic.name, topic)

    async def refresh(self, topic: Topic) -> None:
        """Read what the store has after our head. Raises `StoreUnavailable`."""
        await self._copies.refresh(topic)

    async def after(self, topic: Topic, seq: int, limit: int) -> list[Entry] | None:
        """At most `limit` entries after number `seq`; None if some of them are no longer kept."""
        return await self._copies.after(topic, seq, limit)

    async def before(self, topic: Topic, seq: int, limit: int) -> tuple[list[Entry], bool]:
        """At most `limit` entries before number `seq`, oldest first, and whether there are more before them."""
        return await self._copies.before(topic, seq, limit)

    async def honours(self, topic: Topic, position: Position) -> bool:
        """True if somebody at `position` can go on reading there."""
        return await self._copies.honours(topic, position)

    async def position(self, topic: Topic, seq: int) -> Position | None:
        """The position of somebody who has read up to number `seq`; None if there is no going on from there."""
        return await self._copies.position(topic, seq)

    # --- commands ----------------------------------------------------------------------------------

    async def execute(
        self,
        name: str,
        command: Any,
        *,
        key: str | None = None,
        body: str = "",
        status: int = 200,
        ahead: bool = False,
    ) -> Done:
        """Decide, append, evolve; durable when this returns. A cancelled caller does not cancel it.

        `key` makes it safe to send twice and `body` is a hash of what was sent with it. `ahead` of all that waits is
        what makes room for it.
        Raises `Refused`, `TopicMissing` (no topic can have that name), `KeyReused`, `StoreUnavailable`.
        """
        topic = await self._open(name)
        if len(topic.jobs) >= QUEUE:
            raise StoreUnavailable("too many commands wait for this topic")
        job = Job(command, key, body, status, asyncio.get_running_loop().create_future())
        if ahead:
            topic.jobs.appendleft(job)
        else:
            topic.jobs.append(job)
        if topic.loop is None:
            topic.loop = self.spawn(self._commands.run(topic))
        return await job.answer

    async def replayed(self, name: str, key: str, body: str) -> Done | None:
        """The answer to a command that was accepted before, if it is remembered. Raises `KeyReused`."""
        outcome = await self.store.recorded(name, key)
        if outcome is None:
            return None
        topic = await self._open(name)
        await self.refresh(topic)
        job = Job(None, key, body, 0, asyncio.get_running_loop().create_future())
        self._commands.replay(topic, job, outcome)
        return await job.answer

    # --- upkeep ------------------------------------------------------------------------------------

    async def forget(self, topic: Topic) -> None:
        """Drop a topic that nobody can follow any more, with all that the store has of it. Raises
        `StoreUnavailable`."""
        await self.store.forget(topic.name)
        await self._copies.load(topic)

    async def trim(self, topic: Topic) -> None:
        """Keep no event but the newest; what they said stands in the state, or is not to be kept. Who has not read them
        gets that. Raises `StoreUnavailable`, also when there is a snapshot of this very event."""
        head, epoch, snapshot = topic.head, topic.epoch or "", topic.kind.encode(topic.state)
        if not await self.store.compact(topic.name, epoch, head, topic.head_command, snapshot, 1):
            raise StoreUnavailable(f"the log of {topic.name!r} was not trimmed")
        topic.snapshot_seq = max(topic.snapshot_seq, head)

    async def _follow_hints(self, hints: HintStream) -> None:
        async for hint in hints:
            try:
                await self._take_hint(hint)
            except StoreError as error:
                log.warning("hint about %r not followed: %s", hint.topic, error)
            except Exception:
                log.exception("hint about %r not followed", hint.topic)

    async def _take_hint(self, hint: Hint) -> None:
        self.on_hint(hint)
        if hint.kind == "revoked":
            self.on_revoked(hint.topic)
        elif hint.kind == "changed":
            self.on_changed(hint.topic)
        elif hint.kind == "lost":
            self.counters.hints_lost += 1
            await self.distrust()
        elif (topic := self._topics.get(hint.topic)) is not None:
            if hint.kind == "presence":
                topic.presence_known = False
                self.on_presence(topic)
            elif topic.loop is None:
                if not self._copies.heed(topic, hint):
                    await self.refresh(topic)
            elif topic.epoch is not None and not self._copies.heed(topic, hint):
                topic.distrust()
        elif hint.kind == "log" and hint.topic in self._opening:  # what is being loaded may be from before
            self._opening[hint.topic][0].distrust()

    async def distrust(self) -> None:
        """Nothing in memory is answered until it was read again."""
        self._distrust()
        await self._refresh_followed()

    def _distrust(self) -> None:
        for topic in (*self._topics.values(), *(topic for topic, _ in self._opening.values())):
            topic.distrust()
        self.on_missed()

    def notice_stall(self) -> None:
        """Distrust what is in memory if this process stood still (was stopped, or too busy) until a moment ago. What
        came in meanwhile is handled before any timer, so who answers from memory asks here first."""
        now = self._monotonic()
        if now - self._ran_at > STALL + STALL / 4:
            self.counters.stalls += 1
            self._distrust()
        self._ran_at = now

    async def _refresh_followed(self) -> None:
        """Read on where somebody waits; who does not wait asks the next time."""
        for topic in tuple(self._topics.values()):
            if topic.stale and topic.followers and topic.loop is None:
                await self.refresh(topic)

    async def _tick(self, name: str) -> None:
        with suppress(TopicMissing, StoreError):
            topic = await self.topic(name)
            if (tick := topic.kind.tick(self.new_id())) is not None:
                await self.execute(name, tick)
            await self.on_due(name)

    async def _keep_watch(self) -> None:
        """Notice when this process was not running for a while. Waits for nothing else, or that would count."""
        while True:
            await asyncio.sleep(STALL / 4)
            self.notice_stall()

    async def _keep_house(self) -> None:
        """Read on what is in doubt and followed; drop idle topics."""
        while True:
            await asyncio.sleep(STALL / 4)
            try:
                await self._refresh_followed()
            except StoreError as error:
                log.warning("topics not read again: %s", error)
            except Exception:
                log.exception("topics not read again")
            now = self._monotonic()
            spare = len(self._topics) - self.settings.max_topics
            for topic in tuple(self._topics.values()):
                idle = now - topic.used_at > (SPARED if spare > 0 else self.settings.idle_topic)
                if idle and not topic.followers and topic.loop is None and not topic.jobs:
                    del self._topics[topic.name]
                    spare -= 1


async def _nothing_more(_: str) -> None:
    """What is due in a topic is announced, and that is all."""
