"""Feeds of which only the numbers are asked for, by lists of hotels or of trips: that opens none of them, and of those
that nobody has opened, the store is asked once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from roadcrew_server.stores.base import Hint
from roadcrew_server.topic import Topic, TopicMissing

if TYPE_CHECKING:
    from roadcrew_server.hub import Hub

MOST = 50_000
"""Feeds of which it is remembered that nobody has opened them."""


class Unopened:
    """What this process knows not to be there, until it hears otherwise."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._missing: set[str] = set()
        self._asked: set[str] = set()

    async def topic(self, name: str) -> Topic | None:
        """The feed, for whoever may read it; None if nobody has opened it yet. Raises `StoreUnavailable`."""
        self._hub.notice_stall()
        if name in self._missing and name not in self._hub.topics:
            return None
        self._asked.add(name)
        try:
            return await self._hub.topic(name)
        except TopicMissing:
            if name in self._asked:  # else it was opened meanwhile, or another has asked too
                if len(self._missing) >= MOST:
                    self._missing.clear()
                self._missing.add(name)
            return None
        finally:
            self._asked.discard(name)

    def hinted(self, hint: Hint) -> None:
        """Somebody has written to a log."""
        if hint.kind == "log":
            self._missing.discard(hint.topic)
            self._asked.discard(hint.topic)

    def doubt(self) -> None:
        """Hints may have been missed."""
        self._missing.clear()
        self._asked.clear()
