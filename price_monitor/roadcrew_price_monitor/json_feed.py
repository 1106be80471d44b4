"""Reads a JSON feed piece by piece: a list of hotels, an object with such a list as `hotels`, or an object a line.

Only the brackets and texts of a list are looked at here, to find where an element ends; each one is then decoded alone,
by msgspec. So the place between two elements is known to the byte, and one that is broken harms no other.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence

import msgspec

from roadcrew_price_monitor.columns import LONGEST, meaning_of
from roadcrew_price_monitor.reading import MOST_ROW, PIECE, STEP, Lines, LinesState, ListState
from roadcrew_price_monitor.refused import BadFeed
from roadcrew_price_monitor.rows import Bad, Row

_TEXT = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_MARK = re.compile(_TEXT + rb'|["{}\[\]]', re.DOTALL)
_REST_OF_TEXT = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
_FLAT = re.compile(rb'\{(?:[^"{}\[\]]++|' + _TEXT + rb")*+\}", re.DOTALL)
_BETWEEN = re.compile(rb"[\s,]*")
_PLAIN = re.compile(rb'[^\s,"{}\[\]]+')
_LIST_FOLLOWS = re.compile(rb"\s*:\s*\[")
_WHOLE_TEXT = re.compile(_TEXT, re.DOTALL)
_CHANGES = {b"{": 1, b"[": 1, b"}": -1, b"]": -1}
_QUOTE, _LIST_CLOSES, _OBJECT_CLOSES = ord('"'), ord("]"), ord("}")
_OPENING = b"{["
_NO_WORDS = (b"{", b"[", b"t", b"f")
_FIELDS = ("name", "city", "stars", "price", "currency")
_NOTHING = (0, b"null", None)
_TOO_LONG = ("row-too-long", f"The element is longer than {MOST_ROW // 1024} KiB.")

_elements = msgspec.json.Decoder(dict[str, msgspec.Raw])
_texts = msgspec.json.Decoder(str)


def begin(head: bytes, *, final: bool) -> tuple[ListState | LinesState, int]:
    """What the beginning of a feed says of it, and how many bytes that is. Raises `BadFeed`."""
    at = len(head) - len(head.lstrip())
    if head[at : at + 1] == b"[":
        return ListState(0), at + 1
    depth = 0
    for mark in _MARK.finditer(head, at):
        if mark.start() == at and mark[0] != b"{":
            break
        if mark[0] in (b"{", b"["):
            depth += 1
        elif mark[0] in (b"}", b"]"):
            depth -= 1
            if depth == 0 and b"\n" not in head[at : mark.end()]:
                return LinesState(head.count(b"\n", 0, at)), at
            if depth == 0:
                break
        elif depth == 1 and mark[0] == b'"hotels"':
            follows = _LIST_FOLLOWS.match(head, mark.end())
            if follows:
                return ListState(0), follows.end()
    if not head.strip() and final:
        raise BadFeed("The feed is empty.")
    raise BadFeed("A JSON feed is a list of hotels, an object with such a list as “hotels”, or an object on each line.")


class ListFeed:
    """A `Reader` of a JSON list. What comes after the list is not looked at."""

    def __init__(self, offset: int, state: ListState) -> None:
        self._held = bytearray()
        self._offset = offset
        self._line = state.line
        self._depth = state.depth
        self._in_text = state.in_text
        self._over = state.over

    @property
    def offset(self) -> int:
        """See `Reader`."""
        return self._offset

    @property
    def state(self) -> ListState:
        """See `Reader`."""
        return ListState(self._line, self._depth, self._in_text, self._over)

    def take(self, data: bytes) -> None:
        """See `Reader`."""
        self._held += data

    def step(self, *, final: bool) -> Sequence[Row | Bad] | None:
        """See `Reader`."""
        if self._over:
            self._offset += len(self._held)
            self._held.clear()
            return None
        if len(self._held) < PIECE and not final:
            return None
        if not self._held:
            raise BadFeed("The feed ends before its list of hotels does.")
        rows: list[Row | Bad] = []
        size = self._skipped(0) if self._depth or self._in_text else self._read(rows, final=final)
        if not size:  # only a whole feed can be looked at in vain: half an escape at its end
            raise self._cut_off()
        del self._held[:size]
        self._offset += size
        return rows

    def _read(self, rows: list[Row | Bad], *, final: bool) -> int:
        """Puts elements into `rows`; the number of bytes that are done. Raises `BadFeed` where the first one is it."""
        held = self._held
        at = 0
        while len(rows) < STEP:
            at = _end(_BETWEEN, held, at)
            if at == len(held):
                break
            if held[at] == _LIST_CLOSES:
                self._over = True
                return at + 1
            plain = _PLAIN.match(held, at, at + PIECE)
            if held[at] == _OBJECT_CLOSES or (plain and plain.end() - at > MOST_ROW):
                if rows:
                    break
                raise BadFeed(f"What comes after element {self._line} is no JSON.")
            end = self._end_of(at, final=final)
            if end is None and len(held) - at <= MOST_ROW:
                if final and not rows:
                    raise self._cut_off()
                break
            self._line += 1
            if end is None or end - at > MOST_ROW:
                rows.append(Bad(self._line, *_TOO_LONG))
                at = self._skipped(at)
                if self._depth or self._in_text:
                    break
            else:
                rows.append(_row(self._line, bytes(held[at:end])))
                at = end
        return at

    def _cut_off(self) -> BadFeed:
        return BadFeed(f"The feed ends before its list of hotels does, after element {self._line}.")

    def _end_of(self, at: int, *, final: bool) -> int | None:
        """Where an element ends; None if that is not seen, be it for want of more or because it is too long."""
        held = self._held
        flat = _FLAT.match(held, at, at + PIECE)
        if flat:
            return flat.end()
        if held[at] not in _OPENING:
            plain = (_WHOLE_TEXT if held[at] == _QUOTE else _PLAIN).match(held, at, at + PIECE)
            if plain is None or (held[at] != _QUOTE and plain.end() == len(held) and not final):
                return None
            return plain.end()
        depth = 0
        for mark in _MARK.finditer(held, at, at + PIECE):
            if mark[0] == b'"':
                return None
            depth += _CHANGES.get(mark[0], 0)
            if depth == 0:
                return mark.end()
        return None

    def _skipped(self, at: int) -> int:
        """Goes on through an element that is too long, to its end or to that of what is held; where that is."""
        held = self._held
        while True:
            if self._in_text:
                at = _end(_REST_OF_TEXT, held, at)
                if at == len(held) or held[at] != _QUOTE:  # or half an escape
                    return at
                self._in_text = False
                at += 1
                if self._depth == 0:
                    return at
            for mark in _MARK.finditer(held, at):
                at = mark.end()
                self._in_text = mark[0] == b'"'
                if self._in_text:
                    break
                self._depth += _CHANGES.get(mark[0], 0)
                if self._depth == 0:
                    return at
            else:
                return len(held)


class LinesFeed:
    """A `Reader` of JSON lines."""

    def __init__(self, offset: int, state: LinesState) -> None:
        self._given = Lines(offset, state.line, skipping=state.skipping)
        self._held: list[bytes] = []
        self._at = 0
        self._line = state.line
        self._offset = offset

    @property
    def offset(self) -> int:
        """See `Reader`."""
        return self._offset if self._at < len(self._held) else self._given.offset

    @property
    def state(self) -> LinesState:
        """See `Reader`."""
        if self._at < len(self._held):
            return LinesState(self._line)
        return LinesState(self._given.line, self._given.skipping)

    def take(self, data: bytes) -> None:
        """See `Reader`."""
        self._given.take(data)

    def step(self, *, final: bool) -> Sequence[Row | Bad] | None:
        """See `Reader`."""
        if self._at == len(self._held):
            piece = self._given.cut(final=final)
            if piece is None:
                return None
            if isinstance(piece, Bad):
                return [piece]
            self._held, self._at = [*io.BytesIO(piece)], 0
            self._offset, self._line = self._given.offset - len(piece), self._given.line - len(self._held)
        taken = self._held[self._at : self._at + STEP]
        rows = [_row(self._line + n, line) for n, line in enumerate(taken, 1) if line.strip()]
        self._at += len(taken)
        self._line += len(taken)
        self._offset += sum(map(len, taken))
        return rows


def _end(pattern: re.Pattern[bytes], held: bytearray, at: int) -> int:
    """Where a pattern that can also be empty ends."""
    found = pattern.match(held, at)
    return at if found is None else found.end()


def _row(line: int, element: bytes) -> Row | Bad:
    """What an element says, by the names that its keys may have."""
    try:
        found: dict[str, tuple[int, bytes, str | None]] = {}
        for key, value in _elements.decode(element).items():
            meaning = meaning_of(key) if len(key) <= LONGEST else None
            if meaning is not None:
                field, rank, currency = meaning
                if field not in found or rank < found[field][0]:
                    found[field] = (rank, bytes(value), currency)
        for field, (_, said, _) in found.items():
            if said[:1] in _NO_WORDS:
                return Bad(line, "bad-row", f"The element's {field} is neither text nor a number.")
        name, city, stars, price, named = (_words(found.get(field, _NOTHING)[1]) for field in _FIELDS)
    except msgspec.ValidationError:
        return Bad(line, "bad-row", "The element is no object.")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Bad(line, "bad-row", "The element is no JSON that can be read.")
    is_number = found.get("price", _NOTHING)[1][:1] not in (b'"', b"n")
    return Row(line, name, city, stars, price, named or found.get("price", _NOTHING)[2] or "", is_number)


def _words(value: bytes) -> str:
    """A value as words."""
    if value[:1] == b'"':
        return _texts.decode(value)
    return "" if value == b"null" else value.decode()
