"""Who is here: open streams and recent polls, told to everybody who follows the same topic.

An open stream or a poll is the sign of life; there are no requests for presence alone. Across processes the
store carries it, with a time to live, so that a process that dies takes nobody's place for long. Not for who writes
something (typists.py), nor for who was here (last_seen.py).
"""

import asyncio
import logging
from collections.abc import Iterator, Mapping, Set
from contextlib import suppress
from datetime import timedelta
from typing import Literal, get_args

import msgspec

from roadcrew_domain.places import parse_topic
from roadcrew_server.company import SHOWN, Company, Seen, Viewer
from roadcrew_server.hub import Hub
from roadcrew_server.last_seen import LastSeen
from roadcrew_server.settings import Settings
from roadcrew_server.stores.base import Hint, Stored, StoreError
from roadcrew_server.topic import Topic
from roadcrew_server.typists import Typists

log = logging.getLogger(__name__)

Place = Literal["overview", "polls", "hotels", "quotes", "book", "talk"]
PLACES: tuple[Place, ...] = get_args(Place)
"""The tabs that a person can be said to look at."""


REST = 0.25
"""Seconds at most between two looks at who is in one place."""
REST_OF_CROWD = 2.0
"""Seconds between two looks at a place where there are so many that they are not told of one by one: each look is told
to all of them."""
SLACK = 0.05
"""Seconds after which what has run out is looked for: the store's clock is not quite ours."""
RENEWED = 4 / 3
"""Heartbeats after which the store is told again who is here: twice in the time for which it believes us."""


class Here(msgspec.Struct, frozen=True, omit_defaults=True):
    """One connection: whose it is and what they look at; where people talk, also what they are called."""

    user: str
    where: str
    name: str | None = None


