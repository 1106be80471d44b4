"""What the service knows beyond one connection: which hotels a job has had, and what hotels cost before. SQLite.

One thread uses it. It is not the truth about an import, which the server keeps: without this file a job is read again
from the beginning, and only `was` is lost.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw

from roadcrew_domain.money import Money

KEEP_JOB = 2 * 86_400
"""Seconds that a job's hotels are remembered after it began: longer than an import may take by far."""

KEEP_PRICE = 400 * 86_400
"""Seconds that a price is remembered: a year's season, and a little more."""

MOST_PRICES = 50
"""That a hotel has had, in one currency; the oldest makes room."""

MOST_KNOWN = 3_000_000
"""Prices that are remembered in all, some 200 MB. With so many, a hotel that is new is not remembered: whoever sends
feeds of made-up hotels fills no disk."""

TIDY = 5_000
"""Rows that one tidying looks at, so that it takes its turn with the feeds."""

CACHE = 16_384
"""KiB of the file that are kept in memory."""

_SCHEMA = """
create table if not exists about (name text primary key, value text not null) without rowid;
create table if not exists jobs (
    number integer primary key autoincrement, job text not null unique, begun integer not null
);
create table if not exists seen (
    job integer not null, hotel blob not null, line integer not null, was integer,
    primary key (job, hotel)
) without rowid;
create table if not exists prices (
    hotel blob not null, currency text not null, at integer not null, amount integer not null,
    primary key (hotel, currency, at)
) without rowid;
"""

_SEE = """
insert or ignore into seen values (
    ?1, ?2, ?3, (select amount from prices where hotel = ?2 and currency = ?4 order by at desc limit 1)
) returning was
"""


class CantOpen(Exception):
    """The message is a sentence for who starts the service."""


class Memory:
    """`clock` gives the time in seconds."""

    def __init__(self, file: Path, clock: Callable[[], float]) -> None:
        self._clock = clock
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._db = apsw.Connection(str(file))
            self._db.set_busy_timeout(1_000)
            # Another service on the same file would tell its jobs apart by our numbers.
            self._db.pragma("locking_mode", "exclusive")
            self._db.pragma("journal_mode", "wal")
            # A checkpoint that a server keeps must find here what came before it, also after a power cut.
            self._db.pragma("synchronous", "full")
            self._db.pragma("cache_size", -CACHE)
            with self._db:
                self._db.execute(_SCHEMA)
                self._db.execute("insert or ignore into about values ('id', ?)", (secrets.token_hex(8),))
        except apsw.BusyError as error:
            raise CantOpen(f"{file} is in use: another price monitor runs on it.") from error
        except (apsw.Error, OSError) as error:
            raise CantOpen(f"{file} can't be used: {error}") from error
        self.id: str = self._one("select value from about where name = 'id'")
        """Another one when the file was lost."""
        self._known: int = self._one("select count(*) from prices")
        self._walked = b""
        self._abandoned = False

    def begin(self, job: str) -> tuple[int, bool]:
        """A number for the job, and whether all that it has had is remembered."""
        now = int(self._clock())
        begun = self._one("select begun from jobs where job = ?", job)
        known = begun is not None and begun >= now - KEEP_JOB
        if not known:
            self._write()
            self._db.execute(
                "insert into jobs (job, begun) values (?, ?) on conflict (job) do update set begun = excluded.begun",
                (job, now),
            )
        return self._one("select number from jobs where job = ?", job), known

    def see(self, job: int, hotel: bytes, line: int, price: Money) -> tuple[int, int | None]:
        """The line on which the job had this hotel first, and its price before the job, in minor units of the same
        currency. What is seen again has the same answer."""
        self._write()
        added = self._db.execute(_SEE, (job, hotel, line, price.currency)).fetchone()
        if added is None:
            known = self._db.execute("select line, was from seen where job = ? and hotel = ?", (job, hotel))
            first, before = next(known)
            return first, before
        was: int | None = added[0]
        if was != price.amount and (was is not None or self._known < MOST_KNOWN):
            now = int(self._clock())
            self._db.execute(
                "insert or replace into prices values (?, ?, ?, ?)", (hotel, price.currency, now, price.amount)
            )
            self._known += 1
            if was is not None:
                self._forget_oldest(hotel, price.currency)
        return line, was

    def commit(self) -> None:
        """Keep what was seen, of all jobs."""
        if self._db.in_transaction:
            self._db.execute("commit")

    def tidy(self) -> bool:
        """Forget a part of what is old; False when nothing was left to forget."""
        self._write()
        now = int(self._clock())
        old = self._one("select number from jobs where begun < ? order by number limit 1", now - KEEP_JOB)
        if old is not None:
            self._db.execute(
                "delete from seen where job = ?1 and hotel in (select hotel from seen where job = ?1 limit ?2)",
                (old, TIDY),
            )
            if self._db.changes() == 0:
                self._db.execute("delete from jobs where number = ?", (old,))
        upto = self._one(
            "select hotel from prices where hotel >= ? order by hotel limit 1 offset ?", self._walked, TIDY
        )
        self._db.execute(
            "delete from prices where hotel >= ?1 and (?2 is null or hotel < ?2) and at < ?3",
            (self._walked, upto, now - KEEP_PRICE),
        )
        self._known -= self._db.changes()
        self._walked = upto or b""
        self.commit()
        return old is not None or upto is not None

    def close(self) -> None:
        """Keep what there is, and let go of the file. Nothing, if it was abandoned."""
        if not self._abandoned:
            self.commit()
            self._db.close()

    def abandon(self) -> None:
        """Let go of the file without what was not committed. From then on every call raises `apsw.Error`."""
        self._abandoned = True
        self._db.close(force=True)

    def _forget_oldest(self, hotel: bytes, currency: str) -> None:
        self._db.execute(
            "delete from prices where hotel = ?1 and currency = ?2 and at <= "
            "(select at from prices where hotel = ?1 and currency = ?2 order by at desc limit 1 offset ?3)",
            (hotel, currency, MOST_PRICES),
        )
        self._known -= self._db.changes()

    def _one(self, query: str, *values: object) -> Any:
        row = self._db.execute(query, values).fetchone()
        return None if row is None else row[0]

    def _write(self) -> None:
        if not self._db.in_transaction:
            self._db.execute("begin immediate")
