"""Feeds as topics, a kind for each channel: who may read them, how long they are kept, and that looking at one opens
it."""

from __future__ import annotations

from datetime import datetime, timedelta

from roadcrew_domain import feed
from roadcrew_domain.events import Event, Fact
from roadcrew_domain.feed_state import Feed, OpenFeed
from roadcrew_domain.places import CHANNELS, Channel, parse_topic
from roadcrew_server.problems import Problem
from roadcrew_server.stores.base import KEPT_EVENTS
from roadcrew_server.talk.entities import Entities
from roadcrew_server.topic import TopicMissing
from roadcrew_server.topics import Closed, Record, TripKind, trip_topic

KEPT = timedelta(days=400)
"""A feed that no server has looked after for so long is dropped by the store, as a net."""


class FeedKind:
    """One channel of every entity. Those of trips, posts and blogs are read by the trip's members, those of locations
    by everybody who is signed in."""

    keeps: int | None = KEPT_EVENTS

    def __init__(self, channel: Channel, entities: Entities) -> None:
        self.prefix = f"feed:{channel}"
        self.presence = channel == "presence"
        self._channel: Channel = channel
        self._entities = entities

    def decide(self, state: feed.FeedState | None, command: feed.FeedCommand, now: datetime) -> tuple[Fact, ...]:
        return feed.decide(state, command, now)

    def evolve(self, state: feed.FeedState | None, event: Event) -> feed.FeedState:
        return feed.evolve(state, event)

    def encode(self, state: feed.FeedState) -> bytes:
        return feed.encode_state(state)

    def shown(self, state: feed.FeedState) -> bytes:
        return feed.encode_state(feed.shown_state(state))

    def told(self, state: feed.FeedState, event: Event) -> Event:
        return feed.told(state, event)

    def decode(self, body: bytes) -> feed.FeedState:
        return feed.decode_state(body)

    def tick(self, command_id: str) -> None:
        """What is due is a look at what it is about (upkeep.py)."""
        return

    async def opening(self, rest: str, user: str, command_id: str, now: datetime) -> feed.FeedCommand | None:
        """Of an entity that there is, for who may read of it."""
        name = f"feed:{rest}"
        parsed = parse_topic(name)
        found = None if parsed is None else await self._entities.find(parsed[0])
        if found is None:
            return None
        if found.trip_id is not None:
            closed = await self._entities.closed_to(found.trip_id, user)
            if closed is not None:
                raise TopicMissing(name, self, closed)
        return feed.FeedCommand(command_id, None, OpenFeed(self._channel, found.trip_id))

    def next_due(self, state: feed.FeedState) -> datetime:
        """A long one at once: its process closes pages before anybody looks what is due, unless it dies."""
        return state.changed_at if is_long(state) else feed.next_due(state)

    def keep_until(self, state: feed.FeedState, now: datetime) -> datetime:
        return now + KEPT

    def records(self, state: feed.FeedState) -> tuple[Record, ...]:
        """Those of feeds have no end; upkeep.py deletes them."""
        return ()

    def names(self, rest: str) -> bool:
        return parse_topic(f"feed:{rest}") is not None

    def guard(self, state: feed.FeedState) -> str | None:
        return None if state.trip_id is None else trip_topic(state.trip_id)

    def closed_to(self, state: feed.FeedState, user: str, now: datetime) -> Closed | None:
        """Its guard says all."""
        return None

    def problem(self, closed: Closed) -> Problem:
        if closed == "unknown":
            return Problem(404, "unknown-entity", "There is no such thing to talk about.")
        return TripKind.problem(closed)

    def expels(self, event: Event, user: str) -> str | None:
        return None


def is_long(state: feed.FeedState) -> bool:
    """Whether its oldest items are to go into a page."""
    return isinstance(state, Feed) and len(state.items) >= 2 * state.page_size


def feed_kinds(entities: Entities) -> tuple[FeedKind, ...]:
    """One for each channel."""
    return tuple(FeedKind(channel, entities) for channel in sorted(CHANNELS))  # type: ignore[arg-type]
