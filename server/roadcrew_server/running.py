"""Who does the work of a topic (a quote run, an import): one process at a time, under a lease, until the topic says it
is over. When that process dies, another takes the work up; what was done stands in the log, and is not done again.

Two things keep two processes from working at once: the lease, which tells them, and its fence, which the rules check at
every change. So one that slept through the loss of its lease can write nothing. What is done is for a `Work` to say.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, Protocol, TypeVar

from roadcrew_domain.refusals import Refused
from roadcrew_server.hub import Hub
from roadcrew_server.settings import Settings
from roadcrew_server.stores.base import Appended, Commit, Hint, Lease, Store, StoreError
from roadcrew_server.topic import Topic, TopicMissing

log = logging.getLogger(__name__)

T = TypeVar("T")

LEASE = timedelta(seconds=9)
RENEWED = 3.0
"""Seconds after which it is prolonged."""
AGAIN = 0.5
"""Seconds until a store is asked again for what it could not do."""
OVERTIME = 3
"""Prolongations through which work may go on after its topic has said that it is over."""
LOOK = timedelta(seconds=12)
"""So long after it heard of a topic with work, a process looks for such whose process has died."""
STOPPING = 5.0
"""Seconds that work has to end when the server stops."""


class Work(Protocol):
    """What is done for one kind of topic."""

    prefix: str

    def wants(self, state: Any) -> bool:
        """Whether there is work to do."""

    def start(self, command_id: str, fence: int) -> Any:
        """The command by which the process with that fence takes the work up."""

    async def run(self, run: Run) -> None:
        """Do it, until the state wants no more. Cancelled when another process may do it from now on, and when it has
        gone on for some seconds after `Run.ended`."""

    async def over(self, name: str, state: Any) -> None:
        """It is over: tell whom that concerns. Called at least once, perhaps by several processes. May raise `Refused`
        and `TopicMissing`, when that concerns nobody any more."""

    def tell_end(self, command_id: str) -> Any:
        """The command that says so, once that is done: nobody looks for it any more."""


class Run:
    """What a `Work` has of the topic that it works for, under one lease."""

    def __init__(self, hub: Hub, topic: Topic, wants: Callable[[Any], bool], fence: int) -> None:
        self.name = topic.name
        self.fence = fence
        self._hub = hub
        self._topic = topic
        self._wants = wants
        self._ended = asyncio.Event()

    @property
    def state(self) -> Any:
        """As this process knows it now."""
        return self._topic.state

    @property
    def is_over(self) -> bool:
        """Whether the topic wants no more work."""
        return self.state is None or not self._wants(self.state)

    async def ended(self) -> None:
        """Wait until the topic wants no more work: somebody cancelled it, here or at another process, or its time is
        over."""
        await self._ended.wait()

    async def act(self, make: Callable[[str, int], Any]) -> Any:
        """Do what `make` makes of a command id and the fence; the state after it. Done once, however often the store
        fails; who waits is cancelled when the lease is lost. Raises `Refused`, `fenced-off` where it was."""
        command = make(self._hub.new_id(), self.fence)
        key = f"runner:{command.id}"
        return (await _insist(lambda: self._hub.execute(self.name, command, key=key))).state

    def wake(self, topic: Topic) -> None:
        """The topic has changed."""
        if self.is_over:
            self._ended.set()

    def failed(self) -> None:
        """It is not known any more what the topic wants; whoever takes it up next knows."""
        self._ended.set()


class Runners:
    """The work that this process does."""

    def __init__(
        self, hub: Hub, store: Store, works: Sequence[Work], settings: Settings, *, holder: str | None = None
    ) -> None:
        """`holder` tells this process from others; by default it is random."""
        self.taken_over = 0
        self._hub = hub
        self._store = store
        self._works = {work.prefix: work for work in works}
        self._prefixes = tuple(f"{work.prefix}:" for work in works)
        self._most = settings.runs_per_process
        self._holder = holder or secrets.token_hex(8)
        self._under_way: dict[str, dict[str, asyncio.Task[None]]] = {work.prefix: {} for work in works}
        self._stopping = False

    def __len__(self) -> int:
        return sum(map(len, self._under_way.values()))

    def begin(self, name: str) -> None:
        """There is work in a topic, perhaps since a moment ago: do it, unless another process does. More of its kind
        than there is room for waits until it is due; so imports that wait for their service hold up no quote run."""
        work = self._work(name)
        if work is None or self._stopping:
            return
        of_kind = self._under_way[work.prefix]
        if name not in of_kind and len(of_kind) < self._most:
            of_kind[name] = task = self._hub.spawn(self._take_up(name, work))
            task.add_done_callback(lambda _: of_kind.pop(name, None))

    async def attend(self, name: str) -> None:
        """A topic is due, or may have ended: do its work, or tell that it is over. Of other kinds it does nothing.
        Raises `TopicMissing` and `StoreError`."""
        work = self._work(name)
        if work is None:
            return
        state = (await self._hub.topic(name)).state
        if work.wants(state):
            self.begin(name)
        elif not state.told:
            await self._tell(work, name, state)

    def hinted(self, hint: Hint) -> None:
        """Somewhere a topic grew. If it is one with work, its process may be dead when it is due."""
        if hint.kind == "lost" or (hint.kind == "log" and hint.topic.startswith(self._prefixes)):
            self._hub.look_at(self._store.now() + LOOK)

    async def stop(self) -> None:
        """End all work here, so that other processes, or the next one, take it up at once."""
        self._stopping = True
        tasks = [task for of_kind in self._under_way.values() for task in of_kind.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=STOPPING)

    # --- one piece of work ---------------------------------------------------------------------------

    def _work(self, name: str) -> Work | None:
        return self._works.get(name.partition(":")[0])

    async def _take_up(self, name: str, work: Work) -> None:
        try:
            until = asyncio.get_running_loop().time() + LEASE.total_seconds()
            lease = await self._store.lease_take(f"run:{name}", self._holder, LEASE)
            if lease is not None:
                await self._hold(lease, until, name, work)
        except (StoreError, TopicMissing) as error:
            log.warning("work of %r not taken up: %s", name, error)

    async def _hold(self, lease: Lease, until: float, name: str, work: Work) -> None:
        topic = await self._hub.topic(name)
        run = Run(self._hub, topic, work.wants, lease.fence)
        topic.followers.add(run)
        working = asyncio.create_task(self._do(run, work))
        try:
            await self._keep(lease, until, run, working)
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
            topic.followers.discard(run)
            with suppress(StoreError):
                await self._store.lease_release(lease)
                if self._stopping and not run.is_over:
                    await self._leave_due(topic)

    async def _keep(self, lease: Lease, until: float, run: Run, working: asyncio.Task[None]) -> None:
        """Prolong the lease until the work is done. Returns too when the lease is, or may be, lost."""
        clock, overtime = asyncio.get_running_loop().time, 0
        while not (await asyncio.wait({working}, timeout=RENEWED))[0] and overtime < OVERTIME:
            asked = clock()
            overtime += run.is_over
            if not await self._prolonged(lease, until):
                log.warning("the lease of %r was lost", run.name)
                return
            until = asked + LEASE.total_seconds()

    async def _prolonged(self, lease: Lease, until: float) -> bool:
        """A store that fails is asked again for as long as that is of use."""
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                return await _insist(lambda: self._store.lease_renew(lease, LEASE)) is not None
        return False

    async def _do(self, run: Run, work: Work) -> None:
        try:
            state = await run.act(work.start)
            if work.wants(state):
                self.taken_over += state.runners > 1
                await work.run(run)
            if run.is_over and run.state is not None:
                await _insist(lambda: self._tell(work, run.name, run.state))
        except Refused as refused:
            log.info("work of %r ends here: %s", run.name, refused.code)
        except Exception:
            log.exception("work of %r failed", run.name)

    async def _tell(self, work: Work, name: str, state: Any) -> None:
        with suppress(Refused, TopicMissing):
            await work.over(name, state)
        await self._hub.execute(name, work.tell_end(self._hub.new_id()))

    async def _leave_due(self, topic: Topic) -> None:
        """Have it taken up as soon as somebody looks."""
        await self._hub.refresh(topic)
        now = self._store.now()
        result = await self._store.append(
            topic.name,
            topic.epoch,
            topic.head,
            (Commit(self._hub.new_id(), ()),),
            expected_command=topic.head_command,
            keep_until=topic.kind.keep_until(topic.state, now),
            due=now,
        )
        if not isinstance(result, Appended):
            log.info("somebody was faster with %r", topic.name)


async def _insist(do: Callable[[], Awaitable[T]]) -> T:
    """What comes of it once the store can do it. Who waits sets the end."""
    while True:
        try:
            return await do()
        except StoreError as error:
            log.warning("tried again: %s", error)
        await asyncio.sleep(AGAIN)