class Presence:
    """Keeps `Topic.presence` true for topics that somebody follows."""

    def __init__(self, hub: Hub, settings: Settings) -> None:
        self._hub = hub
        self._settings = settings
        self._last_seen = LastSeen(hub.store)
        self._typists = Typists(hub, self._typing)
        self._streams: dict[tuple[str, str], Here] = {}
        self._refreshing: dict[Topic, asyncio.Task[None]] = {}
        self._again: set[Topic] = set()
        self._alarms: dict[Topic, asyncio.TimerHandle] = {}
        hub.on_presence = self._changed

    def hinted(self, hint: Hint) -> None:
        """What the store tells of more than topics."""
        self._typists.hinted(hint)

    async def arrive(self, topic: str, connection: str, user: str, where: str, name: str) -> None:
        """A stream opened; it says from now on whether they are here, and no poll that came before it does."""
        if not self._hub.tells_presence(topic):
            return
        here = self._streams[topic, connection] = _here(topic, user, where, name)
        await self._set(topic, connection, here, self._settings.stream_presence)
        await self._hub.store.presence_drop(topic, _polling(user))

    async def leave(self, topic: str, connection: str) -> None:
        """A stream closed; unless another of the same person is open, they are gone at once."""
        here = self._streams.pop((topic, connection), None)
        if here is None:
            return
        if _is_talk(topic):  # before others hear that they left, and look
            await self._last_seen.note(topic, here.user, here.name)
        with suppress(StoreError):
            await self._hub.store.presence_drop(topic, connection)

    async def polled(self, topic: str, user: str, where: str, name: str) -> None:
        """A poll was made: as good as being here for a while."""
        if not self._hub.tells_presence(topic):
            return
        await self._set(topic, _polling(user), _here(topic, user, where, name), self._settings.poll_presence)
        if _is_talk(topic):
            await self._last_seen.note_poll(topic, user, name)

    async def polls_no_more(self, topic: str, user: str) -> None:
        """What they polled is closed to them."""
        if self._hub.tells_presence(topic):
            await self._hub.store.presence_drop(topic, _polling(user))

    async def typing(self, topic: str, user: str, on: bool) -> None:
        """Somebody writes something, or has ended it, where people talk. It is told of who is here, for a moment."""
        if _is_talk(topic) and self._hub.tells_presence(topic):
            await self._typists.say(topic, user, on)

    async def look(self, topic: str, user: str, where: str) -> None:
        """Somebody looks at another tab now."""
        if not self._hub.tells_presence(topic):
            return
        for connection, here in _connections(await self._hub.store.presence_list(topic)):
            if here.user == user and here.where != where:
                moved = msgspec.structs.replace(here, where=where)
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
            await self._listed(topic, listed, doubted)

    async def refresh(self, topic: Topic) -> None:
        """Read who is here; followers are woken if it changed, or if they may have looked while it was not known. Of a
        crowd, what was told last does until it is looked at again: else each poll were told to all."""
        if not topic.kind.presence:
            return
        if topic.presence.is_crowd and topic in self._refreshing:
            topic.presence_known = True
        else:
            await self._read(topic)

    async def _read(self, topic: Topic) -> None:
        doubted = _doubted(topic)
        await self._listed(topic, await self._hub.store.presence_list(topic.name), doubted)

    async def _listed(self, topic: Topic, listed: Mapping[str, Stored], doubted: bool) -> None:
        before = topic.presence
        self._settle(topic, self._viewers(topic, listed), before.seen, doubted=doubted)
        self._look_again(topic, self._runs_out(topic.name, listed))
        if not _is_talk(topic.name):
            return
        if not topic.presence.ids <= before.ids:
            self._typists.look(topic)
        if before.seen is None or not before.ids <= topic.presence.ids:
            seen = await self._last_seen.of(topic.name)
            self._settle(topic, topic.presence.present, seen)

    def _viewers(self, topic: Topic, listed: Mapping[str, Stored]) -> tuple[Viewer, ...]:
        people: dict[str, Viewer] = {}
        typing = topic.presence.typing
        for connection, here in _connections(listed):
            people[here.user] = Viewer(here.user, here.where, here.name, here.user in typing)
            mine = self._streams.get((topic.name, connection))
            if mine is not None and mine != here:  # another process was told of a new tab
                self._streams[topic.name, connection] = here
        return tuple(sorted(people.values(), key=lambda viewer: viewer.id))

    def _typing(self, topic: Topic, users: frozenset[str]) -> None:
        present = (msgspec.structs.replace(v, typing=v.id in users) for v in topic.presence.present)
        self._settle(topic, tuple(present), topic.presence.seen)

    def _settle(
        self, topic: Topic, present: tuple[Viewer, ...], seen: tuple[Seen, ...] | None, *, doubted: bool = False
    ) -> None:
        """So it is now. Whoever is here was not only seen."""
        if seen is not None:
            here = {viewer.id for viewer in present}
            seen = tuple(person for person in seen if person.id not in here)[:SHOWN]
        company = Company(present, seen)
        changed = company != topic.presence
        if changed:
            topic.presence, topic.presence_tag = company, company.tag
            topic.presence_frame = company.frame(topic.name)
        if changed or doubted:
            topic.wake()

    def _runs_out(self, topic: str, listed: Mapping[str, Stored]) -> float:
        """Seconds until somebody is here no more whom this process does not renew."""
        now = self._hub.store.now()
        ends = (kept.expires_at for key, kept in listed.items() if (topic, key) not in self._streams)
        return min(((end - now).total_seconds() for end in ends if end is not None), default=float("inf"))

    def _look_again(self, topic: Topic, wait: float) -> None:
        """Look after `wait` seconds: nobody tells of those who run out. What comes later than the next heartbeat is
        seen then."""
        if (alarm := self._alarms.pop(topic, None)) is not None:
            alarm.cancel()
        if topic.followers and wait < self._settings.heartbeat * RENEWED:
            self._alarms[topic] = asyncio.get_running_loop().call_later(max(wait, 0) + SLACK, self._alarm, topic)

    def _alarm(self, topic: Topic) -> None:
        del self._alarms[topic]
        self._changed(topic)

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
        clock = asyncio.get_running_loop().time
        try:
            while topic in self._again:
                self._again.discard(topic)
                began = clock()
                try:
                    await self._read(topic)
                except StoreError as error:
                    log.warning("presence of %r not read: %s", topic.name, error)
                brief = min(REST, 10 * (clock() - began))
                await asyncio.sleep(REST_OF_CROWD if topic.presence.is_crowd else brief)
        finally:
            del self._refreshing[topic]


def _doubted(topic: Topic) -> bool:
    """Whether it was not known who is here. From now on it is, unless somebody comes or leaves meanwhile."""
    doubted, topic.presence_known = not topic.presence_known, True
    return doubted


def _is_talk(topic: str) -> bool:
    """Whether strangers may meet there, who know each other by nothing else."""
    return parse_topic(topic) is not None


def _here(topic: str, user: str, where: str, name: str) -> Here:
    return Here(user, where, name if _is_talk(topic) else None)


def _connections(listed: Mapping[str, Stored]) -> Iterator[tuple[str, Here]]:
    """Who looks, by connection, always in the same order."""
    for key, kept in sorted(listed.items()):
        yield key, msgspec.json.decode(kept.value, type=Here)


def _polling(user: str) -> str:
    """The key under which somebody's polls are a sign of life."""
    return f"poll:{user}"
