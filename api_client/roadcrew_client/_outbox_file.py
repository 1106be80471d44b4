"""The changes that wait, in one file for all programs of a person (or in memory, where `folder` is None). Blocking; one
thread uses it. Not for threads, nor for what to do when the disk says no.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from roadcrew_client._outbox_db import Database, OutboxTrouble
from roadcrew_client._outbox_owner import Owner
from roadcrew_client._outbox_rows import (
    COLUMNS,
    OutboxEntry,
    Row,
    Tally,
    Verdict,
    entry_of,
    hanging,
    known_id,
    names,
    reason_of,
    values_of,
)
from roadcrew_client.changes import Refusal

if TYPE_CHECKING:
    import sqlite3

FILE = "changes.sqlite"
RUNNING = "running"
VERSION = 1
MAX_ENTRIES = 5000
MAX_REFUSED = 100
"""Refused changes that are kept for one person at one server; the oldest go first."""

_SCHEMA = (
    "CREATE TABLE changes (n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,"
    " server TEXT NOT NULL, person TEXT NOT NULL, trip TEXT NOT NULL, path TEXT NOT NULL, body BLOB NOT NULL,"
    " about TEXT NOT NULL, made_at INTEGER NOT NULL, state TEXT NOT NULL, agreed INTEGER NOT NULL DEFAULT 0,"
    " reason TEXT, owner TEXT)",
    "CREATE INDEX changes_of ON changes (server, person)",
)
_NUMBERS_IN_MEMORY = f"INSERT INTO sqlite_sequence (name, seq) VALUES ('changes', {1 << 40})"  # noqa: S608 — our own words
"""What the disk would not keep is sent after what it has."""


class OutboxFile:
    """Every method raises `OutboxTrouble` when the disk won't."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        schema = _SCHEMA if folder is not None else (*_SCHEMA, _NUMBERS_IN_MEMORY)
        self.db = Database(None if folder is None else folder / FILE, schema, VERSION)
        self._owner = None if folder is None else Owner(folder / RUNNING)

    def close(self) -> None:
        """Let go of the file; what is ours is anybody's."""
        self.db.close()
        if self._owner is not None:
            self._owner.end()

    def put_aside(self) -> Path | None:
        """Where a damaged file was moved to, if that has just happened."""
        aside, self.db.put_aside = self.db.put_aside, None
        return aside

    # --- keeping and letting go -------------------------------------------------------------------

    def keep(self, entry: OutboxEntry) -> None:
        """Durable when this returns."""
        values = values_of(entry)

        def work(db: sqlite3.Connection) -> None:
            if db.execute("SELECT count(*) FROM changes").fetchone()[0] >= MAX_ENTRIES:
                raise OutboxTrouble(f"{MAX_ENTRIES} changes wait already")
            db.execute(
                "INSERT OR IGNORE INTO changes (id, server, person, trip, path, body, about, made_at, state, owner)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'waiting', ?)",
                (*values, self._own(db)),
            )

        self.db.write(work)

    def remove(self, command: str) -> None:
        """It has arrived."""
        sql = "DELETE FROM changes WHERE id = ?"
        if self._has(command):
            self.db.write(lambda db: db.execute(sql, (command,)))

    def refuse(self, command: str, refusal: Refusal) -> None:
        """The server did not take it; kept with the reason, until it is dropped."""

        def work(db: sqlite3.Connection) -> None:
            sql = "UPDATE changes SET state = 'refused', reason = ?, owner = NULL WHERE id = ?"
            db.execute(sql, (reason_of(refusal), command))
            db.execute(
                "DELETE FROM changes WHERE state = 'refused' AND n NOT IN (SELECT n FROM changes AS other WHERE"
                " state = 'refused' AND server = changes.server AND person = changes.person ORDER BY n DESC LIMIT ?)",
                (MAX_REFUSED,),
            )

        if self._has(command):
            self.db.write(work)

    def drop(self, ids: Collection[str]) -> tuple[str, ...]:
        """Remove changes, with what makes no sense without those that wait, of the same person. Returns the ids of
        all."""
        if not self._any():
            return ()

        def work(db: sqlite3.Connection) -> tuple[str, ...]:
            rows = db.execute("SELECT n, id, state, path, body, server, person FROM changes ORDER BY n").fetchall()
            known = [(n, known_id(i, n), state, (path, body), of) for n, i, state, path, body, *of in rows]
            whose = [of for _, i, _, _, of in known if i in ids]
            waiting = [(i, said) for _, i, state, said, of in known if state in ("waiting", "asks") and of in whose]
            wanted = {i for _, i, _, _, _ in known if i in ids}
            wanted.update(hanging(waiting, wanted & {i for i, _ in waiting}))
            gone = [(n, i) for n, i, _, _, _ in known if i in wanted]
            db.executemany("DELETE FROM changes WHERE n = ?", [(n,) for n, _ in gone])
            return tuple(i for _, i in gone)

        return self.db.write(work)

    def agree(self, ids: Collection[str]) -> tuple[str, ...]:
        """Changes that ask may be sent, with those of the same person that they need and that ask too. Returns the ids
        of all."""
        if not self._any():
            return ()

        def work(db: sqlite3.Connection) -> tuple[str, ...]:
            wanted = set(ids)
            sql = "SELECT n, id, path, body, server, person FROM changes WHERE state = 'asks' ORDER BY n DESC"
            rows = [(n, change, (path, body), of) for n, change, path, body, *of in db.execute(sql)]
            whose = [of for _, change, _, of in rows if change in wanted]
            for _, change, said, _ in rows:
                if change in wanted:
                    wanted |= names(said)
            agreed = [(n, change) for n, change, _, of in reversed(rows) if change in wanted and of in whose]
            sql = "UPDATE changes SET state = 'waiting', agreed = 1, owner = NULL WHERE n = ?"
            db.executemany(sql, [(n,) for n, _ in agreed])
            return tuple(change for _, change in agreed)

        return self.db.write(work)

    # --- sending ----------------------------------------------------------------------------------

    def take(self, server: str, person: str, oldest: datetime, in_hand: Collection[str]) -> list[OutboxEntry]:
        """What waits for this person, and belongs to no program that runs, is ours from now on, all in one transaction.
        What is older than `oldest`, and what makes no sense without it, asks instead."""
        if not self.db.read(lambda db: self._nobodys(db, server, person, in_hand)):
            return []

        def work(db: sqlite3.Connection) -> list[OutboxEntry]:
            found = self._nobodys(db, server, person, in_hand)
            good = [e for e in found if e.state == "waiting"]
            old = _too_old(db, server, person, oldest, {e.number for e in good})
            taken = [e for e in good if e.number not in old]
            _mark(db, "asks", old)
            _mark(db, "unreadable", [e.number for e in found if e.state != "waiting"])
            if taken:
                own = self._own(db)
                sql = "UPDATE changes SET state = 'waiting', owner = ? WHERE n = ?"
                db.executemany(sql, [(own, e.number) for e in taken])
            return taken

        return self.db.write(work)

    def check(self, command: str, oldest: datetime) -> Verdict | None:
        """What may become of a change that is about to be sent; None for one that is not here."""
        sql = "SELECT n, state, owner, made_at, agreed, server, person FROM changes WHERE id = ?"
        row = self.db.read(lambda db: db.execute(sql, (command,)).fetchone())
        if row is None:
            return None
        n, state, owner, made_at, agreed, server, person = row
        if state != "waiting" or not self._is_free(owner):
            return "asks" if state == "asks" else "gone"
        if agreed or not isinstance(made_at, int) or made_at >= _ms(oldest):
            return "send"
        self.db.write(lambda db: _mark(db, "asks", _too_old(db, server, person, oldest, {n})))
        return "asks"

    def _nobodys(self, db: sqlite3.Connection, server: str, person: str, in_hand: Collection[str]) -> list[OutboxEntry]:
        """What waits and can be taken up, in order; also what an older version of this program could not read, and
        this one can."""
        sql = (
            "SELECT n, id, owner FROM changes WHERE server = ? AND person = ? AND state IN ('waiting', 'unreadable')"
            " ORDER BY n"
        )
        found = [(n, owner) for n, change, owner in db.execute(sql, (server, person)) if change not in in_hand]
        free = {owner: self._is_free(owner) for owner in {owner for _, owner in found}}
        whole = f"SELECT {COLUMNS} FROM changes WHERE n = ?"  # noqa: S608 — all our own words
        rows = [Row(*db.execute(whole, (n,)).fetchone()) for n, owner in found if free[owner]]
        looked_at = [(row, entry_of(row._replace(state="waiting"))) for row in rows]
        return [entry for row, entry in looked_at if row.state == "waiting" or entry.state == "waiting"]

    # --- looking ----------------------------------------------------------------------------------

    def entries(self, server: str, person: str | None, in_hand: Collection[str]) -> list[OutboxEntry]:
        """All changes of a person (None: of everybody) at a server, in order."""
        rows = self.db.read(lambda db: _rows(db, server, person)) or []
        free = {owner: self._is_free(owner) for owner in {row.owner for row in rows}}
        found = [(entry_of(row), row.id in in_hand or not free[row.owner]) for row in rows]
        return [replace(entry, running=entry.state == "waiting" and runs) for entry, runs in found]

    def tally(self, server: str, person: str | None) -> Tally:
        """How many there are of each kind."""
        sql = "SELECT state, count(*) FROM changes WHERE server = ? AND person = ifnull(?, person) GROUP BY state"
        found = self.db.read(lambda db: db.execute(sql, (server, person)).fetchall()) or []
        counts = {str(state): count for state, count in found}
        waiting, asks, refused = (counts.pop(state, 0) for state in ("waiting", "asks", "refused"))
        return Tally(waiting, asks, refused, unreadable=sum(counts.values()))

    def _any(self) -> bool:
        return self.db.read(lambda db: db.execute("SELECT 1 FROM changes LIMIT 1").fetchone()) is not None

    def _has(self, command: str) -> bool:
        sql = "SELECT 1 FROM changes WHERE id = ?"
        return self.db.read(lambda db: db.execute(sql, (command,)).fetchone()) is not None

    # --- whose ------------------------------------------------------------------------------------

    def _own(self, db: sqlite3.Connection) -> str | None:
        """Who we are, to others."""
        if self._folder is None or self._owner is None:
            return None
        if not self._owner.exists():
            self._owner.end()
            self._owner = Owner(self._folder / RUNNING)
            self._owner.begin({row[0] for row in db.execute("SELECT DISTINCT owner FROM changes")})
        return self._owner.id

    def _is_free(self, owner: object) -> bool:
        """Whether what belongs to that program is ours, or can be."""
        return self._owner is None or owner == self._owner.id or self._owner.is_dead(owner)


