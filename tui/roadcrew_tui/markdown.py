"""Markdown that a person wrote, as pieces of text with a look of ours. Not for drawing: widgets/reader.py does that.

Nothing in it acts: HTML is text, a picture is its description, a link is a number and an address that is shown. Only
web addresses are links at all. What stands in an entity such as `&#27;` is cleaned once more after it was read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

from roadcrew_domain.feed_state import MAX_TEXT
from roadcrew_domain.text import cleaned
from roadcrew_tui.symbols import sign

LONGEST = MAX_TEXT["blogs"]
"""Characters that are looked at; no text is longer."""
DEEPEST = 20
"""Lists and quotes within one another; what is deeper is not read."""
INDENTED = 8
"""Lists and quotes within one another that are still indented further."""
MOST_LINKS = 200
"""Links that have a number; the rest is text."""
LONGEST_ADDRESS = 2_000
MOST_COLUMNS = 8
"""Of a table; a wider one is read row by row."""
MOST_ROWS = 200
"""Of a table."""

STRONG, EMPHASIS, STRUCK = "bold", "italic", "strike"
CODE, LINK, ASIDE, TITLE = "$ink-good", "underline $ink-accent", "$ink-muted", "bold $ink-heading"
_IN_HOSTS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_.:")
_LOOKS = {"strong": STRONG, "em": EMPHASIS, "s": STRUCK}


@dataclass(frozen=True)
class Piece:
    """A few words. `look` is a style of ours, `link` the number of the link that they are, from 1."""

    text: str
    look: str = ""
    link: int = 0


Words = tuple[Piece, ...]


@dataclass(frozen=True)
class Block:
    """A paragraph, say. `first` stands before its first line and `rest` before all others; both are ours. The `words`
    of code and of a rule stand as they are; `cells` are those of a table, row by row."""

    kind: Literal["text", "code", "rule", "table"]
    words: Words = ()
    first: str = ""
    rest: str = ""
    cells: tuple[tuple[Words, ...], ...] = ()
    close: bool = False
    """It stands right below the block before, as items of a list do."""


@dataclass(frozen=True)
class Page:
    """All of a text. `links` are the addresses, the first one is number 1."""

    blocks: tuple[Block, ...]
    links: tuple[str, ...]


def read(text: str) -> Page:
    """Any text, read as Markdown. The worst 20,000 characters that we could think of (a table whose rows are missing
    most cells) take about a second: not for the thread that draws."""
    reading = _Reading()
    tokens = _PARSER.parse(text[:LONGEST])
    return Page(tuple(reading.blocks(tokens)), tuple(reading.links))


def plain(text: str) -> Page:
    """Any text, read as nothing but lines."""
    lines = text[:LONGEST].split("\n")
    return Page(tuple(Block("text", (Piece(cleaned(line)),), close=True) for line in lines), ())


def web_address(text: str) -> str | None:
    """The address if it is one of the web, http or https, with nobody's name in it; else None."""
    if len(text) > LONGEST_ADDRESS or not text.isascii() or not text.isprintable() or " " in text:
        return None
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return None
    web = parts.scheme in ("http", "https") and "@" not in parts.netloc
    return text if web and host and set(host) <= _IN_HOSTS else None


_PARSER = MarkdownIt("commonmark", {"html": False, "maxNesting": DEEPEST}).enable(["table", "strikethrough"])


def _clean(text: str) -> str:
    """As `cleaned`, but the spaces at both ends tell words of different looks apart."""
    tidy = cleaned(text)
    if not tidy:
        return " " if text[:1].isspace() else ""
    return " " * text[:1].isspace() + tidy + " " * text[-1:].isspace()


