"""The words of a tape: text into tokens, each with its place. What they mean together is `language`'s.

As VHS has it, but that a text, a pattern or JSON without its end is an error; VHS ends them with the line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, cast

from roadcrew_domain.text import is_forbidden
from roadcrew_tui.pilot.tape import shown

Kind = Literal["word", "text", "number", "pattern", "json", "mark", "wrong", "end"]
LONGEST_FOUND = 40
"""Characters of a token that an error cites."""

# Possessive all through: no text makes it look at the same character over and over.
_TOKEN = re.compile(
    r"""
      (?P<space>   [ \t]++ | \#[^\r\n]*+ )
    | (?P<newline> \r\n | \n | \r )
    | (?P<number>  \.?[0-9][0-9.]*+ )
    | (?P<word>    [A-Za-z.][\w.\-/%]*+ )
    | (?P<text>    "[^"\r\n]*+" | '[^'\r\n]*+' | `[^`\r\n]*+` )
    | (?P<pattern> /(?: [^/\\\r\n]++ | \\[^\r\n] )*+/ )
    | (?P<json>    \{[^}]*+\} )
    | (?P<mark>    [@+=%^\\\-\[\]] )
    """,
    re.VERBOSE | re.ASCII,
)
_NEWLINE = re.compile(r"\r\n|\n|\r")
_QUOTES = {'"': "a text", "'": "a text", "`": "a text", "/": "a pattern"}


@dataclass(frozen=True, slots=True)
class Token:
    """`raw` is as written; `text` what it says, without its quotes. Of a `wrong` one, `text` says what is wrong, and
    `expected` what should be there.

    `apart`: white space or a comment stands before it. `first`: nothing else does in its line.
    """

    kind: Kind
    raw: str
    text: str
    line: int
    column: int
    apart: bool
    first: bool
    expected: str = ""

    @property
    def found(self) -> str:
        """What an error says was found here."""
        return self.text if self.kind in ("wrong", "end") else shown(self.raw, LONGEST_FOUND)


def tokens(text: str) -> Iterator[Token]:
    """The tokens of a text. The last one, of kind `end`, comes for ever."""
    at, line, line_start = 0, 1, 0
    apart = first = True
    while at < len(text):
        start, match = at, _TOKEN.match(text, at)
        kind = match.lastgroup if match else "wrong"
        if match and kind in ("space", "newline"):
            at, apart, first = match.end(), True, first or kind == "newline"
        else:
            column = at - line_start + 1
            if match:
                raw = match.group()
                said = raw[1:-1] if kind in ("text", "pattern") else raw
                token = _checked(Token(cast(Kind, kind), raw, said, line, column, apart, first))
            else:
                raw, said, expected = _wrong(text, at)
                token = Token("wrong", raw, said, line, column, apart, first, expected)
            yield token
            at, apart, first = at + len(token.raw), False, False
        if kind in ("newline", "json", "wrong"):
            for end in _NEWLINE.finditer(text, start, at):
                line, line_start = line + 1, end.end()
    while True:
        yield Token("end", "", "the end of the tape", line, at - line_start + 1, apart, first)


def _checked(token: Token) -> Token:
    """The token; a wrong one if it has what a line can't show: a control character, or one that turns the direction
    of what follows. What a tape does shall be what one sees in it."""
    if token.kind not in ("text", "pattern") or (token.raw.isascii() and token.raw.isprintable()):
        return token
    for index, character in enumerate(token.raw):
        if is_forbidden(character) or character in "\t\u2028\u2029":
            column = token.column + index
            found, expected = f"{shown(character)} in {_QUOTES[token.raw[0]]}", "characters that can be seen"
            return Token("wrong", token.raw, found, token.line, column, token.apart, token.first, expected)
    return token


def _wrong(text: str, at: int) -> tuple[str, str, str]:
    """What no token begins with: how much of it to pass over, what to say that it is, and what should be there."""
    character = text[at]
    if character == "{":  # its end is missing in all that follows
        return text[at:], "JSON without its end", "}"
    if character in _QUOTES:
        end = _NEWLINE.search(text, at)
        return (
            text[at : end.start() if end else None],
            f"{_QUOTES[character]} without its end",
            f"{character} in the same line",
        )
    return character, shown(character), "a command, or a text in quotes"
