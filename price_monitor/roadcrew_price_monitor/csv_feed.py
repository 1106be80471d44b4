"""Reads a CSV feed piece by piece: quoted line ends, four delimiters, columns by their names.

The standard library's reader does the parsing; what is here keeps its work bounded, and goes on with the next line
after one that it can't read. Not for what the fields mean.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

import msgspec

from roadcrew_price_monitor.columns import columns_of
from roadcrew_price_monitor.reading import MOST_COLUMNS, MOST_ROW, STEP, CsvState, Delimiter, Lines
from roadcrew_price_monitor.refused import BadFeed
from roadcrew_price_monitor.rows import Bad, Row

DELIMITERS: tuple[Delimiter, ...] = (",", ";", "\t", "|")
_SAYS_DELIMITER = re.compile(rb'"?sep=.?"?\r?\n', re.IGNORECASE)
_NO_UTF8 = re.compile("[\udc80-\udcff]")
_TOO_LONG = ("row-too-long", f"The row is longer than {MOST_ROW // 1024} KiB, or a quote in it is never closed.")
_BROKEN = ("bad-quotes", "The quotes of the row don't fit together, or it has a line end outside of them.")
_BLANK = b"\r\n\t ,;|"


def begin(head: bytes, *, final: bool) -> tuple[CsvState, int]:
    """What the first lines of a feed say of it, and how many bytes they are. Raises `BadFeed`."""
    at = line = 0
    said = _SAYS_DELIMITER.match(head)  # a line that spreadsheets write for each other
    if said:
        at, line = said.end(), 1
    while True:
        end = head.find(b"\n", at) + 1
        if not end:
            if not final:
                raise BadFeed(f"No line in the first {MOST_ROW // 1024} KiB names the columns.")
            end = len(head)
        if at == end:
            raise BadFeed("The feed is empty.")
        text = head[at:end]
        at, line = end, line + 1
        if text.strip(_BLANK):
            break
    try:
        return _head(text.decode(), line), at
    except UnicodeDecodeError as error:
        raise BadFeed(f"Line {line} is not UTF-8 (byte 0x{text[error.start]:02X}). Save the feed as UTF-8.") from None


def _head(text: str, line: int) -> CsvState:
    """By the delimiter with which the line names the columns. With none of them, what is wrong by the commonest one."""
    said: list[tuple[int, BadFeed]] = []
    for delimiter in DELIMITERS:
        try:
            names = next(csv.reader([text], delimiter=delimiter, strict=True, skipinitialspace=True), [])
            columns, currency = columns_of(names)
        except csv.Error:
            said.append((0, BadFeed(f"The quotes or line ends of line {line}, which names the columns, are broken.")))
        except BadFeed as error:
            said.append((text.count(delimiter), error))
        else:
            if len(names) > MOST_COLUMNS:
                raise BadFeed(f"The feed has {len(names)} columns; at most {MOST_COLUMNS} are allowed.")
            return CsvState(line, delimiter, len(names), columns, currency)
    raise max(said, key=lambda fault: fault[0])[1]


class CsvFeed:
    """A `Reader` of CSV."""

    def __init__(self, offset: int, state: CsvState) -> None:
        self._given = Lines(offset, state.line, skipping=state.skipping)
        self._begun = state
        self._held: list[str] = []
        """Lines that are not all read: the next is `_held[_at]`, line `_line + 1` of the feed, at byte `_offset`."""
        self._at = 0
        self._line = state.line
        self._offset = offset
        self._closed = False
        """Nothing more belongs to what is held: the feed ends there, or a line comes that is too long."""
        self._waiting = False
        """What is held ends inside of quotes, perhaps."""
        self._too_long: Bad | None = None
        self._strange = False

    @property
    def offset(self) -> int:
        """See `Reader`."""
        return self._offset if self._busy else self._given.offset

    @property
    def state(self) -> CsvState:
        """See `Reader`."""
        if self._busy:
            return msgspec.structs.replace(self._begun, line=self._line, skipping=False)
        return msgspec.structs.replace(self._begun, line=self._given.line, skipping=self._given.skipping)

    @property
    def _busy(self) -> bool:
        return self._at < len(self._held) or self._too_long is not None

    def take(self, data: bytes) -> None:
        """See `Reader`."""
        self._given.take(data)

    def step(self, *, final: bool) -> Sequence[Row | Bad] | None:
        """See `Reader`."""
        if (self._waiting or not self._busy) and not self._closed and not self._refill(final=final):
            return None
        if self._at < len(self._held):
            return self._read()
        self._closed = False
        if self._too_long is not None:
            bad, self._too_long = self._too_long, None
            return [bad]
        return []

    def _refill(self, *, final: bool) -> bool:
        """False when there is nothing to be done before more of the feed comes."""
        piece = self._given.cut(final=final)
        if isinstance(piece, Bad):
            self._too_long = piece
            self._closed = True
        elif piece is None:
            self._closed = final and self._at < len(self._held)
            return self._closed
        else:
            if self._at == len(self._held):
                self._strange, self._offset, self._line = False, self._given.offset - len(piece), self._begins(piece)
            try:
                text = piece.decode()
            except UnicodeDecodeError:
                text = piece.decode(errors="surrogateescape")
                self._strange = True
            self._held = [*self._held[self._at :], *io.StringIO(text, newline="\n")]
            self._at = 0
        return True

    def _begins(self, piece: bytes) -> int:
        """How many lines come before the piece that was cut off last."""
        return self._given.line - piece.count(b"\n") - (not piece.endswith(b"\n"))

    def _read(self) -> Sequence[Row | Bad]:
        """As many rows of what is held as a step may have. Each line gives one row at most."""
        held, start = self._held, self._at
        begins, upto = start, min(len(held), start + STEP)
        rows: list[Row | Bad] = []
        self._waiting = False
        while begins < upto and not self._waiting:
            first = begins
            # From a line on, without a copy of the rest.
            lines = map(held.__getitem__, range(first, len(held)))
            parsing = csv.reader(lines, delimiter=self._begun.delimiter, strict=True, skipinitialspace=True)
            fault = None
            try:
                for fields in parsing:
                    ends = first + parsing.line_num
                    if ends - begins > 1 and self._size(begins, ends) > MOST_ROW:
                        fault = _TOO_LONG
                        break
                    if any(fields):  # spreadsheets leave empty rows behind
                        rows.append(self._row(self._line + 1 + begins - start, fields))
                    begins = ends
                    if begins >= upto:
                        break
            except csv.Error:
                ends = first + parsing.line_num
                if self._size(begins, ends) > MOST_ROW:
                    fault = _TOO_LONG
                elif ends == len(held) and not self._closed:
                    self._waiting = True
                else:
                    fault = _BROKEN
            if fault is not None:  # and on with the very next line, which may be good
                rows.append(Bad(self._line + 1 + begins - start, *fault))
                begins += 1
        self._offset += self._size(start, begins)
        self._line += begins - start
        self._at = begins
        return rows

    def _size(self, begins: int, ends: int) -> int:
        """The bytes of lines that are held."""
        return len("".join(self._held[begins:ends]).encode(errors="surrogateescape"))

    def _row(self, line: int, fields: list[str]) -> Row | Bad:
        width = self._begun.width
        if len(fields) != width and (len(fields) < width or any(fields[width:])):
            return Bad(line, "bad-row", f"The row has {len(fields)} fields, and the first line names {width}.")
        if self._strange and (byte := _NO_UTF8.search("".join(fields))):
            shown = f"0x{ord(byte[0]) - 0xDC00:02X}"
            return Bad(line, "bad-encoding", f"It has bytes that are no UTF-8 ({shown}): save the file as UTF-8.")
        name, city, stars, price, currency = self._begun.columns
        return Row(
            line,
            fields[name],
            fields[city],
            "" if stars is None else fields[stars],
            fields[price],
            "" if currency is None else fields[currency],
        )
