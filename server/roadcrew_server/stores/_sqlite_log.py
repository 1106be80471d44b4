"""Topics in SQLite: append, read, compact, forget, and due times, each on a given connection.

What it is not for: transactions, threads or hints; the caller is inside a transaction already.
"""

import secrets
from collections.abc import Sequence
from typing import Any, NamedTuple

import apsw

from roadcrew_server.stores._sqlite_schema import row, rows
from roadcrew_server.stores.base import (
    KEPT_EVENTS,
    NOTHING_YET,
    Appended,
    AppendResult,
    Commit,
    Conflict,
    Known,
    Loaded,
    Slice,
    Snapshot,
    StoredEvent,
)
from roadcrew_server.stores.clock import to_ms


class Topic(NamedTuple):
    """A topic's row."""

    id: int
    epoch: str
    head: int
    first_kept: int


def find(db: apsw.Connection, topic: str, now: int) -> Topic | None:
    """The topic, unless it does not exist or has expired."""
    found = row(
        db,
        "SELECT id, epoch, head, first_kept FROM topics WHERE name = ? AND keep_until > ?",
        (topic, now),
    )
    return Topic(*found) if found else None


def append(
    db: apsw.Connection,
    topic: str,
    epoch: str | None,
    expected_last: int,
    commits: Sequence[Commit],
    *,
    keep_until: int,
    due: int | None,
    now: int,
    most_missing: int,
) -> tuple[AppendResult, tuple[StoredEvent, ...]]:
    """Known, else conflict, else write. The second value is what was written, for the hint."""
    keys = [commit.record.key for commit in commits if commit.record is not None]
    if len(set(keys)) != len(keys):
        raise ValueError("one batch holds the same command twice")
    found = find(db, topic, now)
    if found is not None:
        known = {key: outcome for key in keys if (outcome := _outcome(db, found.id, key, now)) is not None}
        if known:
            return Known(known), ()
    if found is None:
        if epoch is not None or expected_last != NOTHING_YET:
            return Conflict(None, NOTHING_YET, None), ()
        if not any(commit.bodies for commit in commits):
            raise ValueError("a topic is born by its first event")
        found = _give_birth(db, topic, keep_until, now)
    elif epoch != found.epoch or expected_last != found.head:
        return _conflict(db, found, epoch, expected_last, most_missing), ()
    return _write(db, found, commits, keep_until=keep_until, due=due)


def _outcome(db: apsw.Connection, topic_id: int, key: str, now: int) -> bytes | None:
    found = row(
        db,
        "SELECT outcome FROM commands WHERE topic = ? AND key = ? AND keep_until > ?",
        (topic_id, key, now),
    )
    return found[0] if found else None


def _give_birth(db: apsw.Connection, topic: str, keep_until: int, now: int) -> Topic:
    """A new topic. One of the same name that has expired loses it, and its rows to the sweep."""
    forget(db, topic)
    epoch = f"{now:x}-{secrets.token_hex(5)}"
    db.execute(
        "INSERT INTO topics (name, epoch, head, first_kept, keep_until) VALUES (?, ?, ?, 0, ?)",
        (topic, epoch, NOTHING_YET, keep_until),
    )
    return Topic(db.last_insert_rowid(), epoch, NOTHING_YET, 0)


def _conflict(db: apsw.Connection, found: Topic, epoch: str | None, expected_last: int, most_missing: int) -> Conflict:
    """A caller who expected no topic at all has missed every event since the first."""
    same_log = epoch == found.epoch or (epoch is None and expected_last == NOTHING_YET)
    kept = found.first_kept - 1 <= expected_last <= found.head
    missing: tuple[StoredEvent, ...] | None = None
    if same_log and kept and found.head - expected_last <= most_missing:
        missing = _events(db, found.id, expected_last, most_missing)
    return Conflict(found.epoch, found.head, missing)


def _write(
    db: apsw.Connection,
    found: Topic,
    commits: Sequence[Commit],
    *,
    keep_until: int,
    due: int | None,
) -> tuple[Appended, tuple[StoredEvent, ...]]:
    seq = found.head
    written: list[StoredEvent] = []
    records: list[tuple[Any, ...]] = []
    for commit in commits:
        for body in commit.bodies:
            seq += 1
            written.append(StoredEvent(seq, commit.command, body))
        if (record := commit.record) is not None:
            records.append((found.id, record.key, record.outcome, to_ms(record.keep_until)))
    db.executemany(
        "INSERT INTO events (topic, seq, command, body) VALUES (?, ?, ?, ?)",
        [(found.id, event.seq, event.command, event.body) for event in written],
    )
    # A record that has run out but was not swept yet may be in the way.
    db.executemany(
        "INSERT OR REPLACE INTO commands (topic, key, outcome, keep_until) VALUES (?, ?, ?, ?)",
        records,
    )
    db.execute(
        "UPDATE topics SET head = ?, keep_until = ?, due = ? WHERE id = ?",
        (seq, keep_until, due, found.id),
    )
    return Appended(found.epoch, seq), tuple(written)


