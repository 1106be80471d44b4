"""Who was lately where people talk: one record for each place, which lapses by itself. Not for who is there now."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import msgspec

from roadcrew_server.company import SHOWN, Seen
from roadcrew_server.stores.base import Store, StoreError

log = logging.getLogger(__name__)

KEPT = timedelta(days=7)
NOTED = 2 * SHOWN
"""People in a record: some of them may be here again."""
POLL_NOTED = timedelta(minutes=5)
"""Who polls leaves without a word, so they are noted while they do, this often at the most."""
POLLS = 10_000
"""Polls that this process remembers having noted."""
TRIES = 5


class LastSeen:
    """Notes who leaves and says who did. What the store can't take is not noted: it is worth nobody's waiting."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._leaving: dict[str, dict[str, Seen]] = {}
        self._writing: dict[str, asyncio.Task[None]] = {}
        self._polled: dict[tuple[str, str], datetime] = {}

    async def of(self, topic: str) -> tuple[Seen, ...]:
        """Who was there within `KEPT`, the latest first. Raises `StoreError`."""
        found = await self._store.get("seen", topic)
        return () if found is None else _lately(_read(found.value), self._store.now())

    async def note(self, topic: str, user: str, name: str | None) -> None:
        """They were here until now. Those who leave together are written together."""
        self._leaving.setdefault(topic, {})[user] = Seen(user, self._store.now(), name)
        if topic not in self._writing:
            self._writing[topic] = asyncio.create_task(self._write(topic))
        await asyncio.shield(self._writing[topic])

    async def note_poll(self, topic: str, user: str, name: str | None) -> None:
        """They polled, and may never again."""
        now = self._store.now()
        noted = self._polled.get((topic, user))
        if noted is not None and now - noted < POLL_NOTED:
            return
        if len(self._polled) >= POLLS:
            self._polled.clear()
        self._polled[topic, user] = now
        await self.note(topic, user, name)

    async def _write(self, topic: str) -> None:
        try:
            while leaving := self._leaving.pop(topic, None):
                await self._add(topic, leaving)
        except StoreError as error:
            log.warning("who left %r not noted: %s", topic, error)
        finally:
            del self._writing[topic]

    async def _add(self, topic: str, leaving: Mapping[str, Seen]) -> None:
        """Other processes may be writing too; the latest word on each counts."""
        for _ in range(TRIES):
            found = await self._store.get("seen", topic)
            known = {} if found is None else {seen.id: seen for seen in _read(found.value)}
            for seen in leaving.values():
                if seen.id not in known or known[seen.id].at < seen.at:
                    known[seen.id] = seen
            now = self._store.now()
            value = msgspec.json.encode(_lately(known.values(), now)[:NOTED])
            if found is None:
                written = await self._store.create("seen", topic, value, now + KEPT)
            else:
                written = await self._store.replace("seen", topic, found.value, value, now + KEPT)
            if written:
                return
        log.warning("who left %r not noted: too many leave it at once", topic)


def _read(value: bytes) -> tuple[Seen, ...]:
    return msgspec.json.decode(value, type=tuple[Seen, ...])


def _lately(people: Iterable[Seen], now: datetime) -> tuple[Seen, ...]:
    return tuple(sorted((p for p in people if now - p.at < KEPT), key=lambda seen: seen.at, reverse=True))
