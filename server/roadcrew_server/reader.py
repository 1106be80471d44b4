"""A reader: somebody's position in the logs of some topics, and what comes next for them.

It is a position, not a queue: a slow reader costs no memory here, it reads later, from the ring or from the
store. Streams and polls both read through it, which is why switching between them loses and repeats nothing.

Where a topic has a guard (a quote run of a trip: the trip), its reader follows the guard too, is told nothing of that,
and may read on only as long as the guard is open to them.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

import msgspec

from roadcrew_domain.events import Position, encode_cursor
from roadcrew_server.hub import Hub
from roadcrew_server.problems import Problem
from roadcrew_server.topic import Entry, News, Topic, TopicMissing
from roadcrew_server.topics import Closed
from roadcrew_server.waking import Signal

CHUNK = 200
"""Events that are taken from one topic before the others get their turn."""
MOST_BYTES = 1024 * 1024
"""After which a reader has enough for once: who reads slowly holds no more than that, and one thing of any size."""


NO_NEWS = News(Position("", 0, ""), ())
PLACES = 64
"""Places in a log, and in those that are read with it, for which a topic keeps the news ready."""


def left_to_tasks(_: Topic) -> bool:
    """What a reader does with news by itself: it leaves them to who waits for `changed`."""
    return False


@dataclass(frozen=True, slots=True)
class Frame:
    """One thing that a reader is told. `kind` None is an event; `cursor` is where they are after it."""

    kind: str | None
    data: bytes
    cursor: str


class Reader:
    """Follows up to 32 topics for one person. Use as a context manager: it registers with the hub."""

    def __init__(
        self,
        hub: Hub,
        user: str,
        topics: Sequence[Topic],
        refused: Mapping[str, str],
        guards: Mapping[str, Topic],
    ) -> None:
        """`guards`: of those topics that have one, by their names."""
        self.user = user
        self.form: object = None  # readers of one form at one place are told the same
        self.topics = list(topics)
        self.changed = Signal()
        self.pass_on: Callable[[Topic], bool] = left_to_tasks
        self.failed: Callable[[], None] = self.changed.set  # who waits looks for themselves
        self._hub = hub
        self._guards = guards
        self._refused = dict(refused)
        self._positions: dict[str, Position] = {}
        self._honoured: dict[str, int] = {}  # by which loading of the copy the position was looked for in it
        self._presence: dict[str, str] = {}
        self._lost: set[str] = set()

    @classmethod
    async def open(cls, hub: Hub, user: str, names: Sequence[str]) -> Self:
        """A reader of those topics that this person may read.

        Raises the `Problem` of the first refused one if there is none that they may read.
        """
        topics: list[Topic] = []
        guards: dict[str, Topic] = {}
        refused: dict[str, str] = {}
        problems: list[Problem] = []
        for name in dict.fromkeys(names):
            try:
                topic, closed = await hub.look(name, user)
                if closed is None and (guard := await hub.guard(topic)) is not None:
                    guards[name] = guard
            except TopicMissing as missing:
                refused[name] = missing.closed
                problems.append(missing.problem())
                continue
            if closed is None:
                topics.append(topic)
            else:
                refused[name] = closed
                problems.append(topic.kind.problem(closed))
        if not topics:
            raise problems[0]
        return cls(hub, user, topics, refused, guards)

    def __enter__(self) -> Self:
        for topic in (*self.topics, *self._guards.values()):
            topic.followers.add(self)
        return self

    def __exit__(self, *_: object) -> None:
        for topic in (*self.topics, *self._guards.values()):
            topic.followers.discard(self)

    def wake(self, topic: Topic) -> None:
        """The hub says that something changed."""
        if self.changed.is_set() or not self.pass_on(topic):
            self.changed.set()

    def news(self, topic: Topic) -> News | None:
        """The newest events of a topic, if nothing else is to be said and the ring has all that this reader lacks; they
        may be none.

        Who stands at the same place shares it. It counts as read once `heard` is called.
        """
        position = self._positions.get(topic.name)
        if position is None:
            return self._news_of_guard(topic)
        if self._honoured[topic.name] != topic.loads:
            return None
        missing = topic.head - position.seq
        if not 0 <= missing <= min(len(topic.ring), CHUNK):
            return None
        if topic.presence_known and self._presence.get(topic.name) != topic.presence_tag:
            return None
        if topic.closed_to(self.user, topic.last_at or self.now()) is not None:
            return None
        if self._guards and not self._let_in(self._guards.get(topic.name)):
            return None
        if not missing:
            return NO_NEWS
        place = (self.form, topic.head, *self._positions.items())
        news = topic.news.get(place)
        if news is None:
            if len(topic.news) >= PLACES:
                topic.news.clear()
            news = topic.news[place] = self._news(topic, missing)
        return news

    def _news_of_guard(self, topic: Topic) -> News | None:
        """None, if that is more than a guard that may have changed, or what it guards is closed now."""
        guards_only = topic not in self.topics and topic in self._guards.values()
        return NO_NEWS if guards_only and self._let_in(topic) else None

    def _let_in(self, guard: Topic | None) -> bool:
        """Whether that is certain."""
        return guard is None or (not guard.stale and self._kept_out(guard) is None)

    def _kept_out(self, topic: Topic) -> Closed | None:
        """Why they may not read it. A follower is told of an end that comes by time when the log says so, not a moment
        before."""
        return topic.closed_to(self.user, topic.last_at or self.now())

    def _news(self, topic: Topic, missing: int) -> News:
        positions = dict(self._positions)
        frames = []
        for entry in [topic.ring[i] for i in range(-missing, 0)]:
            positions[topic.name] = topic.position_at(entry)
            frames.append(self.told(topic.told(entry), positions))
        return News(positions[topic.name], tuple(frames))

    def told(self, entry: Entry, positions: Mapping[str, Position]) -> Frame:
        """An event as this reader is told it, who is at `positions` then."""
        return Frame(None, entry.body, encode_cursor(positions))

    def heard(self, topic: Topic, news: News) -> None:
        """They were told."""
        self._positions[topic.name] = news.position

    def now(self) -> datetime:
        """The store's time."""
        return self._hub.store.now()

    @property
    def cursor(self) -> str:
        """Where this reader is, in all topics."""
        return encode_cursor(self._positions)

    async def start(self, positions: Mapping[str, Position], presence_tag: str | None = None) -> None:
        """Go on from `positions`, as far as they can be honoured; the other topics begin with a reset."""
        for topic in self.topics:
            position = positions.get(topic.name)
            if position is None:
                continue
            if await self._honours(topic, position):
                self._positions[topic.name] = position
            else:
                self._lost.add(topic.name)
        self._presence = dict(zip((t.name for t in self.topics), (presence_tag or "").split("."), strict=False))

    def presence_tag(self) -> str:
        """What a poll sends back so that a presence that it was told is nothing new."""
        return ".".join(self._presence.get(t.name) or "0" for t in self.topics)

    async def take(self, limit: int) -> list[Frame]:
        """What is new, at most about `limit` frames; empty when this reader knows everything."""
        self.changed.clear()
        frames = [self._gone(name, reason) for name, reason in self._refused.items()]
        self._refused.clear()
        for topic in tuple(self.topics):
            async for frame in self._take_topic(topic, limit - len(frames)):
                frames.append(frame)
            if len(frames) >= limit or sum(len(frame.data) for frame in frames) > MOST_BYTES:
                self.changed.set()
                break
        return frames

    async def _take_topic(self, topic: Topic, limit: int) -> AsyncIterator[Frame]:
        """What is new in one topic. Whether they may read is asked after the last wait, for what is then known."""
        guard = self._guards.get(topic.name)
        if guard is not None and guard.stale and self._lacks(topic):
            await self._hub.refresh(guard)
        entries = await self._next(topic, min(limit, CHUNK))
        if guard is not None and (kept_out := self._kept_out(guard)) is not None:
            yield self._expelled(topic, "removed" if kept_out == "forbidden" else "ended")
            return
        closed = self._kept_out(topic)
        if entries is None:
            if closed is not None:
                yield self._expelled(topic, closed)
                return
            yield self._reset(topic)
        elif closed is not None:
            # Up to the event that says why, they were in; of what happened after it they see nothing.
            for entry in entries:
                yield self._event(topic, entry)
                if (reason := topic.kind.expels(entry.event, self.user)) is not None:
                    yield self._expelled(topic, reason)
                    return
            if self._positions[topic.name].seq >= topic.head:
                yield self._expelled(topic, closed)
            else:
                self.changed.set()
            return
        else:
            for entry in entries:
                yield self._event(topic, entry)
            if self._positions[topic.name].seq < topic.head:
                self.changed.set()
        if self._presence.get(topic.name) != topic.presence_tag and topic.presence_known:
            self._presence[topic.name] = topic.presence_tag
            yield Frame("presence", topic.presence_frame, self.cursor)

    def _lacks(self, topic: Topic) -> bool:
        position = self._positions.get(topic.name)
        return position is None or position.seq != topic.head

    async def _next(self, topic: Topic, limit: int) -> list[Entry] | None:
        """The entries after this reader's position, no further than the copy's head and without tearing a command
        apart; None if there is no going on from there."""
        position = self._positions.get(topic.name)
        if position is None:
            return None
        while True:
            if self._honoured[topic.name] != topic.loads and not await self._honours(topic, position):
                return None
            entries = await self._hub.after(topic, position.seq, limit + 1)
            if self._honoured[topic.name] == topic.loads:
                break
        if entries is None:
            return None
        entries = [e for e in entries if e.event.seq <= topic.head]
        limit = min(limit, _enough(entries))
        if len(entries) > limit:
            torn = entries[limit].event.command
            whole = limit
            while whole and entries[whole - 1].event.command == torn:
                whole -= 1
            entries = entries[: whole or limit]
        return entries

    async def _honours(self, topic: Topic, position: Position) -> bool:
        """True if there is going on from there in the copy as it is now: one that was loaded again may have another
        past, of which they are told by a reset."""
        loads = topic.loads
        honoured = await self._hub.honours(topic, position)
        self._honoured[topic.name] = loads
        return honoured

    def _event(self, topic: Topic, entry: Entry) -> Frame:
        self._positions[topic.name] = topic.position_at(entry)
        return self.told(topic.told(entry), self._positions)

    def _reset(self, topic: Topic) -> Frame:
        if topic.name in self._lost or topic.name in self._positions:
            self._hub.counters.lost_resets += 1
            self._lost.discard(topic.name)
        else:
            self._hub.counters.first_resets += 1
        self._positions[topic.name], self._honoured[topic.name] = topic.position, topic.loads
        head = {
            "topic": topic.name,
            "seq": topic.head,
            "now": self._hub.store.now(),
            "state": msgspec.Raw(topic.encoded()),
        }
        return Frame("reset", msgspec.json.encode(head), self.cursor)

    def _gone(self, name: str, reason: str) -> Frame:
        return Frame("gone", msgspec.json.encode({"topic": name, "reason": reason}), self.cursor)

    def _expelled(self, topic: Topic, reason: str) -> Frame:
        """The last frame of a topic."""
        self._positions.pop(topic.name, None)
        topic.followers.discard(self)
        self.topics.remove(topic)
        return self._gone(topic.name, reason)


def _enough(entries: Sequence[Entry]) -> int:
    """How many of them are not too much at once: one at the least."""
    sizes = itertools.accumulate(len(entry.body) for entry in entries)
    return max(1, sum(size <= MOST_BYTES for size in sizes))