@dataclass
class _Reading:
    links: list[str] = field(default_factory=list)
    _first: str = ""
    _rest: list[str] = field(default_factory=list)
    _numbers: list[int | None] = field(default_factory=list)
    """Of each list that we are in: the number of its next item, None where it has bullets."""
    _apart: bool = False
    """A list begins, and what stands first in it is not close to what stands before."""

    def blocks(self, tokens: Sequence[Token]) -> Iterator[Block]:
        rest = iter(tokens)
        tight = False
        for token in rest:
            match token.type:
                case "blockquote_open":
                    self._enter(f"{sign().quote} ", f"{sign().quote} ")
                case "bullet_list_open":
                    self._begin(None)
                case "ordered_list_open":
                    self._begin(int(token.attrs.get("start", 1)))
                case "list_item_open":
                    mark = self._mark()
                    self._enter(mark, " " * len(mark))
                case "blockquote_close" | "list_item_close":
                    self._leave()
                case "bullet_list_close" | "ordered_list_close":
                    self._numbers.pop()
                case "paragraph_open":
                    tight = bool(token.hidden)
                case "heading_open":
                    yield self._block("text", self._words(next(rest), TITLE), close=False)
                case "inline":
                    yield self._block("text", self._words(token), close=tight)
                case "fence" | "code_block":
                    yield self._block("code", _code(token.content))
                case "hr":
                    yield self._block("rule", ())
                case "table_open":
                    yield from self._table(rest)

    def _begin(self, number: int | None) -> None:
        self._apart = not self._numbers
        self._numbers.append(number)

    def _mark(self) -> str:
        number = self._numbers[-1] if self._numbers else None
        if number is None:
            return f"{sign().badge} "
        self._numbers[-1] = number + 1
        return f"{number}. "

    def _enter(self, first: str, rest: str) -> None:
        deep = len(self._rest) >= INDENTED
        self._first = self._before() + ("" if deep else first)
        self._rest.append("" if deep else rest)

    def _leave(self) -> None:
        self._rest.pop()
        self._first = ""

    def _before(self) -> str:
        """What stands before a line here: the mark of an item that begins, or room as wide as all marks."""
        return self._first or "".join(self._rest)

    def _block(self, kind: Literal["text", "code", "rule"], words: Words, *, close: bool = True) -> Block:
        first, self._first = self._before(), ""
        close, self._apart = close and not self._apart and kind == "text", False
        return Block(kind, words, first, "".join(self._rest), close=close)

    def _table(self, tokens: Iterator[Token]) -> Iterator[Block]:
        """Up to its end. Its first row are the titles."""
        rows: list[list[Words]] = []
        for token in tokens:
            if token.type == "table_close":
                break
            if token.type == "tr_open":
                rows.append([])
            elif token.type == "inline" and len(rows) <= MOST_ROWS:
                rows[-1].append(self._words(token, STRONG if len(rows) == 1 else ""))
        first, self._first = self._before(), ""
        room = "".join(self._rest)
        shown = [row for row in rows if any(row)][:MOST_ROWS]
        if max(map(len, shown), default=0) <= MOST_COLUMNS:
            yield Block("table", (), first, room, tuple(map(tuple, shown)))
        else:
            for n, row in enumerate(shown):
                yield Block("text", _joined(row), first if n == 0 else room, room, close=n > 0)
        if len(rows) > MOST_ROWS:
            yield Block("text", (Piece("The rest of this table is left out.", ASIDE),), room, room, close=True)

    # --- within a line ---------------------------------------------------------------------------

    def _words(self, inline: Token, look: str = "") -> Words:
        found: list[Piece] = []
        looks: list[str] = [look] if look else []
        link, target = 0, ""
        for token in inline.children or ():
            opened = token.type.removesuffix("_open")
            if opened in _LOOKS:
                looks.append(_LOOKS[opened])
            elif token.type.removesuffix("_close") in _LOOKS:
                looks.pop()
            elif token.type == "link_open":
                target = str(token.attrs.get("href", ""))
                link = self._number(target)
            elif token.type == "link_close":
                found.append(_aside(link, target))
                link = 0
            elif token.type == "image":
                target = str(token.attrs.get("src", ""))
                found += [Piece(f"picture: {_clean(token.content)}", ASIDE), _aside(self._number(target), target)]
            elif token.type == "code_inline":
                found.append(Piece(_clean(token.content), " ".join([*looks, CODE]), link))
            else:
                text = {"softbreak": " ", "hardbreak": "\n"}.get(token.type) or _clean(token.content)
                found.append(Piece(text, LINK if link else " ".join(looks), link))
        return tuple(piece for piece in found if piece.text)

    def _number(self, target: str) -> int:
        """The number of a link; 0 if it is none that we would open."""
        address = web_address(target)
        if address is None:
            return 0
        if address not in self.links:
            if len(self.links) >= MOST_LINKS:
                return 0
            self.links.append(address)
        return self.links.index(address) + 1


def _aside(link: int, target: str) -> Piece:
    """What stands after a link: its number, or where it would have led."""
    return Piece(f" [{link}]", ASIDE, link) if link else Piece(f" ({_clean(target)[:80]})", ASIDE)


def _code(text: str) -> Words:
    """Each line with the spaces before it."""
    lines = text.expandtabs(4).rstrip("\n").split("\n")
    return tuple(Piece(" " * (len(line) - len(line.lstrip(" "))) + cleaned(line), CODE) for line in lines)


def _joined(row: Sequence[Words]) -> Words:
    """The cells of a row one after another."""
    parts: list[Piece] = []
    for n, cell in enumerate(row):
        parts += [Piece(f" {sign().dot} ", ASIDE)] * bool(n) + list(cell)
    return tuple(parts)
