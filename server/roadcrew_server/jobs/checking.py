"""What a price-monitor service says of a part of a feed, checked: it is somebody else's program.

Texts are made harmless; whatever else is not as it should be ends the import. Not for whether a row is a good one: that
is the service's to say.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from dataclasses import dataclass

import msgspec

from roadcrew_domain import hotels, text
from roadcrew_domain.jobs_state import (
    MAX_CODE,
    MAX_DETAIL,
    MAX_REASONS,
    OTHER_REASONS,
    SHOWN_REFUSED,
    AddRows,
    Checkpoint,
    ImportedHotel,
    ImportJob,
    ReasonCount,
    RefusedRow,
)
from roadcrew_domain.money import MAX_AMOUNT, Money, is_currency
from roadcrew_price_monitor.protocol import MOST_ROWS, Rows

MOST_TOKEN = 4_000
"""Characters of a checkpoint's token. It is in each event that names one."""
MOST_REFUSED = 100_000
"""Refused rows of an import. A feed with more of them is none of hotels."""
AT_A_TIME = 250
"""Rows after which others get their turn."""

_CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class Bad(Exception):
    """The service said what it must not. The text says what, as the end of a sentence, and repeats none of it."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A part of a feed that can be kept. `rows` and `bytes` are of the whole feed so far; `last` is the highest line;
    `moves` says that it is further than what was known."""

    hotels: tuple[ImportedHotel, ...]
    refused: tuple[RefusedRow, ...]
    checkpoint: Checkpoint
    rows: int
    bytes: int
    last: int
    moves: bool

    @classmethod
    async def of(cls, said: Rows, job: ImportJob, *, sent: int, last: int) -> Checked:
        """What was said, if it follows what the job has, of which `last` is the highest line and `sent` bytes were
        sent. Raises `Bad`."""
        known, more = job.counts.good + job.counts.refused, len(said.hotels) + len(said.refused)
        if more > MOST_ROWS:
            raise Bad("it says more rows at once than was agreed")
        if said.rows != known + more:
            raise Bad("its count of rows is not that of the rows that it said")
        if not job.counts.bytes <= said.bytes <= sent or not job.checkpoint.offset <= said.checkpoint.offset <= sent:
            raise Bad("it is further in the feed than was sent, or goes back")
        if len(said.checkpoint.token) > MOST_TOKEN or not said.checkpoint.token.isprintable():
            raise Bad("its checkpoint is none")
        if said.checkpoint == job.checkpoint and more:
            raise Bad("it says rows, and is where it was")
        highest = _lines(said, last, job.size)
        good: list[ImportedHotel] = []
        for row in said.hotels:
            good.append(_hotel(row))
            if len(good) % AT_A_TIME == 0:
                await asyncio.sleep(0)
        bad = tuple(map(_refused, said.refused))
        moves = bool(more) or said.bytes > job.counts.bytes
        return cls(tuple(good), bad, said.checkpoint, said.rows, said.bytes, highest, moves)

    def act(self, fence: int, page: str | None, refused_page: str | None) -> AddRows:
        """What becomes of it in the log, once it is in its pages."""
        reasons = Counter(row.code for row in self.refused).most_common()
        told = [ReasonCount(code, rows) for code, rows in reasons[:MAX_REASONS]]
        if more := sum(rows for _, rows in reasons[MAX_REASONS:]):
            told.append(ReasonCount(OTHER_REASONS, more))
        return AddRows(
            fence=fence,
            good=len(self.hotels),
            refused=len(self.refused),
            checkpoint=self.checkpoint,
            bytes=self.bytes,
            page=page,
            refused_page=refused_page,
            reasons=tuple(told),
            shown=self.refused[:SHOWN_REFUSED],
        )


def _lines(said: Rows, last: int, size: int) -> int:
    """The highest line. Each row has one of its own, after all that were said before; no feed has more than bytes."""
    highest = last
    for rows in (said.hotels, said.refused):
        before = last
        for row in rows:
            if not before < row.line <= size + 1:
                raise Bad("its lines are not in the order of the feed")
            before = row.line
        highest = max(highest, before)
    if said.hotels and said.refused and not {h.line for h in said.hotels}.isdisjoint(r.line for r in said.refused):
        raise Bad("it says that one line is good and refused")
    return highest


def _hotel(row: ImportedHotel) -> ImportedHotel:
    name, city = _text(row.name, hotels.MAX_NAME), _text(row.city, hotels.MAX_CITY)
    if not 0 <= row.stars <= hotels.MAX_STARS:
        raise Bad("a hotel has more stars than there are")
    for price in (row.price_per_night, row.was):
        if price is not None:
            _check_price(price)
    if name is row.name and city is row.city:
        return row
    return msgspec.structs.replace(row, name=name, city=city)


def _check_price(price: Money) -> None:
    if not 0 <= price.amount <= MAX_AMOUNT or not is_currency(price.currency):
        raise Bad("a price is none")


def _text(said: str, limit: int) -> str:
    """Most names are plain, and are not looked at twice."""
    if len(said) > limit:
        raise Bad("a name is too long")
    plain = said.isascii() and said.isprintable() and "  " not in said and said == said.strip()
    tidy = said if plain else text.cut(said, limit)
    if not tidy:
        raise Bad("a name is empty")
    return tidy


def _refused(row: RefusedRow) -> RefusedRow:
    if len(row.code) > MAX_CODE or not _CODE.fullmatch(row.code):
        raise Bad("a reason is none")
    return RefusedRow(row.line, row.code, text.cut(row.detail, MAX_DETAIL))
