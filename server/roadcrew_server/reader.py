"""A reader: somebody's position in the logs of some topics, and what comes next for them.

It is a position, not a queue: a slow reader costs no memory here, it reads later, from the ring or from the
store. Streams and polls both read through it, which is why switching between them loses and repeats nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from roadcrew_domain.events import Position, encode_cursor
from roadcrew_domain.ids import check_of
from roadcrew_server.hub import Hub
from roadcrew_server.presence import encode_present
from roadcrew_server.problems import Problem
from roadcrew_server.topic import Entry, Topic, TopicMissing

CHUNK = 200
"""Events that are taken from one topic before the others get their turn."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One thing that a reader is told. `kind` None is an event; `cursor` is where they are after it."""

    kind: str | None
    data: bytes
    cursor: str


class Reader:
    """Follows up to 32 topics for one person. Use as a context manager: it registers with the hub."""

    def __init__(self, hub: Hub, user: str, topics: Sequence[Topic], refused: Mapping[str, str]) -> None:
        self.user = user
        self.topics = list(topics)
        self.changed = asyncio.Event()
        self._hub = hub
        self._refused = dict(refused)
        self._positions: dict[str, Position] = {}
        self._presence: dict[str, str] = {}

    @classmethod
    async def open(cls, hub: Hub, user: str, names: Sequence[str]) -> Reader:
        """A reader of those topics that this person may read.

        Raises the `Problem` of the first refused one if there is none that they may read.
        """
        topics: list[Topic] = []
        refused: dict[str, str] = {}
        for name in dict.fromkeys(names):
            try:
                topic = await hub.topic(name)
            except TopicMissing:
                refused[name] = "unknown"
                continue
            closed = topic.kind.closed_to(topic.state, user)
            if closed is None:
                topics.append(topic)
            else:
                refused[name] = closed
        if not topics:
            raise _problem(next(iter(refused.values())))
        return cls(hub, user, topics, refused)

    def __enter__(self) -> Reader:
        for topic in self.topics:
            topic.followers.add(self)
        return self

    def __exit__(self, *_: object) -> None:
        for topic in self.topics:
            topic.followers.discard(self)

    def wake(self, topic: Topic) -> None:
        """The hub says that something changed."""
        self.changed.set()

    @property
    def cursor(self) -> str:
        """Where this reader is, in all topics."""
        return encode_cursor(self._positions)

    async def start(self, positions: Mapping[str, Position], presence_tag: str | None = None) -> None:
        """Go on from `positions`, as far as they can be honoured; the other topics begin with a reset."""
        for topic in self.topics:
            position = positions.get(topic.name)
            if position is not None and await self._hub.honours(topic, position):
                self._positions[topic.name] = position
        self._presence = dict(zip((t.name for t in self.topics), (presence_tag or "").split("."), strict=False))

    def presence_tag(self) -> str:
        """What a poll sends back so that an unchanged presence is nothing new."""
        return ".".join(t.presence_tag for t in self.topics)

    async def take(self, limit: int) -> list[Frame]:
        """What is new, at most about `limit` frames; empty when this reader knows everything."""
        self.changed.clear()
        frames = [self._gone(name, reason) for name, reason in self._refused.items()]
        self._refused.clear()
        for topic in tuple(self.topics):
            async for frame in self._take_topic(topic, limit - len(frames)):
                frames.append(frame)
            if len(frames) >= limit:
                self.changed.set()
                break
        return frames

    async def _take_topic(self, topic: Topic, limit: int) -> AsyncIterator[Frame]:
        position = self._positions.get(topic.name)
        closed = "unknown" if topic.state is None else topic.kind.closed_to(topic.state, self.user)
        if position is not None and position.epoch == topic.epoch and position.seq < topic.head:
            entries = await self._hub.after(topic, position.seq, min(limit, CHUNK))
            if entries is None:
                position = None
            elif closed is not None:
                for frame in self._last(topic, entries, closed):
                    yield frame
                return
            else:
                for entry in entries:
                    yield self._event(topic, entry)
                if self._positions[topic.name].seq < topic.head:
                    self.changed.set()
        if closed is not None:
            self._drop(topic)
            yield self._gone(topic.name, closed)
            return
        if position is None or position.epoch != topic.epoch:
            yield self._reset(topic)
        if self._presence.get(topic.name) != topic.presence_tag and topic.presence_known:
            self._presence[topic.name] = topic.presence_tag
            yield Frame("presence", encode_present(topic.name, topic.presence), self.cursor)

    def _event(self, topic: Topic, entry: Entry) -> Frame:
        e = entry.event
        self._positions[topic.name] = Position(topic.epoch or "", e.seq, check_of(e.command))
        return Frame(None, entry.body, self.cursor)

    def _last(self, topic: Topic, entries: Sequence[Entry], closed: str) -> list[Frame]:
        """The frames up to the one that says why this person may read no more, and then `gone`.

        If that one is not among them, they see nothing of what happened after it.
        """
        frames = []
        for entry in entries:
            frames.append(self._event(topic, entry))
            reason = topic.kind.expels(entry.event, self.user)
            if reason is not None:
                self._drop(topic)
                return [*frames, self._gone(topic.name, reason)]
        self._drop(topic)
        return [self._gone(topic.name, closed)]

    def _reset(self, topic: Topic) -> Frame:
        self._positions[topic.name] = topic.position
        head = {
            "topic": topic.name,
            "seq": topic.head,
            "now": self._hub.store.now(),
            "state": msgspec.Raw(topic.encoded()),
        }
        return Frame("reset", msgspec.json.encode(head), self.cursor)

    def _gone(self, name: str, reason: str) -> Frame:
        return Frame("gone", msgspec.json.encode({"topic": name, "reason": reason}), self.cursor)

    def _drop(self, topic: Topic) -> None:
        self._positions.pop(topic.name, None)
        topic.followers.discard(self)
        self.topics.remove(topic)


def _problem(reason: str) -> Problem:
    match reason:
        case "forbidden":
            return Problem(403, "not-a-member", "You are not in this trip.")
        case "ended":
            return Problem(410, "trip-ended", "This trip has ended.")
        case _:
            return Problem(404, "unknown-trip", "There is no such trip.")
