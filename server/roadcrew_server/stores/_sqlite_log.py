"""Topics in SQLite: append, read, compact, forget, and due times, each on a given connection.

What it is not for: transactions, threads or hints; the caller is inside a transaction already.
"""

import secrets
from collections.abc import Sequence
from typing import Any, NamedTuple

import apsw

from roadcrew_server.stores._sqlite_schema import row, rows
from roadcrew_server.stores.base import (
    NOTHING_YET,
    Appended,
    AppendResult,
    Commit,
    Conflict,
    Hint,
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
    expected_command: str,
    keep_until: int,
    due: int | None,
    now: int,
    most_missing: int,
) -> tuple[AppendResult, Hint | None]:
    """Known, else conflict, else write. The second value tells of what was written, if anything was."""
    keys = [commit.record.key for commit in commits if commit.record is not None]
    if len(set(keys)) != len(keys):
        raise ValueError("one batch holds the same command twice")
    found = find(db, topic, now)
    if found is not None:
        known = {key: outcome for key in keys if (outcome := _outcome(db, found.id, key, now)) is not None}
        if known:
            return Known(known), None
    if found is None:
        if epoch is not None or expected_last != NOTHING_YET:
            return Conflict(None, NOTHING_YET, None), None
        if not any(commit.bodies for commit in commits):
            raise ValueError("a topic is born by its first event")
        found, before = _give_birth(db, topic, keep_until, now), ""
    else:
        before = _command(db, found.id, expected_last)
        agreed = expected_command in ("", before)
        if epoch != found.epoch or expected_last != found.head or not agreed:
            same_log = agreed and (epoch == found.epoch or (epoch is None and expected_last == NOTHING_YET))
            missing = _missing(db, found, expected_last, most_missing) if same_log else None
            return Conflict(found.epoch, found.head, missing), None
    result, written = _write(db, found, commits, keep_until=keep_until, due=due)
    return result, Hint("log", topic, result.epoch, written, before) if written else None


def _command(db: apsw.Connection, topic_id: int, seq: int) -> str:
    """The command that made an event: empty if there is none of that number, or it is no longer kept."""
    found = row(db, "SELECT command FROM events WHERE topic = ? AND seq = ?", (topic_id, seq))
    return found[0] if found else ""


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


def _missing(db: apsw.Connection, found: Topic, after: int, most: int) -> tuple[StoredEvent, ...] | None:
    """All events after a number, if they are kept and no more than that."""
    if not found.first_kept - 1 <= after <= found.head or found.head - after > most:
        return None
    return _events(db, found.id, after, most)


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
    return Slice(found.epoch, found.head, found.first_kept, _command(db, found.id, after), events)


def compact(
    db: apsw.Connection, topic: str, epoch: str, upto: int, command: str, body: bytes, keeps: int, now: int
) -> bool:
    """Store the snapshot and trim to the newest `keeps` events; False, and nothing done, if it is stale."""
    found = find(db, topic, now)
    if found is None or found.epoch != epoch or not 0 <= upto <= found.head:
        return False
    stored = row(db, "SELECT seq FROM snapshots WHERE topic = ?", (found.id,))
    if (stored is not None and upto <= stored[0]) or _command(db, found.id, upto) != command:
        return False
    db.execute(
        "INSERT OR REPLACE INTO snapshots (topic, seq, command, body) VALUES (?, ?, ?, ?)",
        (found.id, upto, command, body),
    )
    first_kept = min(upto, found.head - keeps) + 1
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
