"""What every reader of a feed is, whatever its format, and where one can begin again.

A reader is given the feed in pieces of any size. What it says depends on the feed alone, not on where the pieces were
cut, nor on how often it was begun again at a place (`state`) that it named.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Protocol

import msgspec

from roadcrew_domain.values import Value
from roadcrew_price_monitor.rows import Bad, Row

MOST_ROW = 64 * 1024
"""Bytes of a row, line or element; a longer one is refused without being kept."""

MOST_COLUMNS = 200

STEP = 500
"""Rows that one step reads at most, so that steps of several feeds take turns."""

PIECE = MOST_ROW + 1
"""Bytes that a reader waits for before it looks: each byte is so looked at twice at most, however small the pieces."""

Count = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]
Column = Annotated[int, msgspec.Meta(ge=0, lt=MOST_COLUMNS)]

Delimiter = Literal[",", ";", "\t", "|"]
Columns = tuple[Column, Column, Column | None, Column, Column | None]
"""Where name, city, stars, price and currency are."""


class CsvState(Value, frozen=True, tag="csv"):
    """`line` lines are done; `skipping`: the one after those is too long, and its end has not come yet."""

    line: Count
    delimiter: Delimiter
    width: Annotated[int, msgspec.Meta(ge=1, le=MOST_COLUMNS)]
    columns: Columns
    currency: str | None = None
    skipping: bool = False


class LinesState(Value, frozen=True, tag="lines"):
    """The same of JSON lines."""

    line: Count
    skipping: bool = False


class ListState(Value, frozen=True, tag="list"):
    """`line` elements of a JSON list are done. Where one is too long, so many brackets of it are open, and perhaps a
    text. `over`: the list has ended."""

    line: Count
    depth: Count = 0
    in_text: bool = False
    over: bool = False


State = CsvState | LinesState | ListState


class Reader(Protocol):
    """A feed that is being read."""

    @property
    def offset(self) -> int:
        """Bytes of the feed that are done; what comes after is read again by who begins at `state`."""

    @property
    def state(self) -> State:
        """Where that is."""

    def take(self, data: bytes) -> None:
        """The next piece of the feed."""

    def step(self, *, final: bool) -> Sequence[Row | Bad] | None:
        """At most `STEP` rows, perhaps none; None: it needs more of the feed, or, with `final`, has read it all.
        Raises `BadFeed`."""


class Lines:
    """The lines of a feed, in pieces that are bounded whatever the feed is."""

    def __init__(self, offset: int, line: int, *, skipping: bool) -> None:
        self.offset = offset
        """Bytes that were given away or skipped."""
        self.line = line
        """Lines that were given away or skipped."""
        self.skipping = skipping
        self._held = bytearray()

    def take(self, data: bytes) -> None:
        """The next piece of the feed."""
        self._held += data

    def cut(self, *, final: bool) -> bytes | Bad | None:
        """Whole lines, at most `PIECE` bytes of them; or that the next one is too long; or None: more is needed, or
        all is done. What is skipped is done as it comes (`offset`)."""
        if self.skipping:
            self._skip(final=final)
        if self.skipping or (len(self._held) < PIECE and not final) or not self._held:
            return None
        if len(self._held) < PIECE:  # the feed's end, with or without a line end
            return self._give(len(self._held))
        end = self._held.rfind(b"\n", 0, PIECE) + 1
        if end:
            return self._give(end)
        self.skipping = True
        return Bad(self.line + 1, "row-too-long", f"The line is longer than {MOST_ROW // 1024} KiB.")

    def _give(self, end: int) -> bytes:
        piece = bytes(self._held[:end])
        del self._held[:end]
        self.offset += end
        self.line += piece.count(b"\n") + (not piece.endswith(b"\n"))
        return piece

    def _skip(self, *, final: bool) -> None:
        end = self._held.find(b"\n") + 1
        if end or final:
            self.skipping = False
            self.line += 1
        skipped = end or len(self._held)
        del self._held[:skipped]
        self.offset += skipped