def _rows(db: sqlite3.Connection, server: str, person: str | None) -> list[Row]:
    sql = f"SELECT {COLUMNS} FROM changes WHERE server = ? AND person = ifnull(?, person) ORDER BY n"  # noqa: S608 — all our own words
    return [Row(*row) for row in db.execute(sql, (server, person))]


def _mark(db: sqlite3.Connection, state: str, numbers: Iterable[int]) -> None:
    sql = "UPDATE changes SET state = ?, owner = NULL WHERE n = ?"
    db.executemany(sql, [(state, n) for n in numbers])


def _too_old(db: sqlite3.Connection, server: str, person: str, oldest: datetime, among: Collection[int]) -> set[int]:
    """The numbers of those `among` what waits that are too old to be sent unasked, and of what hangs on them."""
    sql = (
        "SELECT n, id, path, body, made_at FROM changes WHERE server = ? AND person = ? AND state = 'waiting'"
        " AND agreed = 0 ORDER BY n"
    )
    rows = db.execute(sql, (server, person)).fetchall()
    old = {i for n, i, _, _, made_at in rows if n in among and isinstance(made_at, int) and made_at < _ms(oldest)}
    old |= set(hanging([(i, (path, body)) for _, i, path, body, _ in rows], old))
    return {n for n, i, *_ in rows if i in old}


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
