"""All open streams of this process: how many, whose, their heartbeat, and how they end together."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress

from roadcrew_server.presence import RENEWED, Presence
from roadcrew_server.problems import Problem, unavailable
from roadcrew_server.settings import Settings
from roadcrew_server.sse import EventStream
from roadcrew_server.stores.base import StoreError

log = logging.getLogger(__name__)

LOOK_AGAIN = 1.0
"""Seconds until the store is asked again for what it could not say."""


class Streams:
    """The registry of streams. One timer serves the heartbeat of all."""

    def __init__(
        self,
        presence: Presence,
        settings: Settings,
        revoked: Callable[[str], bool],
        stands: Callable[[str], Awaitable[bool]],
    ) -> None:
        """`revoked`: whether a token was, a short while ago; `stands`: whether the store has its session."""
        self.settings = settings
        self.frames_sent = 0
        self.opened = 0
        self.draining = False
        self._presence = presence
        self._revoked = revoked
        self._open: set[EventStream] = set()
        self._empty = asyncio.Event()
        self._empty.set()
        self._by_user: Counter[str] = Counter()
        self._by_token: defaultdict[str, set[EventStream]] = defaultdict(set)
        self._stands = stands
        self._doubt = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._random = secrets.SystemRandom()

    def __len__(self) -> int:
        return len(self._open)

    def follows(self, token_hash: str) -> bool:
        """Whether a stream of this session is open. It ends as soon as the session does, wherever that is ended."""
        return token_hash in self._by_token

    async def start(self) -> None:
        """Begin the heartbeat."""
        self._tasks = [
            asyncio.create_task(work) for work in (self._beat(), self._say_who_is_here(), self._look_again())
        ]

    async def stop(self) -> None:
        """End what is left."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def admit(self, user: str) -> None:
        """Raises `Problem` when this person, or this server, has no room for one more, or it is stopping."""
        if self.draining:
            raise unavailable(retry_after=2)
        if self._by_user[user] >= self.settings.streams_per_user or len(self._open) >= self.settings.max_streams:
            raise Problem(429, "too-many-streams", "Too many terminals are open at once.", retry_after=10)

    async def arrived(self, stream: EventStream) -> None:
        """The stream is open and its person is here, until it has `departed`."""
        user = stream.reader.user
        self._open.add(stream)
        self.opened += 1
        self._empty.clear()
        self._by_user[user] += 1
        self._by_token[stream.token_hash].add(stream)
        if self.draining:
            stream.close("restart", self.spread_ms())
        if self._revoked(stream.token_hash):  # since it was looked at, when nobody could find this stream yet
            stream.close("signed-out", 1000)
        for topic in tuple(stream.topics):
            with suppress(StoreError):
                await self._presence.arrive(topic, stream.connection, user, stream.where, stream.name)
            if topic not in stream.topics:  # it was closed to them meanwhile
                await self._presence.leave(topic, stream.connection)

    async def departed(self, stream: EventStream) -> None:
        """The stream has ended, however far its arrival had come."""
        if stream not in self._open:
            return
        user = stream.reader.user
        self._open.discard(stream)
        self._by_user[user] -= 1
        if not self._by_user[user]:
            del self._by_user[user]
        self._by_token[stream.token_hash].discard(stream)
        if not self._by_token[stream.token_hash]:
            del self._by_token[stream.token_hash]
        for topic in tuple(stream.topics):
            await self._presence.leave(topic, stream.connection)
        if not self._open:
            self._empty.set()

    def revoke(self, token_hash: str) -> None:
        """A token is no longer good: its streams end."""
        for stream in tuple(self._by_token.get(token_hash, ())):
            stream.close("signed-out", 1000)

    def doubt(self) -> None:
        """Somebody may have been signed out unheard: the session of every open stream is looked for."""
        self._doubt.set()

    async def _look_again(self) -> None:
        while True:
            await self._doubt.wait()
            self._doubt.clear()
            try:
                for token_hash in tuple(self._by_token):
                    if not await self._stands(token_hash):
                        # It may have been renewed, not ended. Who is still signed in comes back with the new one.
                        for stream in tuple(self._by_token.get(token_hash, ())):
                            stream.close("age", self.spread_ms())
            except StoreError as error:
                log.warning("sessions of streams not looked for: %s", error)
                self._doubt.set()
                await asyncio.sleep(LOOK_AGAIN)

    async def left(self, stream: EventStream, topic: str) -> None:
        """A stream goes on without this topic."""
        await self._presence.leave(topic, stream.connection)

    def retry_ms(self) -> int:
        """Over what time clients shall come back after a loss: longer the more are here (S8). The least tells a small
        crew's terminals apart from a crowd: they look for a server that is down the sooner."""
        return max(100, min(30_000, 2 * len(self._open)))

    def spread_ms(self) -> int:
        """A moment within a window that grows with the number of streams."""
        return self._random.randrange(100, 100 + max(400, 2 * len(self._open)))

    async def drain(self) -> None:
        """Say `bye` to everybody and wait for the streams to end, within the window."""
        self.draining = True
        for stream in tuple(self._open):
            stream.close("restart", self.spread_ms())
        with suppress(TimeoutError):
            async with asyncio.timeout(self.settings.drain_window):
                await self._empty.wait()

    def sent(self, frames: int) -> None:
        """Count for /metrics."""
        self.frames_sent += frames

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self.settings.heartbeat)
            for stream in tuple(self._open):
                stream.beat()

    async def _say_who_is_here(self) -> None:
        while True:
            await asyncio.sleep(self.settings.heartbeat * RENEWED)
            try:
                await self._presence.renew()
            except StoreError as error:
                log.warning("presence not renewed: %s", error)
            except Exception:
                log.exception("presence not renewed")
