"""A file into a store that is empty.

The file is checked from beginning to end before anything is written. While it is written, the store is marked: no
server starts on it, and the same import, begun again, goes over everything once more and finishes it.
What it is not for: adding to a store that is in use.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import BinaryIO

from roadcrew_server.moving import lines
from roadcrew_server.moving.export import Progress, walked
from roadcrew_server.moving.lines import Content, Counts
from roadcrew_server.moving.reading import MARKED, BadFile, Reading
from roadcrew_server.moving.seen import Seen
from roadcrew_server.stores.base import (
    CommandRecord,
    Snapshot,
    Store,
    StoredEvent,
    StoreUnavailable,
    TopicFacts,
)
from roadcrew_server.stores.clock import from_ms, to_ms

AT_ONCE = 64
"""Things that are being written at a time."""

WEIGHT = 4 * 1024 * 1024
"""Bytes that are held before they are written, at most one line more."""

UNFINISHED = "An import into this store did not finish. Run the same import again; until then, no server can use it."


class CantImport(Exception):
    """Nothing was written into this store; says why."""


async def require_whole(store: Store) -> None:
    """Raise `StoreUnavailable` if an import into an open store did not finish. Every server asks at its start."""
    if await store.get(MARKED, MARKED) is not None:
        raise StoreUnavailable(UNFINISHED)


def check(file: BinaryIO, progress: Progress) -> str:
    """Read an exported file from beginning to end; its checksum. Raises `BadFile`."""
    counts = Counts()
    with Seen() as seen:
        reading = Reading(file, seen)
        for line in reading:
            counts.count(line)
            progress(counts)
    return reading.sha256


async def mark(store: Store, sha256: str) -> None:
    """Mark an open and empty store, or one in which the import of this very file did not finish.

    The mark comes before the look whether it is empty: a server that starts meanwhile sees the mark, or we see what it
    wrote. Raises `CantImport`, and the store is as it was; and `StoreError`.
    """
    if await store.in_use():
        raise CantImport("A server is using this store. Name a new store.")
    if await store.create(MARKED, MARKED, sha256.encode()):
        if await _is_empty(store):
            return
        await store.delete(MARKED, MARKED)
        raise CantImport("The store is not empty: a server has used it. Name a new store, or empty this one.")
    marked = await store.get(MARKED, MARKED)
    if marked is None or marked.value != sha256.encode():
        raise CantImport(
            "An import of another file into this store did not finish. Finish that one, or name a new store."
        )


async def _is_empty(store: Store) -> bool:
    async for record in walked(store.walk_records):
        if record.kind != MARKED:
            return False
    async for _ in walked(store.walk_topics):
        return False
    async for _ in walked(store.walk_indexes):
        return False
    return True


async def restore(store: Store, file: BinaryIO, sha256: str, progress: Progress) -> Counts:
    """Write a file that was checked into a store that was marked, and take the mark away; what was written.

    Raises `BadFile` when the file is another one than was checked, and `StoreError`; the mark stays then.
    """
    writing = _Writing(store)
    with Seen() as seen:
        reading = Reading(file, seen)
        for line in reading:
            await writing.take(line)
            progress(writing.counts)
    await writing.finish()
    if reading.sha256 != sha256:
        raise BadFile("it changed while it was read")
    await store.delete(MARKED, MARKED)
    return writing.counts


class _Writing:
    """Brings lines into the store: many things at once, each topic in the order of its parts."""

    def __init__(self, store: Store) -> None:
        self.counts = Counts()
        self._store = store
        self._now = to_ms(store.now())
        self._waiting: list[Callable[[], Awaitable[object]]] = []
        self._weight = 0
        self._topic: TopicFacts | None = None
        self._events: list[StoredEvent] = []
        self._commands: list[CommandRecord] = []
        self._begun = False
        self._dropping = False

    async def take(self, line: Content) -> None:
        """One line that was checked."""
        if not self._alive(line):
            self.counts.run_out += 1
            return
        self.counts.count(line)
        match line:
            case lines.Topic():
                await self._end_topic()
                self._topic = _facts(line)
                self._weight += len(line.snapshot.body) if line.snapshot else 0
            case lines.Event():
                self._events.append(StoredEvent(line.seq, line.command, line.body))
                await self._weigh(len(line.body))
            case lines.Command():
                self._commands.append(CommandRecord(line.key, line.outcome, from_ms(line.keep)))
                await self._weigh(len(line.outcome))
            case lines.Record():
                expires = None if line.expires is None else from_ms(line.expires)
                await self._add(partial(self._store.put, line.kind, line.key, line.value, expires), len(line.value))
            case lines.Item():
                await self._add(partial(self._store.index_add, line.index, line.item, from_ms(line.at)), 0)
            case lines.Fence():
                await self._store.restore_fence(line.newest)

    async def finish(self) -> None:
        """Write what is held."""
        await self._end_topic()
        await self._flush()

    def _alive(self, line: Content) -> bool:
        """Whether its time is not over; what follows a topic goes with it."""
        match line:
            case lines.Topic():
                self._dropping = line.keep <= self._now
                return not self._dropping
            case lines.Event():
                return not self._dropping
            case lines.Command():
                return not self._dropping and line.keep > self._now
            case lines.Record():
                return line.expires is None or line.expires > self._now
        return True

    async def _weigh(self, size: int) -> None:
        self._weight += size + 100
        if self._weight > WEIGHT:
            await self._flush()
            await self._part()

    async def _part(self) -> None:
        """Write a part of a topic that is large."""
        if self._topic is None:
            return
        if not self._begun:
            await self._store.restore_topic(self._topic)
            self._begun = True
        await self._store.restore_log(self._topic, self._events, self._commands)
        self._events, self._commands, self._weight = [], [], 0

    async def _end_topic(self) -> None:
        if self._topic is not None and self._begun:
            await self._part()
        elif self._topic is not None:
            await self._add(partial(self._whole, self._topic, self._events, self._commands), 0)
        self._topic, self._events, self._commands, self._begun = None, [], [], False

    async def _whole(self, facts: TopicFacts, events: list[StoredEvent], commands: list[CommandRecord]) -> None:
        await self._store.restore_topic(facts)
        await self._store.restore_log(facts, events, commands)

    async def _add(self, writing: Callable[[], Awaitable[object]], size: int) -> None:
        self._waiting.append(writing)
        self._weight += size
        if len(self._waiting) >= AT_ONCE or self._weight > WEIGHT:
            await self._flush()

    async def _flush(self) -> None:
        """Write what waits, and wait until it is durable."""
        waiting, self._waiting, self._weight = self._waiting, [], 0
        for result in await asyncio.gather(*(begin() for begin in waiting), return_exceptions=True):
            if isinstance(result, BaseException):
                raise result


def _facts(line: lines.Topic) -> TopicFacts:
    s = line.snapshot
    return TopicFacts(
        line.topic,
        line.epoch,
        line.head,
        line.first,
        from_ms(line.keep),
        None if line.due is None else from_ms(line.due),
        None if s is None else Snapshot(s.seq, s.command, s.body),
    )


def opened(path: Path) -> BinaryIO:
    """The file of an import: a plain one, since it is read twice. Raises `BadFile`, and what the disk says."""
    if path.exists() and not path.is_file():
        raise BadFile("it is not a plain file")
    return path.open("rb")
