"""Who is here: open streams and recent polls, told to everybody who follows the same topic.

An open stream or a poll is the sign of life; there are no requests for presence alone. Across processes the
store carries it, with a time to live, so that a process that dies takes nobody's place for long.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import Mapping, Set
from contextlib import suppress
from datetime import timedelta
from typing import Literal, get_args

import msgspec

from roadcrew_server.hub import Hub
from roadcrew_server.settings import Settings
from roadcrew_server.stores.base import StoreError
from roadcrew_server.topic import Topic

log = logging.getLogger(__name__)

Place = Literal["overview", "polls", "hotels", "quotes", "book", "talk"]
PLACES: tuple[Place, ...] = get_args(Place)
"""The tabs that a person can be said to look at."""


REST = 0.25
"""Seconds at most between two looks at who is in one place."""


class Here(msgspec.Struct, frozen=True):
    """One connection: whose it is and what they look at."""

    user: str
    where: str


class Presence:
    """Keeps `Topic.presence` true for topics that somebody follows."""

    def __init__(self, hub: Hub, settings: Settings) -> None:
        self._hub = hub
        self._settings = settings
        self._streams: dict[tuple[str, str], Here] = {}
        self._refreshing: dict[Topic, asyncio.Task[None]] = {}
        self._again: set[Topic] = set()
        hub.on_presence = self._changed

    async def arrive(self, topic: str, connection: str, user: str, where: str) -> None:
        """A stream opened; it says from now on whether they are here, and no poll that came before it does."""
        if not self._hub.tells_presence(topic):
            return
        here = self._streams[topic, connection] = Here(user, where)
        await self._set(topic, connection, here, self._settings.stream_presence)
        await self._hub.store.presence_drop(topic, _polling(user))

    async def leave(self, topic: str, connection: str) -> None:
        """A stream closed; unless another of the same person is open, they are gone at once."""
        if self._streams.pop((topic, connection), None) is None:
            return
        with suppress(StoreError):
            await self._hub.store.presence_drop(topic, connection)

    async def polled(self, topic: str, user: str, where: str) -> None:
        """A poll was made: as good as being here for a while."""
        if self._hub.tells_presence(topic):
            await self._set(topic, _polling(user), Here(user, where), self._settings.poll_presence)

    async def polls_no_more(self, topic: str, user: str) -> None:
        """What they polled is closed to them."""
        if self._hub.tells_presence(topic):
            await self._hub.store.presence_drop(topic, _polling(user))

    async def look(self, topic: str, user: str, where: str) -> None:
        """Somebody looks at another tab now."""
        if not self._hub.tells_presence(topic):
            return
        for connection, value in (await self._hub.store.presence_list(topic)).items():
            here = msgspec.json.decode(value, type=Here)
            if here.user == user and here.where != where:
                moved = Here(user, where)
                if (topic, connection) in self._streams:
                    self._streams[topic, connection] = moved
                ttl = self._settings.poll_presence if connection == _polling(user) else self._settings.stream_presence
                await self._set(topic, connection, moved, ttl)

    async def renew(self) -> None:
        """Once a heartbeat: every open stream is still here, and whoever ran out is gone. One call for each topic."""
        mine: dict[str, set[str]] = {}
        for name, connection in self._streams:
            mine.setdefault(name, set()).add(connection)
        followed = [name for name, topic in self._hub.topics.items() if topic.followers and topic.kind.presence]
        for name in dict.fromkeys((*mine, *followed)):
            try:
                await self._renew_in(name, mine.get(name, set()))
            except StoreError as error:  # of this topic; others may be elsewhere
                log.warning("presence of %r not renewed: %s", name, error)

    async def _renew_in(self, name: str, connections: Set[str]) -> None:
        topic = self._hub.topics.get(name)
        doubted = topic is not None and _doubted(topic)
        open_ones = {c: self._streams[name, c] for c in connections if (name, c) in self._streams}
        values = {c: msgspec.json.encode(here) for c, here in open_ones.items()}
        ttl = timedelta(seconds=self._settings.stream_presence)
        listed = await self._hub.store.presence_renew(name, values, ttl)
        for connection in open_ones:
            if (name, connection) not in self._streams:  # it closed meanwhile, and may have been told of too early
                await self._hub.store.presence_drop(name, connection)
        if topic is not None and topic.followers:
            self._listed(topic, listed, doubted)

    async def refresh(self, topic: Topic) -> None:
        """Read who is here; followers are woken if it changed, or if they may have looked while it was not known."""
        if not topic.kind.presence:
            return
        doubted = _doubted(topic)
        self._listed(topic, await self._hub.store.presence_list(topic.name), doubted)

    def _listed(self, topic: Topic, listed: Mapping[str, bytes], doubted: bool) -> None:
        people: dict[str, str] = {}
        for connection, value in sorted(listed.items()):
            here = msgspec.json.decode(value, type=Here)
            people[here.user] = here.where
            mine = self._streams.get((topic.name, connection))
            if mine is not None and mine != here:  # another process was told of a new tab
                self._streams[topic.name, connection] = here
        present = tuple(sorted(people.items()))
        changed = present != topic.presence
        if changed:
            topic.presence = present
            topic.presence_tag = hashlib.blake2b(msgspec.json.encode(present), digest_size=4).hexdigest()
        if changed or doubted:
            topic.wake()

    async def _set(self, topic: str, connection: str, here: Here, ttl: float) -> None:
        await self._hub.store.presence_set(topic, connection, msgspec.json.encode(here), timedelta(seconds=ttl))

    def _changed(self, topic: Topic) -> None:
        if not topic.followers:
            return
        self._again.add(topic)
        if topic not in self._refreshing:
            self._refreshing[topic] = asyncio.create_task(self._refresh_quietly(topic))

    async def _refresh_quietly(self, topic: Topic) -> None:
        """Read who is here, and again when that has changed meanwhile. After each time it rests, so that a crowd that
        comes at once, each of which all are told of, keeps the process from nothing else."""
        try:
            while topic in self._again:
                self._again.discard(topic)
                began = time.monotonic()
                try:
                    await self.refresh(topic)
                except StoreError as error:
                    log.warning("presence of %r not read: %s", topic.name, error)
                await asyncio.sleep(min(REST, 10 * (time.monotonic() - began)))
        finally:
            del self._refreshing[topic]


def _doubted(topic: Topic) -> bool:
    """Whether it was not known who is here. From now on it is, unless somebody comes or leaves meanwhile."""
    doubted, topic.presence_known = not topic.presence_known, True
    return doubted


def _polling(user: str) -> str:
    """The key under which somebody's polls are a sign of life."""
    return f"poll:{user}"


def encode_present(topic: str, present: tuple[tuple[str, str], ...]) -> bytes:
    """The JSON of who is here."""
    body: Mapping[str, object] = {"topic": topic, "present": [{"id": user, "where": where} for user, where in present]}
    return msgspec.json.encode(body)
