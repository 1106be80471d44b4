"""Records, indexes and leases in SQLite, and the sweep of what has expired.

What it is not for: transactions or threads; the caller is inside a transaction already. All times
are milliseconds since 1970.
"""

import apsw

from roadcrew_server.stores._sqlite_log import sweep_topics
from roadcrew_server.stores._sqlite_schema import row, rows

SWEPT = 16 * 1024 * 1024
"""Bytes of records that one sweep removes, about."""


def get(db: apsw.Connection, kind: str, key: str, now: int) -> tuple[bytes, int | None] | None:
    """Value and expiry of a record, unless it has expired."""
    found = row(
        db,
        "SELECT value, expires_at FROM records WHERE kind = ? AND key = ? AND (expires_at IS NULL OR expires_at > ?)",
        (kind, key, now),
    )
    return (found[0], found[1]) if found else None


def put(db: apsw.Connection, kind: str, key: str, value: bytes, expires_at: int | None) -> None:
    """Write a record, whatever was there."""
    db.execute(
        "INSERT OR REPLACE INTO records (kind, key, value, expires_at) VALUES (?, ?, ?, ?)",
        (kind, key, value, expires_at),
    )


def create(db: apsw.Connection, kind: str, key: str, value: bytes, expires_at: int | None, now: int) -> bool:
    """Write a record if there is none but an expired one."""
    if get(db, kind, key, now) is not None:
        return False
    put(db, kind, key, value, expires_at)
    return True


def replace(
    db: apsw.Connection,
    kind: str,
    key: str,
    old: bytes,
    value: bytes,
    expires_at: int | None,
    now: int,
) -> bool:
    """Write a record if its value is `old` still."""
    found = get(db, kind, key, now)
    if found is None or found[0] != old:
        return False
    put(db, kind, key, value, expires_at)
    return True


def delete(db: apsw.Connection, kind: str, key: str) -> None:
    """Remove a record, if there is one."""
    db.execute("DELETE FROM records WHERE kind = ? AND key = ?", (kind, key))


def index_add(db: apsw.Connection, name: str, item: str, at: int) -> None:
    """Put an item into an index, or move it."""
    db.execute("INSERT OR REPLACE INTO index_items (name, item, at) VALUES (?, ?, ?)", (name, item, at))


def index_remove(db: apsw.Connection, name: str, item: str, before: int | None) -> None:
    """Take an item out of an index, if it is there (and its time is before that)."""
    db.execute(
        "DELETE FROM index_items WHERE name = ? AND item = ? AND (?3 IS NULL OR at < ?3)",
        (name, item, before),
    )


def index_list(db: apsw.Connection, name: str, limit: int) -> tuple[str, ...]:
    """Items, newest first."""
    found = rows(
        db,
        "SELECT item FROM index_items WHERE name = ? ORDER BY at DESC, item DESC LIMIT ?",
        (name, max(limit, 0)),
    )
    return tuple(item[0] for item in found)


def lease_take(db: apsw.Connection, name: str, holder: str, expires_at: int, now: int) -> int | None:
    """The fence of the new lease; None while somebody else has it.

    All leases draw their fences from one counter. So the row of a lease can go when it ends, and
    the next fence is greater all the same.
    """
    found = row(db, "SELECT holder FROM leases WHERE name = ? AND expires_at > ?", (name, now))
    if found is not None and found[0] != holder:
        return None
    [(fence,)] = rows(db, "UPDATE counters SET value = value + 1 WHERE name = 'fence' RETURNING value")
    db.execute(
        "INSERT OR REPLACE INTO leases (name, holder, fence, expires_at) VALUES (?, ?, ?, ?)",
        (name, holder, fence, expires_at),
    )
    return int(fence)


def lease_renew(db: apsw.Connection, name: str, fence: int, expires_at: int, now: int) -> bool:
    """Prolong a lease that is still held under this fence."""
    db.execute(
        "UPDATE leases SET expires_at = ? WHERE name = ? AND fence = ? AND expires_at > ?",
        (expires_at, name, fence, now),
    )
    return db.changes() > 0


def lease_release(db: apsw.Connection, name: str, fence: int) -> None:
    """End a lease that is still held under this fence."""
    db.execute("DELETE FROM leases WHERE name = ? AND fence = ?", (name, fence))


def free_all_leases(db: apsw.Connection) -> None:
    """Called at the start: whoever held a lease was another process, and the lock says it is gone."""
    db.execute("DELETE FROM leases")


def _sweep_records(db: apsw.Connection, now: int, budget: int) -> int:
    """A feed is thousands of pages of the file, which are given back one by one."""
    room, gone = SWEPT, []
    found = rows(db, "SELECT kind, key, length(value) FROM records WHERE expires_at <= ? LIMIT ?", (now, budget))
    for kind, key, size in found:
        if room <= 0:
            break
        room -= size
        gone.append((kind, key))
    db.executemany("DELETE FROM records WHERE kind = ? AND key = ?", gone)
    return len(gone) if len(gone) == len(found) else budget


def sweep(db: apsw.Connection, now: int, budget: int) -> int:
    """Remove at most about `budget` rows that have expired, and not many MiB; returns how many went, or `budget` where
    there are more."""
    removed = _sweep_records(db, now, budget)
    for sql in (
        "DELETE FROM commands WHERE (topic, key) IN (SELECT topic, key FROM commands WHERE keep_until <= ? LIMIT ?)",
        "DELETE FROM leases WHERE name IN (SELECT name FROM leases WHERE expires_at <= ? LIMIT ?)",
    ):
        db.execute(sql, (now, max(budget - removed, 0)))
        removed += db.changes()
    return removed + sweep_topics(db, now, budget - removed)
