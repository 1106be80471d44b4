"""Sees to it that what waits in the outbox is sent: by who follows its topic, else in the background. And what a
person can do about it: look, drop, let what is old be sent.

Only what this person made at this server, and only what belongs to no other program that runs. Not for keeping changes,
nor for sending one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from roadcrew_client.changes import Refusal, SendState
from roadcrew_client.context import Context
from roadcrew_client.errors import RoadcrewError
from roadcrew_client.models import Answer, SessionInfo, User, read
from roadcrew_client.outbox import Outbox, OutboxChange, OutboxEntry, Tally
from roadcrew_client.sender import DROPPED, Job, Sender
from roadcrew_client.sync.backoff import jittered

if TYPE_CHECKING:
    from roadcrew_client._pendings import Pendings

logger = logging.getLogger(__name__)

NewsKind = Literal["tally", "refused", "known", "trouble"]


@dataclass(frozen=True, slots=True)
class OutboxNews:
    """What a person may want to hear: the counts, at first and whenever they are others; the `entry` that was
    `refused`, of a topic that nobody looks at; who we are, `known` at last; `trouble` with the disk, in words."""

    kind: NewsKind
    tally: Tally
    entry: OutboxEntry | None = None
    words: str = ""
    user: User | None = None


class Delivery:
    """Of one client: works between `start` and `stop`, on the client's event loop."""

    def __init__(self, context: Context, outbox: Outbox) -> None:
        self._context = context
        self._outbox = outbox
        self._followed: list[Pendings] = []
        self._rounds: dict[str, _Round] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._listeners: dict[object, Callable[[OutboxNews], None]] = {}
        self._unlisten: Callable[[], None] | None = None
        self._moved = asyncio.Event()
        self._looks = 0
        self._tries = 0
        self._ask_at = 0.0
        """Not before this is asked who we are: a `Retry-After`."""
        self.tally = Tally()

    # --- starting and stopping --------------------------------------------------------------------

    def start(self) -> None:
        """Begin; returns at once."""
        if self._task is None:
            loop = asyncio.get_running_loop()
            self._unlisten = self._outbox.listen(lambda change: _safely(loop, lambda: self._outbox_changed(change)))
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End, and let go of everything: it waits in the outbox for the next one."""
        if self._unlisten is not None:
            self._unlisten()
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        rounds, self._rounds = self._rounds, {}
        for round_ in rounds.values():
            await round_.stop()
            self._outbox.release(tuple(round_.left))

    def listen(self, callback: Callable[[OutboxNews], None]) -> Callable[[], None]:
        """Call `callback` on news, on the client's event loop. Returns what ends that."""
        mark = object()
        self._listeners[mark] = callback
        return lambda: self._listeners.pop(mark, None) and None

    def kick(self) -> None:
        """The server has answered somebody: no use in waiting on."""
        self._wake.set()
        for round_ in self._rounds.values():
            round_.sender.kick()

    # --- what a person does -----------------------------------------------------------------------

    async def entries(self) -> list[OutboxEntry]:
        """All changes of this person at this server, in the order in which they were made; of everybody who was here,
        while it is not known who we are."""
        user = self._context.session.user
        return await self._outbox.entries(self._context.server, None if user is None else user.id)

    async def drop(self, ids: Collection[str]) -> tuple[str, ...]:
        """Send these no more, nor what makes no sense without them; what was refused is just forgotten. Returns the ids
        of all. One that is on its way may arrive all the same."""
        gone = await self._outbox.drop(ids)
        for pendings in self._followed:
            pendings.withdraw(gone, DROPPED)
        for round_ in self._rounds.values():
            round_.withdraw(gone)
        return gone

    async def send(self, ids: Collection[str]) -> tuple[str, ...]:
        """Send changes that ask, with those that they need. Returns the ids of all."""
        agreed = await self._outbox.agree(ids)
        self._wake.set()
        return agreed

    async def settle(self, seconds: float) -> Tally:
        """Wait until nothing is being sent in the background, at most so long. Returns what is left."""
        self.start()
        enough = self._looks + 2  # one may be under way, and have looked before the last change
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._looks < enough or any(round_.left for round_ in self._rounds.values()):
                    if self._looks < enough:
                        self._wake.set()
                    self._moved.clear()
                    await self._moved.wait()
        return await self._count()

    async def at_rest(self) -> None:
        """Wait until nothing is on its way in the background: each change is answered, or held up by something."""
        enough = self._looks + 2  # as above
        while self._task is not None:
            looked = self._looks >= enough
            if looked and not any(round_.left and not round_.held_up for round_ in self._rounds.values()):
                return
            if not looked:
                self._wake.set()
            self._moved.clear()
            await self._moved.wait()

    # --- topics that are followed -----------------------------------------------------------------

    async def hand_over(self, pendings: Pendings) -> None:
        """A topic is followed: what waits for it is its own, and has been given to it when this returns."""
        self.start()
        self._followed.append(pendings)
        round_ = self._rounds.pop(pendings.topic, None)
        if round_ is not None:
            pendings.restore(round_.left.values())
            await round_.stop()
        await self._take()

    def left(self, pendings: Pendings) -> None:
        """It is followed no more; what waits is for us."""
        with suppress(ValueError):
            self._followed.remove(pendings)
        self._wake.set()

    def another_person(self) -> None:
        """Somebody else signs in: what waits is not theirs, and is not sent in their name."""
        for round_ in self._rounds.values():
            mine = tuple(round_.left)
            round_.withdraw(mine)
            self._outbox.release(mine)
        self._wake.set()

    # --- the work ---------------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            try:
                await self._look()
            except Exception:
                # Nothing in there should; what waits must go on being sent.
                logger.exception("looking into the outbox failed in a way that nobody foresaw")
            await self._nap()

    async def _look(self) -> None:
        session = self._context.session
        due = self._tries and self._context.clock.monotonic() >= self._ask_at
        if not session.known and session.token is not None and due:
            await self._introduce()
        self._wake.clear()
        await self._take()
        tally = await self._count()
        if tally != self.tally or not self._looks:
            self.tally = tally
            self._tell("tally")
        self._looks += 1
        self._moved.set()

    async def _take(self) -> None:
        user = self._context.session.user
        if user is None:
            return
        taken = await self._outbox.take(self._context.server, user.id, self._context.oldest())
        now = self._context.session.user
        if now is None or now.id != user.id:
            self._outbox.release([entry.id for entry in taken])
        else:
            self._share(taken)

    async def _count(self) -> Tally:
        user = self._context.session.user
        return await self._outbox.tally(self._context.server, None if user is None else user.id)

    async def _nap(self) -> None:
        s = self._context.settings
        unknown = not self._context.session.known and self._context.session.token is not None
        jitter, asked = jittered(self._tries, self._context.chance(), s), self._ask_at - self._context.clock.monotonic()
        seconds = min(jitter + max(asked, 0.0), s.outbox_look + jitter) if unknown else s.outbox_look
        self._tries = self._tries + 1 if unknown else 0
        sleep = asyncio.ensure_future(self._context.clock.sleep(seconds))
        wake = asyncio.ensure_future(self._wake.wait())
        try:
            await asyncio.wait({sleep, wake}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleep.cancel()
            wake.cancel()

    async def _introduce(self) -> None:
        """There is a token, and nobody could be asked yet whose it is: what waits is sent in no unknown name."""
        try:
            reply = await self._context.session.call("GET", "/api/session")
            self._context.session.know(read(reply.body, SessionInfo))
        except RoadcrewError as error:
            logger.debug("who we are is not known yet: %s", error.code)
            self._ask_at = self._context.clock.monotonic() + (error.retry_after or 0.0)
        else:
            self._tell("known")

    def _share(self, entries: Iterable[OutboxEntry]) -> None:
        by_topic: dict[str, list[OutboxEntry]] = {}
        for entry in entries:
            by_topic.setdefault(entry.topic, []).append(entry)
        for topic, waiting in by_topic.items():
            pendings = next((pendings for pendings in self._followed if pendings.topic == topic), None)
            if pendings is not None:
                pendings.restore(waiting)
                continue
            if topic not in self._rounds:
                self._rounds[topic] = _Round(self._context, self._ended, self._moved.set)
            self._rounds[topic].add(waiting)

    def _ended(self, entry: OutboxEntry, refusal: Refusal | None) -> None:
        """A change of a topic that nobody looks at has been answered."""
        self._moved.set()
        if refusal is not None:
            self._tell("refused", replace(entry, state="refused", refusal=refusal))

    def _outbox_changed(self, change: OutboxChange) -> None:
        if change.words:
            self._tell("trouble", words=change.words)
        self._wake.set()

    def _tell(self, kind: NewsKind, entry: OutboxEntry | None = None, words: str = "") -> None:
        news = OutboxNews(kind, self.tally, entry, words, self._context.session.user)
        for callback in tuple(self._listeners.values()):
            try:
                callback(news)
            except Exception:
                # A listener's fault is its own.
                logger.exception("a listener failed")


class _Round:
    """The sending of what waits for one topic that nobody looks at. `left`: what is not answered. `held_up`: the last
    try has failed, and the next one is not due."""

    def __init__(
        self,
        context: Context,
        ended: Callable[[OutboxEntry, Refusal | None], None],
        moved: Callable[[], None],
    ) -> None:
        self.left: dict[str, OutboxEntry] = {}
        self.sender = Sender(context, self)
        self.held_up = False
        self._ended = ended
        self._moved = moved
        self._task = asyncio.create_task(self.sender.run())

    def add(self, entries: Collection[OutboxEntry]) -> None:
        """These too, each in its place."""
        self.left |= {entry.id: entry for entry in entries}
        self.sender.put_in_order(Job(e.id, e.call, held=True, number=e.number) for e in entries)

    def withdraw(self, commands: Collection[str]) -> None:
        """Not any more."""
        for command in commands:
            self.left.pop(command, None)
        self.sender.withdraw(commands)

    async def stop(self) -> None:
        """End; `left` stays as it is."""
        self._task.cancel()
        await asyncio.wait([self._task])

    def still_wanted(self, command: str) -> bool:
        return command in self.left

    def sending(self, command: str, state: SendState, error: RoadcrewError | None) -> None:
        """Nobody looks, but who leaves may wait."""
        self.held_up = error is not None
        self._moved()

    def accepted(self, command: str, answer: Answer, seconds: float) -> None:
        self._end(command, None)

    def refused(self, command: str, error: RoadcrewError) -> None:
        self._end(command, Refusal(error.code, error.detail, error.facts))

    def set_aside(self, command: str, why: RoadcrewError) -> None:
        self._end(command, None)

    def _end(self, command: str, refusal: Refusal | None) -> None:
        entry = self.left.pop(command, None)
        if entry is not None:
            self._ended(entry, refusal)


def _safely(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    with suppress(RuntimeError):  # the loop has ended, and nobody is left to be told
        loop.call_soon_threadsafe(call)
