"""The whole embedded store, in pages, and topics put back as they were elsewhere: for moving a store.

What it is not for: transactions or threads; the caller is inside a transaction already. A page's cursor is the key of
its last row as JSON, so a walk misses nothing that stays, whatever comes and goes meanwhile.
"""

import json
from typing import Any

import apsw

from roadcrew_server.stores import _sqlite_log as log
from roadcrew_server.stores._sqlite_schema import row, rows
from roadcrew_server.stores.base import (
    CommandRecord,
    IndexItem,
    KeyedRecord,
    Page,
    Snapshot,
    Stored,
    StoredEvent,
    TopicFacts,
)
from roadcrew_server.stores.clock import from_ms, to_ms


def _after(cursor: str, parts: int) -> tuple[str, ...]:
    """The key after which a walk goes on."""
    if not cursor:
        return ("",) * parts
    try:
        key = json.loads(cursor)
    except ValueError:
        key = None
    if not isinstance(key, list) or len(key) != parts or not all(isinstance(part, str) for part in key):
        raise ValueError("This is no cursor of a walk over this store.")
    return tuple(key)


def _next(found: list[tuple[Any, ...]], limit: int, parts: int) -> str | None:
    """The cursor behind these rows; None when there were fewer than asked for."""
    return json.dumps(found[-1][:parts]) if len(found) >= limit else None


def topics(db: apsw.Connection, cursor: str, limit: int, now: int) -> Page[str]:
    """Names of topics."""
    sql = "SELECT name FROM topics WHERE name > ? AND keep_until > ? ORDER BY name LIMIT ?"
    found = rows(db, sql, (*_after(cursor, 1), now, limit))
    return Page(tuple(name for (name,) in found), _next(found, limit, 1))


def facts(db: apsw.Connection, topic: str, now: int) -> TopicFacts | None:
    """A topic without its events."""
    found = row(
        db,
        "SELECT id, epoch, head, first_kept, keep_until, due FROM topics WHERE name = ? AND keep_until > ?",
        (topic, now),
    )
    if found is None:
        return None
    topic_id, epoch, head, first_kept, keep_until, due = found
    stored = row(db, "SELECT seq, command, body FROM snapshots WHERE topic = ?", (topic_id,))
    due_at = None if due is None else from_ms(due)
    snapshot = Snapshot(*stored) if stored else None
    return TopicFacts(topic, epoch, head, first_kept, from_ms(keep_until), due_at, snapshot)


def commands(db: apsw.Connection, topic: str, cursor: str, limit: int, now: int) -> Page[CommandRecord]:
    """Commands that are remembered in a topic."""
    after = _after(cursor, 1)
    topic_found = log.find(db, topic, now)
    if topic_found is None:
        return Page((), None)
    found = rows(
        db,
        "SELECT key, outcome, keep_until FROM commands WHERE topic = ? AND key > ? AND keep_until > ? "
        "ORDER BY key LIMIT ?",
        (topic_found.id, *after, now, limit),
    )
    items = tuple(CommandRecord(key, outcome, from_ms(keep_until)) for key, outcome, keep_until in found)
    return Page(items, _next(found, limit, 1))


def records(db: apsw.Connection, cursor: str, limit: int, now: int) -> Page[KeyedRecord]:
    """Records of all kinds."""
    found = rows(
        db,
        "SELECT kind, key, value, expires_at FROM records WHERE (kind, key) > (?, ?) "
        "AND (expires_at IS NULL OR expires_at > ?) ORDER BY kind, key LIMIT ?",
        (*_after(cursor, 2), now, limit),
    )
    items = tuple(
        KeyedRecord(kind, key, Stored(value, None if expires_at is None else from_ms(expires_at)))
        for kind, key, value, expires_at in found
    )
    return Page(items, _next(found, limit, 2))


def index_items(db: apsw.Connection, cursor: str, limit: int) -> Page[IndexItem]:
    """Items of all indexes."""
    found = rows(
        db,
        "SELECT name, item, at FROM index_items WHERE (name, item) > (?, ?) ORDER BY name, item LIMIT ?",
        (*_after(cursor, 2), limit),
    )
    return Page(tuple(IndexItem(name, item, from_ms(at)) for name, item, at in found), _next(found, limit, 2))


def newest_fence(db: apsw.Connection) -> int:
    """The counter of the fences."""
    [(fence,)] = rows(db, "SELECT value FROM counters WHERE name = 'fence'")
    return int(fence)


def restore_topic(db: apsw.Connection, given: TopicFacts) -> None:
    """The row of a topic and its snapshot, in place of what is there."""
    log.forget(db, given.topic)
    db.execute(
        "INSERT INTO topics (name, epoch, head, first_kept, keep_until, due) VALUES (?, ?, ?, ?, ?, ?)",
        (
            given.topic,
            given.epoch,
            given.head,
            given.first_kept,
            to_ms(given.keep_until),
            None if given.due is None else to_ms(given.due),
        ),
    )
    if given.snapshot is not None:
        db.execute(
            "INSERT INTO snapshots (topic, seq, command, body) VALUES (?, ?, ?, ?)",
            (db.last_insert_rowid(), given.snapshot.seq, given.snapshot.command, given.snapshot.body),
        )


def restore_log(
    db: apsw.Connection,
    given: TopicFacts,
    events: tuple[StoredEvent, ...],
    known: tuple[CommandRecord, ...],
) -> None:
    """Events and commands of a topic that was restored."""
    found = row(db, "SELECT id FROM topics WHERE name = ? AND epoch = ?", (given.topic, given.epoch))
    if found is None:
        raise ValueError(f"There is no topic {given.topic} of this epoch to be restored.")
    [topic_id] = found
    db.executemany(
        "INSERT OR REPLACE INTO events (topic, seq, command, body) VALUES (?, ?, ?, ?)",
        [(topic_id, event.seq, event.command, event.body) for event in events],
    )
    db.executemany(
        "INSERT OR REPLACE INTO commands (topic, key, outcome, keep_until) VALUES (?, ?, ?, ?)",
        [(topic_id, record.key, record.outcome, to_ms(record.keep_until)) for record in known],
    )


def restore_fence(db: apsw.Connection, newest: int) -> None:
    """Set the counter of the fences forward."""
    db.execute("UPDATE counters SET value = max(value, ?) WHERE name = 'fence'", (newest,))
