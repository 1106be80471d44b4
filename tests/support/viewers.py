"""Processes that tell who is here, and terminals that follow them, in virtual time over a real store.

A process is a hub with its streams; a terminal is a stream at one of them. Not for HTTP.
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.support.serving import settings_for
from tests.support.virtual import Way, here

from roadcrew_server import catalogue
from roadcrew_server.hub import Hub
from roadcrew_server.presence import Presence
from roadcrew_server.reader import Reader
from roadcrew_server.sessions import Session, User
from roadcrew_server.sse import EventStream
from roadcrew_server.stores.base import Store
from roadcrew_server.streams import Streams
from roadcrew_server.talk.entities import Entities
from roadcrew_server.talk.kinds import feed_kinds
from roadcrew_server.topics import TripKind

LIGHT = "feed:location:exhibition.azulejo-light:presence"
"""An exhibition of the sample catalogue, where everybody may look."""


@dataclass
class Process:
    """A server process, as far as it tells who is here."""

    way: Way
    hub: Hub
    presence: Presence
    streams: Streams
    open: list[asyncio.Task[None]] = field(default_factory=list)

    @classmethod
    async def started(cls, store: Store, **settings: Any) -> "Process":
        """One that runs."""
        way: Any = Way(store)
        chosen = settings_for(Path("unused"), **settings)
        hub = Hub(way, (TripKind(),), chosen)
        hub.serve(*feed_kinds(Entities(hub, catalogue.named("sample"))))
        presence = Presence(hub, chosen)
        process = cls(way, hub, presence, Streams(presence, chosen, lambda _: False, _stands))
        hub.on_hint = presence.hinted
        await hub.start()
        await process.streams.start()
        return process

    def kill(self) -> None:
        """`kill -9`: nothing that it still wants to do reaches the store."""
        self.way.dead = True

    async def end(self) -> None:
        """As a server ends."""
        await self.streams.drain()
        await asyncio.gather(*self.open)
        await self.streams.stop()
        await self.hub.stop()


@dataclass
class Terminal:
    """Somebody's open stream. `told` has each frame of presence with the virtual time at which it came."""

    process: Process
    user: str
    name: str
    told: list[tuple[float, Any]] = field(default_factory=list)
    _closed: asyncio.Event = field(default_factory=asyncio.Event)

    async def open(self, *topics: str, where: str = "talk") -> "Terminal":
        """Follow these topics."""
        session = Session(User(self.user, self.name), self.user, self.process.way.now() + timedelta(90), None, None)
        reader = await Reader.open(self.process.hub, self.user, topics)
        await reader.start({})
        stream = EventStream(self.process.streams, reader, session, where)
        self.process.open.append(asyncio.create_task(stream({"type": "http"}, self._receive, self._send)))
        return self

    async def close(self) -> None:
        """The server hears that the connection is closed, as it does when somebody quits or is killed."""
        self._closed.set()

    @property
    def present(self) -> list[str]:
        """Who is here, as last told."""
        return [p["id"] for p in self.told[-1][1]["present"]] if self.told else []

    @property
    def typing(self) -> list[str]:
        """Who of them writes something."""
        return [p["id"] for p in self.told[-1][1]["present"] if p.get("typing")] if self.told else []

    @property
    def seen(self) -> list[str]:
        """Who was here lately."""
        return [p["id"] for p in self.told[-1][1]["seen"]]

    async def _receive(self) -> Any:
        await self._closed.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        for block in message.get("body", b"").decode().split("\n\n"):
            if "event: presence\n" in block:
                self.told.append((here().time(), json.loads(block.partition("data: ")[2])))


async def terminals(process: Process, people: Sequence[str], *topics: str) -> list[Terminal]:
    """One for each of them."""
    return [await Terminal(process, name.lower(), name).open(*topics) for name in people]


async def _stands(_: str) -> bool:
    return True