def recorded(db: apsw.Connection, topic: str, key: str, now: int) -> bytes | None:
    """The outcome of a command of this topic, if it is remembered."""
    found = find(db, topic, now)
    return _outcome(db, found.id, key, now) if found else None


def _events(db: apsw.Connection, topic_id: int, after: int, limit: int) -> tuple[StoredEvent, ...]:
    """At most `limit` events after a number, oldest first (-1: all)."""
    found = rows(
        db,
        "SELECT seq, command, body FROM events WHERE topic = ? AND seq > ? ORDER BY seq LIMIT ?",
        (topic_id, after, limit),
    )
    return tuple(StoredEvent(*event) for event in found)


def load(db: apsw.Connection, topic: str, now: int) -> Loaded | None:
    """The newest snapshot and every event after it."""
    found = find(db, topic, now)
    if found is None:
        return None
    stored = row(db, "SELECT seq, command, body FROM snapshots WHERE topic = ?", (found.id,))
    snapshot = Snapshot(*stored) if stored else None
    after = snapshot.seq if snapshot else NOTHING_YET
    return Loaded(found.epoch, found.head, snapshot, _events(db, found.id, after, -1))


def read(db: apsw.Connection, topic: str, after: int, limit: int, now: int) -> Slice | None:
    """At most `limit` events after a number."""
    found = find(db, topic, now)
    if found is None:
        return None
    events = _events(db, found.id, after, max(limit, 0))
    return Slice(found.epoch, found.head, found.first_kept, events)


def compact(db: apsw.Connection, topic: str, epoch: str, upto: int, command: str, body: bytes, now: int) -> bool:
    """Store the snapshot and trim; False, and nothing done, if it is stale."""
    found = find(db, topic, now)
    if found is None or found.epoch != epoch or not 0 <= upto <= found.head:
        return False
    stored = row(db, "SELECT seq FROM snapshots WHERE topic = ?", (found.id,))
    if stored is not None and upto <= stored[0]:
        return False
    db.execute(
        "INSERT OR REPLACE INTO snapshots (topic, seq, command, body) VALUES (?, ?, ?, ?)",
        (found.id, upto, command, body),
    )
    first_kept = min(upto, found.head - KEPT_EVENTS) + 1
    if first_kept > found.first_kept:
        db.execute("DELETE FROM events WHERE topic = ? AND seq < ?", (found.id, first_kept))
        db.execute("UPDATE topics SET first_kept = ? WHERE id = ?", (first_kept, found.id))
    return True


def forget(db: apsw.Connection, topic: str) -> None:
    """Take its name from a topic, so that nobody can reach it. The sweep removes its rows."""
    db.execute("UPDATE topics SET name = NULL, due = NULL, keep_until = 0 WHERE name = ?", (topic,))


def due_take(db: apsw.Connection, due: int, limit: int, again: int, now: int) -> tuple[str, ...]:
    """Topics due at `due` or earlier, the longest overdue first, each put back to `again`."""
    found = rows(
        db,
        "SELECT id, name FROM topics WHERE due <= ? AND keep_until > ? ORDER BY due LIMIT ?",
        (due, now, max(limit, 0)),
    )
    db.executemany("UPDATE topics SET due = ? WHERE id = ?", [(again, item[0]) for item in found])
    return tuple(item[1] for item in found)


def due_next(db: apsw.Connection, now: int) -> int | None:
    """When the next topic is due."""
    found = row(
        db,
        "SELECT due FROM topics WHERE due IS NOT NULL AND keep_until > ? ORDER BY due LIMIT 1",
        (now,),
    )
    return found[0] if found else None


def sweep_topics(db: apsw.Connection, now: int, budget: int) -> int:
    """Remove at most about `budget` rows of topics that are forgotten or expired; returns how many.

    A long log goes in several passes: its numbers have no gaps, so a pass moves its lower end up.
    """
    removed = 0
    for topic_id, first, head in rows(
        db,
        "SELECT id, first_kept, head FROM topics WHERE keep_until <= ? LIMIT ?",
        (now, max(budget, 0)),
    ):
        if removed >= budget:
            break
        stop = min(first + budget - removed, head + 1)
        db.execute("DELETE FROM events WHERE topic = ? AND seq < ?", (topic_id, stop))
        removed += max(stop - first, 0)
        # Without its name and due time at once: its log is no longer whole.
        db.execute(
            "UPDATE topics SET name = NULL, due = NULL, keep_until = 0, first_kept = ? WHERE id = ?",
            (stop, topic_id),
        )
        if removed >= budget:
            break
        db.execute(
            "DELETE FROM commands WHERE topic = ? AND key IN (SELECT key FROM commands WHERE topic = ? LIMIT ?)",
            (topic_id, topic_id, budget - removed),
        )
        removed += db.changes()
        if removed >= budget:
            break
        db.execute("DELETE FROM snapshots WHERE topic = ?", (topic_id,))
        db.execute("DELETE FROM topics WHERE id = ?", (topic_id,))
        removed += 1
    return removed
