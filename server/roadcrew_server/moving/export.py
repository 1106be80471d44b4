"""A whole store into a file.

What it is not for: servers that write meanwhile. An embedded store is locked against them; those of a Redis or Valkey
are seen, and a topic that changes all the same is noticed.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO, TypeVar

from roadcrew_server.moving import lines
from roadcrew_server.moving.files import new_file
from roadcrew_server.moving.lines import MAX_LINE, Content, Counts
from roadcrew_server.moving.reading import MARKED, Reading
from roadcrew_server.moving.seen import Seen
from roadcrew_server.stores.base import Page, Slice, Store, TopicFacts
from roadcrew_server.stores.clock import to_ms

T = TypeVar("T")
EVENTS = 100
"""Events that are read at a time."""

IN_USE = "A server is using this store. Stop all servers of it first: what they write from now on would be lost."

Progress = Callable[[Counts], None]


class CantExport(Exception):
    """The store can't be exported now; says why."""


async def export(store: Store, path: Path, progress: Progress) -> Counts:
    """Write everything that an open store holds into a new file; what was written.

    The file is read again and checked before it gets its name. Raises `CantExport`, `Taken`, `StoreError`, `BadFile`
    (the disk did not give back what was written) and what the disk says.
    """
    if await store.get(MARKED, MARKED) is not None:
        raise CantExport("An import into this store did not finish, so it is not whole. Finish the import first.")
    counts = Counts()
    await _require_alone(store)
    with new_file(path) as temporary:
        with temporary.open("wb") as file, Seen() as seen:
            out = _Out(file)
            out.line(lines.Header(lines.VERSION, to_ms(store.now()), f"roadcrew {version('roadcrew')}"))
            async for line in _everything(store, seen):
                out.line(line)
                counts.count(line)
                progress(counts)
            out.end()
        await _require_alone(store)
        with temporary.open("rb") as file, Seen() as seen:
            for _ in Reading(file, seen):
                pass
    return counts


async def _require_alone(store: Store) -> None:
    """Before and after: what somebody writes meanwhile may be missing in the file."""
    if await store.in_use():
        raise CantExport(IN_USE)


class _Out:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._lines = 0

    def line(self, line: lines.AnyLine) -> None:
        raw = lines.encode(line) + b"\n"
        if len(raw) > MAX_LINE:
            raise CantExport(
                f"one thing in the store takes {len(raw):,} bytes, and the file takes {MAX_LINE:,} a line."
            )
        self._digest.update(raw)
        self._lines += 1
        self._file.write(raw)

    def end(self) -> None:
        self.line(lines.End(self._lines, self._digest.hexdigest()))


async def _everything(store: Store, seen: Seen) -> AsyncIterator[Content]:
    """Records before topics: nobody is in a trip without being somebody."""
    yield lines.Fence(await store.newest_fence())
    async for record in walked(store.walk_records):
        stored = record.stored
        if seen.add("record", record.kind, record.key):
            expires = None if stored.expires_at is None else to_ms(stored.expires_at)
            yield lines.Record(record.kind, record.key, stored.value, expires)
    async for item in walked(store.walk_indexes):
        if seen.add("index", item.index, item.item):
            yield lines.Item(item.index, item.item, to_ms(item.at))
    async for topic in walked(store.walk_topics):
        if not seen.add("topic", topic):
            continue
        facts = await store.topic_facts(topic)
        if facts is not None:  # it may have run out just now
            async for line in _topic(store, facts, seen):
                yield line


async def _topic(store: Store, facts: TopicFacts, seen: Seen) -> AsyncIterator[Content]:
    s = facts.snapshot
    yield lines.Topic(
        facts.topic,
        facts.epoch,
        facts.head,
        facts.first_kept,
        to_ms(facts.keep_until),
        None if facts.due is None else to_ms(facts.due),
        None if s is None else lines.Snapshot(s.seq, s.command, s.body),
    )
    after = facts.first_kept - 1
    while after < facts.head:
        part = await store.read(facts.topic, after, min(EVENTS, facts.head - after))
        if part is None or not part.events or _moved(facts, part):
            raise CantExport(f"{facts.topic} changed while it was read. Stop all servers of this store, and try again.")
        for event in part.events:
            yield lines.Event(event.seq, event.command, event.body)
        after = part.events[-1].seq
    async for record in walked(lambda cursor: store.walk_commands(facts.topic, cursor)):
        if seen.add("command", facts.topic, record.key):
            yield lines.Command(record.key, record.outcome, to_ms(record.keep_until))


def _moved(facts: TopicFacts, part: Slice) -> bool:
    return (part.epoch, part.head, part.first_kept) != (facts.epoch, facts.head, facts.first_kept)


async def walked(walk: Callable[[str], Awaitable[Page[T]]]) -> AsyncIterator[T]:
    """All items of a walk, some perhaps twice."""
    cursor: str | None = ""
    while cursor is not None:
        page = await walk(cursor)
        for item in page.items:
            yield item
        cursor = page.next
