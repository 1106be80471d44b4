"""Who writes something now, where people talk. It is kept by the store for a moment, beside who is here, and is in no
log.

Of many who begin and end at once no more is passed on than a change in `REST` seconds; nobody waits for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from roadcrew_server.hub import Hub
from roadcrew_server.stores.base import Hint, StoreError
from roadcrew_server.topic import Topic

log = logging.getLogger(__name__)

KEPT = timedelta(seconds=5)
"""For so long somebody is said to write, unless they say so again."""
REST = 2.0
"""Seconds at least between two looks at who writes in one place."""
SLACK = 0.05
"""Seconds after which what has run out is looked for: the store's clock is not quite ours."""
_PREFIX = "typing:"


class Typists:
    """Looks after who writes in topics that somebody follows, and tells `told` each time."""

    def __init__(self, hub: Hub, told: Callable[[Topic, frozenset[str]], None]) -> None:
        self._hub = hub
        self._told = told
        self._heard: dict[Topic, asyncio.Event] = {}

    async def say(self, topic: str, user: str, on: bool) -> None:
        """Somebody writes something, or has ended it. Raises `StoreError`."""
        if on:
            await self._hub.store.presence_set(_PREFIX + topic, user, b"", KEPT)
        else:
            await self._hub.store.presence_drop(_PREFIX + topic, user)

    def hinted(self, hint: Hint) -> None:
        """What the store tells."""
        if hint.kind == "presence" and hint.topic.startswith(_PREFIX):
            topic = self._hub.topics.get(hint.topic.removeprefix(_PREFIX))
            if topic is not None:
                self.look(topic)

    def look(self, topic: Topic) -> None:
        """Somebody there may have begun or ended, or somebody has come who knows of none."""
        if (heard := self._heard.get(topic)) is not None:
            heard.set()
        elif topic.followers:
            self._heard[topic] = asyncio.Event()
            self._hub.spawn(self._watch(topic))

    async def _watch(self, topic: Topic) -> None:
        """Look until nobody writes any more. Nobody tells of those who run out."""
        heard = self._heard[topic]
        try:
            while topic.followers:
                heard.clear()
                before = topic.presence.typing
                left = await self._look(topic)
                if left is not None or topic.presence.typing != before:
                    await asyncio.sleep(REST)
                if heard.is_set():
                    continue
                if left is None:
                    return
                with suppress(TimeoutError):
                    async with asyncio.timeout(max(0.0, left - REST) + SLACK):
                        await heard.wait()
            self._told(topic, frozenset())
        finally:
            del self._heard[topic]

    async def _look(self, topic: Topic) -> float | None:
        """Seconds until the first of them has ended, unless they go on; None if nobody writes."""
        try:
            listed = await self._hub.store.presence_list(_PREFIX + topic.name)
        except StoreError as error:
            log.warning("who writes in %r not read: %s", topic.name, error)
            return KEPT.total_seconds()
        self._told(topic, frozenset(listed))
        now = self._hub.store.now()
        ends = [(kept.expires_at - now).total_seconds() for kept in listed.values() if kept.expires_at is not None]
        return min(ends, default=None)
