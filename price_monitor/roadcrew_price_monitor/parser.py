"""One import being read: bytes of a feed in, clean hotels and refused rows out, with places to go on from.

At-least-once becomes exactly-once here: a row that is read again after a crash gets the same answer, since what decides
it (which line had the hotel first, what it cost before) is kept by job in `Memory`. Not for sockets, nor for when to
say something.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from roadcrew_domain.jobs_state import Checkpoint, FeedFormat, ImportedHotel, RefusedRow
from roadcrew_domain.money import Money
from roadcrew_domain.values import Value
from roadcrew_price_monitor import csv_feed, json_feed
from roadcrew_price_monitor.amounts import known_currency
from roadcrew_price_monitor.memory import Memory
from roadcrew_price_monitor.reading import MOST_COLUMNS, PIECE, Count, CsvState, LinesState, ListState, Reader, State
from roadcrew_price_monitor.refused import BadFeed, BadRow
from roadcrew_price_monitor.rows import Bad, Row, hotel_of, identity

_UTF8_MARK = b"\xef\xbb\xbf"
_OTHER_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")


class Token(Value, frozen=True):
    """What a checkpoint means to us: whose memory it leans on, how many rows there were, and where to go on. Rows of
    lines up to `told` are not said again."""

    memory: Annotated[str, msgspec.Meta(max_length=64)]
    rows: Count
    state: State


class BadCheckpoint(Exception):
    """It is none of ours."""


class Found(Value, frozen=True):
    """What a step has found."""

    hotels: tuple[ImportedHotel, ...]
    refused: tuple[RefusedRow, ...]


_NOTHING = Found((), ())


class Parser:
    """`begins`: the byte of the feed from which it wants to be given it. Raises `BadCheckpoint`, and `BadFeed` for a
    currency that there is not."""

    def __init__(
        self,
        job: str,
        format: FeedFormat,  # noqa: A002 - as in the protocol
        currency: str | None,
        checkpoint: Checkpoint,
        memory: Memory,
        history: str = "",
    ):
        if currency is not None and not known_currency(currency):
            raise BadFeed("The currency for rows that name none is not known.")
        self._format = format
        self._currency = currency
        self._job, known = memory.begin(job)
        self._memory = memory
        self._history = history
        self._reader: Reader | None = None
        self._head = bytearray()
        self._ended = False
        self.rows = 0
        """Rows of the feed so far, good and refused."""
        self.begins = 0
        self._told_line = -1
        self._told = checkpoint
        if checkpoint.token:
            token = _token(checkpoint)
            self._told_line = token.state.line
            if not isinstance(token.state, ListState) and token.state.skipping:
                self._told_line += 1  # was told when its skipping began
            if known and token.memory == memory.id:
                self.begins, self.rows = checkpoint.offset, token.rows
                self._read_on(token.state)

    def take(self, data: bytes) -> None:
        """The next piece of the feed."""
        if self._reader is None:
            self._head += data
        else:
            self._reader.take(data)

    def end(self) -> None:
        """No more of the feed comes."""
        self._ended = True

    def step(self) -> Found | None:
        """What some rows (at most `STEP`) came to; None when it needs more, or, at the end, when all is read. Raises
        `BadFeed`."""
        if self._reader is None and not self._begin():
            return None
        assert self._reader is not None  # noqa: S101 - for the type checker
        rows = self._reader.step(final=self._ended)
        return None if rows is None else self._judged(rows)

    @property
    def offset(self) -> int:
        """Bytes of the feed that are done."""
        return self.begins if self._reader is None else self._reader.offset

    @property
    def checkpoint(self) -> Checkpoint:
        """The place after the rows so far; never before the one that was begun with. Good only when `Memory.commit`
        has come after it."""
        if self._reader is None or self._reader.offset < self._told.offset:
            return self._told
        token = Token(self._memory.id, self.rows, self._reader.state)
        return Checkpoint(self._reader.offset, msgspec.json.encode(token).decode())

    def _begin(self) -> bool:
        """False if more of the feed is needed to know what it is."""
        if len(self._head) < PIECE + len(_UTF8_MARK) and not self._ended:
            return False
        head = bytes(self._head)
        if head.startswith(_OTHER_MARKS) or b"\0" in head[:4]:
            raise BadFeed("The feed is UTF-16 or UTF-32. Save it as UTF-8.")
        marked = len(_UTF8_MARK) if head.startswith(_UTF8_MARK) else 0
        begin = csv_feed.begin if self._format == "csv" else json_feed.begin
        state, size = begin(head[marked : marked + PIECE], final=self._ended and len(head) <= marked + PIECE)
        self.begins = marked + size
        self._read_on(state)
        self.take(head[self.begins :])
        self._head.clear()
        return True

    def _read_on(self, state: State) -> None:
        match state:
            case CsvState():
                self._reader = csv_feed.CsvFeed(self.begins, state)
                self._currency = state.currency or self._currency
            case ListState():
                self._reader = json_feed.ListFeed(self.begins, state)
            case LinesState():
                self._reader = json_feed.LinesFeed(self.begins, state)

    def _judged(self, rows: Sequence[Row | Bad]) -> Found:
        hotels: list[ImportedHotel] = []
        refused: list[RefusedRow] = []
        for row in rows:
            self.rows += 1
            try:
                if isinstance(row, Bad):
                    raise BadRow(row.code, row.detail)
                hotel = self._new(hotel_of(row, self._currency))
            except BadRow as bad:
                if row.line > self._told_line:
                    refused.append(RefusedRow(row.line, bad.code, bad.detail))
            else:
                if row.line > self._told_line:
                    hotels.append(hotel)
        return Found(tuple(hotels), tuple(refused)) if hotels or refused else _NOTHING

    def _new(self, hotel: ImportedHotel) -> ImportedHotel:
        """The hotel with what it cost before. Raises `BadRow` if an earlier line has it."""
        price = hotel.price_per_night
        first, was = self._memory.see(self._job, identity(hotel, self._history), hotel.line, price)
        if first != hotel.line:
            raise BadRow("duplicate", f"The same hotel is on line {first}.")
        if was is None or was == price.amount:
            return hotel
        return msgspec.structs.replace(hotel, was=Money(was, price.currency))


def _token(checkpoint: Checkpoint) -> Token:
    try:
        token = msgspec.json.decode(checkpoint.token, type=Token)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadCheckpoint("The checkpoint's token is none that this service has made.") from error
    state = token.state
    if isinstance(state, CsvState) and max(c for c in state.columns if c is not None) >= min(state.width, MOST_COLUMNS):
        raise BadCheckpoint("The checkpoint's token names a column that there is not.")
    return token
