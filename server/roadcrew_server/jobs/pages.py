"""The rows of imports, in pages: records of the store that a job's events name, each with the rows of one batch.

They are read page by page, however many there are, and the rows of an answer are found with a bounded heap. Not for
deciding which rows are good.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import heapq
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from itertools import chain
from typing import Any, Literal, TypeVar

import msgspec

from roadcrew_domain.jobs_state import ImportedHotel, RefusedRow
from roadcrew_domain.values import Value
from roadcrew_server.problems import Problem
from roadcrew_server.stores.base import Store

RECORD = "rows"
LEVEL = 1
"""Of compression: a page becomes a fraction of what it was, in a few milliseconds."""
MOST_ROWS = 200
"""Of one answer."""
SCANS = 2
"""Questions that are looked for in pages at the same time; others wait, so that streams don't have to."""
MOST_ASKED = 8
"""Questions of one person that wait or are looked for; a screen has one."""
MAX_AFTER = 4_000
"""Characters of a `next`."""

Sort = Literal["price", "name", "city", "stars", "line"]
Row = TypeVar("Row", ImportedHotel, RefusedRow)
Key = tuple[Any, ...]

_hotels = msgspec.json.Decoder(tuple[ImportedHotel, ...])
_refused = msgspec.json.Decoder(tuple[RefusedRow, ...])
_orders: dict[Sort, tuple[Callable[[ImportedHotel], Key], tuple[type, ...]]] = {
    "price": (lambda h: (h.price_per_night.currency, h.price_per_night.amount, h.line), (str, int, int)),
    "name": (lambda h: (h.name.casefold(), h.line), (str, int)),
    "city": (lambda h: (h.city.casefold(), h.name.casefold(), h.line), (str, str, int)),
    "stars": (lambda h: (h.stars, h.line), (int, int)),
    "line": (lambda h: (h.line,), (int,)),
}
"""What hotels are sorted by, and of which types that is. Each ends with the line, so no two are equal. Prices of one
currency stand together."""


class Question(Value, frozen=True):
    """Which hotels, in which order. `city` is the whole name, `text` a part of a hotel's or a city's; `max_price` is in
    minor units of each hotel's own currency; `after` is the `next` of the answer before."""

    sort: Sort = "line"
    descending: bool = False
    city: str | None = None
    text: str | None = None
    min_stars: int = 0
    max_price: int | None = None
    limit: int = 50
    after: str | None = None

    def asks_for(self) -> Callable[[ImportedHotel], bool]:
        """Whether a hotel is asked for, whatever was answered before."""
        city = None if self.city is None else self.city.casefold()
        text = None if self.text is None else self.text.casefold()

        def wanted(h: ImportedHotel) -> bool:
            return (
                h.stars >= self.min_stars
                and (self.max_price is None or h.price_per_night.amount <= self.max_price)
                and (city is None or h.city.casefold() == city)
                and (text is None or text in h.name.casefold() or text in h.city.casefold())
            )

        return wanted


class HotelPage(Value, frozen=True):
    """A part of the good rows; `total` are those that are asked for. With `next` it goes on; None: that was all."""

    hotels: tuple[ImportedHotel, ...]
    total: int
    next: str | None


class RefusedPage(Value, frozen=True):
    """A part of the bad rows, by line. `next` is the line to go on after."""

    rows: tuple[RefusedRow, ...]
    total: int
    next: int | None


class PageGone(Exception):
    """A page of a job is no longer kept."""


