"""Some topics that stay as they are at the server, while which ones they are may change: what a cart with its slots has
in common with quote runs, imports and talk. Not for changing them, nor for trips, which are followed one by one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar

from roadcrew_client._followed import Followed
from roadcrew_client.changes import SyncState, SyncStatus
from roadcrew_client.context import Context
from roadcrew_client.errors import RoadcrewError
from roadcrew_client.frames import Gone, Item, Reset
from roadcrew_client.models import SessionInfo, read
from roadcrew_client.replica import Verdict
from roadcrew_client.sync import policy
from roadcrew_client.sync.backoff import jittered
from roadcrew_client.sync.cursors import place_in
from roadcrew_client.sync.engine import Engine
from roadcrew_client.sync.sides import Taken
from roadcrew_client.sync.source import SyncSource
from roadcrew_domain.events import Event

logger = logging.getLogger(__name__)

S = TypeVar("S")


class States(Protocol[S]):
    """The topics as they are known here."""

    @property
    def states(self) -> Mapping[str, S]:
        """By topic. A value: it is replaced, not changed."""
        ...

    def keep_only(self, topics: Collection[str]) -> bool:
        """Nothing of other topics is followed any more. Whether something of them was known."""
        ...

    def drop(self, topic: str) -> None:
        """There is no such topic any more, or nobody looks."""
        ...

    def reset(self, topic: str, state: S, seq: int, epoch: str | None) -> bool:
        """The whole state as of `seq`. False if it changes nothing here."""
        ...

    def confirm(self, e: Event) -> Verdict:
        """Apply an event. `gap` and `unknown` change nothing: the state must be read again."""
        ...


class LiveTopics(Followed, Generic[S]):
    """Syncs between `start` and `stop`. All of it belongs to one event loop. Who builds on it says which topics are
    wanted, and tells its listeners."""

    def __init__(
        self,
        context: Context,
        states: States[S],
        shape: type[S] | tuple[type[S], ...],
        on_stop: Callable[[Any], None],
    ) -> None:
        """`shape`: what states are."""
        self._context = context
        self._states = states
        self._shape = shape
        self._on_stop = on_stop
        self._source = SyncSource(context, ())
        self._engine = Engine(
            self._source,
            _FromEngine(self),
            (),
            settings=context.settings,
            clock=context.clock,
            chance=context.chance,
        )
        self._turned = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._mode: policy.Mode = "stopped"
        self._since = context.clock.now()
        self._error: RoadcrewError | None = None
        self._stopped = False

    # --- for who builds on it -----------------------------------------------------------------------

    def _wanted(self) -> tuple[str, ...]:
        """The topics to follow now; none while that can't be said."""
        raise NotImplementedError

    async def _begin(self) -> None:
        """Done beside following, from its start."""

    def _changed(self, topic: str, event: Event | None) -> None:
        """A state is another one, by an event or (None) as it was told."""
        raise NotImplementedError

    def _dropped(self) -> None:
        """Some topics are not followed any more."""
        raise NotImplementedError

    def _gone(self, topic: str, reason: str) -> None:
        """There is no such topic, or not for us."""
        raise NotImplementedError

    def _moved(self) -> None:
        """The status is another one."""
        raise NotImplementedError

    # --- what there is to see -----------------------------------------------------------------------

    @property
    def status(self) -> SyncStatus:
        """Which of live, polling, paused … holds."""
        state = self._engine.state
        mode: SyncState
        if self._stopped:
            mode = "paused"
        elif state.mode == "stopped":
            mode = "connecting" if self._context.session.token is not None else "signed-out"
        else:
            mode = state.mode
        return SyncStatus(
            state=mode,
            interval=(state.interval or self._context.settings.poll_fast) if mode == "polling" else None,
            waiting=0,
            since=self._since,
            attempts=0 if mode == "live" else state.tries,
            last_error=self._engine.error or self._error,
            latency=None,
        )

    def server_now(self) -> datetime:
        """What time it is at the server, as well as we know: what a countdown counts by."""
        return self._context.server_time.now()

    # --- starting and stopping ----------------------------------------------------------------------

    async def start(self) -> None:
        """Begin to sync; returns at once."""
        if self._task is None and not self._stopped:
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop syncing."""
        self._stopped = True
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        self._on_stop(self)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _run(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._begin())
                while not self._wanted():
                    await self._turned.wait()
                    self._turned.clear()
                self._turn()
                group.create_task(self._engine.run())
                while True:
                    await self._turned.wait()
                    self._turned.clear()
                    self._turn()
                    await self._context.clock.sleep(self._context.settings.look_throttle)
        except Exception:
            # Nothing in there should; if it does, it must be seen and not end the program that draws.
            logger.exception("following %s ended in a way that nobody foresaw", type(self).__name__)

    def _turn(self) -> None:
        """Ask for what is looked at now."""
        topics = self._wanted()
        left = self._states.keep_only(topics)
        self._source.topics = topics
        self._engine.follow(topics)
        if left:
            self._dropped()

    async def _introduce(self) -> None:
        """Learn who we are, if only a token was given."""
        session, s, tries = self._context.session, self._context.settings, 0
        while session.user is None and session.token is not None:
            try:
                session.know(read((await session.call("GET", "/api/session")).body, SessionInfo))
            except RoadcrewError as error:
                self._error = error
                self._moved()
                wait = max(jittered(tries, self._context.chance(), s), error.retry_after or 0.0)
                tries += 1
                await self._context.clock.sleep(wait)
        self._error = None

    # --- from the engine ----------------------------------------------------------------------------

    def take_frame(self, frame: Item, cursor: str | None) -> Taken:
        """Apply what the server says."""
        match frame:
            case Event(topic=topic):
                verdict = self._states.confirm(frame)
                if verdict in ("gap", "unknown"):
                    return "unknown"
                if verdict == "applied":
                    self._context.server_time.at_least(frame.at)
                    self._changed(topic, frame)
            case Reset(topic=topic, state=state, seq=seq, now=now) if isinstance(state, self._shape):
                if now is not None:
                    self._context.server_time.exactly(now)
                place = place_in(cursor, topic)
                if self._states.reset(topic, state, seq, place.epoch if place else None):
                    self._changed(topic, None)
            case Gone(topic=topic, reason=reason):
                self._states.drop(topic)
                self._source.topics = tuple(t for t in self._source.topics if t != topic)
                self._gone(topic, reason)
            case _:
                logger.debug("nothing is done about a frame of %s", frame.topic[:80])
        return "applied"

    def moved(self) -> None:
        """The engine's state has changed."""
        mode = self._engine.state.mode
        if mode != self._mode:
            self._mode = mode
            self._since = self._context.clock.now()
            if mode == "gone":
                for topic in self._source.topics:
                    self._gone(topic, self._engine.reason or "unknown")
        self._moved()


class _FromEngine:
    """What an engine tells goes to the topics, whose own names for it are others."""

    def __init__(self, topics: LiveTopics[S]) -> None:
        self._topics = topics

    async def take(self, frame: Item, cursor: str | None) -> Taken:
        return self._topics.take_frame(frame, cursor)

    def moved(self) -> None:
        self._topics.moved()
