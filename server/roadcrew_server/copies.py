"""Copies of topics kept true to the store: load, read on, take in hints, and answer readers from them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from roadcrew_domain.events import Position
from roadcrew_server.stores.base import KEPT_EVENTS, NOTHING_YET, Hint, Loaded, Store, StoredEvent, StoreError
from roadcrew_server.topic import Counters, Entry, Topic, entry_of

log = logging.getLogger(__name__)

FAR = datetime.max.replace(tzinfo=UTC) - timedelta(days=365)
"""What is kept until then is kept for ever."""


RECORDS_AHEAD = timedelta(days=30)
"""Records of a topic are kept this much longer than it, so that few changes must prolong them."""


class Copies:
    """How a topic's copy follows the store's log."""

    def __init__(self, store: Store, counters: Counters, snapshot_every: int) -> None:
        self._store = store
        self._led_on = KEPT_EVENTS + snapshot_every
        self._counters = counters

    async def load(self, topic: Topic) -> None:
        """Replace the copy by what the store has, unless it got further meanwhile; in one step for whoever looks."""
        while True:
            before, doubts = topic.position, topic.doubts
            loaded = await self._store.load(topic.name)
            newest: Sequence[StoredEvent] = loaded.events if loaded is not None else ()
            if loaded is not None and not newest:  # the log's last time is needed, and readers want the last events
                part = await self._store.read(topic.name, max(loaded.head - KEPT_EVENTS, NOTHING_YET), KEPT_EVENTS)
                if part is not None and part.epoch == loaded.epoch:
                    newest = [e for e in part.events if e.seq <= loaded.head]
            if topic.position == before:
                break
            if loaded is not None and loaded.epoch == topic.epoch and topic.command_at(loaded.head) == _last(loaded):
                topic.trust(doubts)
                return
        self._counters.reloads += 1
        topic.trust(doubts)
        topic.loads += 1
        topic.ring.clear()
        topic.news.clear()
        if loaded is None:
            topic.epoch, topic.head, topic.head_command, topic.state = None, NOTHING_YET, "", None
            return
        state, head, command = None, NOTHING_YET, ""
        if loaded.snapshot is not None:
            state = topic.kind.decode(loaded.snapshot.body)
            head, command = loaded.snapshot.seq, loaded.snapshot.command
        entries = [entry_of(e) for e in loaded.events]
        for entry in entries:
            state = topic.kind.evolve(state, entry.event)
        topic.epoch, topic.head, topic.head_command, topic.state = loaded.epoch, head, command, state
        topic.snapshot_seq = head
        topic.settle(state, entries)
        if not entries:
            topic.ring.extend(map(entry_of, newest))

    async def refresh(self, topic: Topic) -> None:
        """Read what the store has after our head. Raises `StoreUnavailable`."""
        async with topic.reading:
            while True:
                doubts, head, command = topic.doubts, topic.head, topic.head_command
                part = await self._store.read(topic.name, head, 1000)
                if part is None or part.epoch != topic.epoch or part.before != command:
                    if part is not None or topic.state is not None:
                        await self.load(topic)
                    else:
                        topic.trust(doubts)
                    break
                if part.events and not self.absorb(topic, part.before, part.events):
                    await self.load(topic)
                    break
                if topic.head >= part.head:
                    topic.trust(doubts)
                    break
        topic.wake()

    async def keep_records(self, topic: Topic, until: datetime) -> None:
        """See to it that what a topic needs outlives it: until `until` at the least."""
        records = topic.kind.records(topic.state)
        if records == topic.records and topic.records_until is not None and until <= topic.records_until:
            return
        ends = until + RECORDS_AHEAD if until < FAR else None
        topic.records, topic.records_until = records, ends or until
        try:
            for kind, key, value in records:
                stored = await self._store.get(kind, key)
                if stored is None and not await self._store.create(kind, key, value, ends):
                    stored = await self._store.get(kind, key)
                if stored is None or stored.expires_at is None:
                    continue
                if stored.expires_at < until:
                    await self._store.replace(kind, key, value, value, ends)
                elif topic.records_until is not None:
                    topic.records_until = min(topic.records_until, stored.expires_at)
        except StoreError as error:
            topic.records_until = None  # with the next change, then
            log.warning("records of %r not prolonged: %s", topic.name, error)

    def heed(self, topic: Topic, hint: Hint) -> bool:
        """Apply what a hint brings. False if this copy can't go on with it, and must be refreshed."""
        return hint.epoch == topic.epoch and self.absorb(topic, hint.before, hint.events)

    def absorb(self, topic: Topic, before: str, events: Sequence[StoredEvent]) -> bool:
        """Apply those of `events` that are new; `before` is the command before them. False if they do not go on from
        what this copy has, or leave a gap: none at all leave one, since a hint of more than the store publishes says
        only that there is something to read."""
        if not events:
            return False
        told = [(events[0].seq - 1, before), *((e.seq, e.command) for e in events)]
        if any(topic.command_at(seq) not in (None, command) for seq, command in told):
            return False
        grew = False
        for stored in events:
            if stored.seq <= topic.head:
                continue
            if not topic.take(entry_of(stored)):
                return False
            grew = True
        if grew:
            topic.wake()
        return True

    async def after(self, topic: Topic, seq: int, limit: int) -> list[Entry] | None:
        """At most `limit` entries after number `seq`; None if some of them are no longer kept."""
        if seq >= topic.head:
            return []
        first = topic.ring[0].event.seq if topic.ring else topic.head + 1
        if seq + 1 >= first:
            start = seq + 1 - first
            return [topic.ring[i] for i in range(start, min(start + limit, len(topic.ring)))]
        part = await self._store.read(topic.name, seq, limit)
        if part is None or part.epoch != topic.epoch or part.first_kept > seq + 1:
            return None
        return [entry_of(e) for e in part.events]

    async def before(self, topic: Topic, seq: int, limit: int) -> tuple[list[Entry], bool]:
        """At most `limit` entries before number `seq`, oldest first, and whether there are more before them."""
        part = await self._store.read(topic.name, max(seq - limit - 1, NOTHING_YET), limit)
        if part is None or part.epoch != topic.epoch:
            return [], False
        entries = [entry_of(e) for e in part.events if e.seq < seq]
        return entries, bool(entries) and entries[0].event.seq > part.first_kept

    async def honours(self, topic: Topic, position: Position) -> bool:
        """True if somebody at `position` can go on reading there. Who is further behind than a snapshot and what stays
        after it gets the state as it is, also where more is kept: that is less to send."""
        behind = topic.head - position.seq
        if position.epoch != topic.epoch or (topic.kind.keeps is not None and behind > self._led_on):
            return False
        return await self.position(topic, position.seq) == position

    async def position(self, topic: Topic, seq: int) -> Position | None:
        """The position of somebody who has read up to number `seq` (`NOTHING_YET`: nothing); None if that has not
        happened, or if what comes after it is no longer kept."""
        if seq > topic.head:
            await self.refresh(topic)
        if seq == topic.head:
            return topic.position
        at = await self.after(topic, max(seq - 1, NOTHING_YET), 1)
        if not at:
            return None
        return topic.position_at(at[0]) if seq > NOTHING_YET else Position.after(topic.epoch or "", NOTHING_YET, "")


def _last(loaded: Loaded) -> str:
    """The command that made the last event."""
    if loaded.events:
        return loaded.events[-1].command
    return "" if loaded.snapshot is None else loaded.snapshot.command