class _Line:
    """What one person has asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.turn = asyncio.Lock()


class Pages:
    """The pages of one store. Every method may raise `StoreUnavailable`; those that read, `PageGone`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._room = asyncio.Semaphore(SCANS)
        self._lines: dict[str, _Line] = {}

    async def write(self, key: str, rows: Sequence[ImportedHotel] | Sequence[RefusedRow], ends: datetime) -> None:
        """Keep a page until then. Writing it again does no harm."""
        await self._store.put(RECORD, key, zlib.compress(msgspec.json.encode(rows), LEVEL), ends)

    async def hotels(self, pages: Sequence[str], question: Question, *, by: str = "") -> HotelPage:
        """The good rows that are asked for. Raises `Problem` (`invalid`) for an `after` that is none of ours."""
        (key, _), wanted = _orders[question.sort], question.asks_for()
        after = None if question.after is None else _parsed(question)
        best: list[ImportedHotel] = []
        total = 0

        def ahead(rows: Iterator[ImportedHotel]) -> Iterator[ImportedHotel]:
            for row in rows:
                if after is None or (key(row) < after if question.descending else key(row) > after):
                    yield row

        take = heapq.nlargest if question.descending else heapq.nsmallest
        async with self._turn(by):
            async for rows in self._each(pages, _hotels):
                found = [row for row in rows if wanted(row)]
                total += len(found)
                best = take(question.limit + 1, chain(best, ahead(iter(found))), key=key)
        more = len(best) > question.limit
        shown = tuple(best[: question.limit])
        return HotelPage(shown, total, _after(question, key(shown[-1])) if more else None)

    async def refused(self, pages: Sequence[str], after: int, limit: int, total: int, *, by: str = "") -> RefusedPage:
        """The bad rows after a line, of `total` in all. Pages are in the order of lines, so no more are read than are
        needed."""
        best: list[RefusedRow] = []
        async with self._turn(by):
            async for rows in self._each(pages, _refused):
                best += [row for row in rows if row.line > after][: limit + 1 - len(best)]
                if len(best) > limit:
                    break
        return RefusedPage(tuple(best[:limit]), total, best[limit - 1].line if len(best) > limit else None)

    async def last_line(self, good: Sequence[str], refused: Sequence[str]) -> int:
        """The highest line that these pages have; 0 if there are none."""
        last = 0
        async for hotels in self._each(good[-1:], _hotels):
            last = max(last, hotels[-1].line)
        async for bad in self._each(refused[-1:], _refused):
            last = max(last, bad[-1].line)
        return last

    @asynccontextmanager
    async def _turn(self, by: str) -> AsyncIterator[None]:
        """A place to look from, one for each person: who asks without end waits for themselves, and not everybody for
        them. Raises `Problem` 429."""
        line = self._lines.setdefault(by, _Line())
        if line.asked >= MOST_ASKED:
            raise Problem(429, "too-many-requests", "Wait for the answers to what you have asked.", retry_after=1)
        line.asked += 1
        try:
            async with line.turn, self._room:
                yield
        finally:
            line.asked -= 1
            if not line.asked:
                del self._lines[by]

    async def _each(
        self, pages: Sequence[str], decoder: msgspec.json.Decoder[tuple[Row, ...]]
    ) -> AsyncIterator[tuple[Row, ...]]:
        """The rows of each page."""
        for page in pages:
            stored = await self._store.get(RECORD, page)
            if stored is None:
                raise PageGone(page)
            yield decoder.decode(zlib.decompress(stored.value))


def _after(question: Question, key: Key) -> str:
    body = msgspec.json.encode((question.sort, question.descending, key))
    return base64.urlsafe_b64encode(body).rstrip(b"=").decode()


def _parsed(question: Question) -> Key:
    """The key in an `after`. It must be of the same order."""
    text = question.after or ""
    try:
        if len(text) > MAX_AFTER:
            raise ValueError
        body = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        sort, descending, key = msgspec.json.decode(body, type=tuple[str, bool, tuple[str | int, ...]])
        if (sort, descending) != (question.sort, question.descending):
            raise ValueError
        if tuple(map(type, key)) != _orders[question.sort][1]:
            raise ValueError
    except (ValueError, binascii.Error, RecursionError):
        raise Problem(422, "invalid", "`after` is the `next` of an answer in the same order.", field="after") from None
    return key
