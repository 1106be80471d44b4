"""What stands in a tape beside its commands: texts, times, counts, patterns. A `Cursor` goes over the tokens and takes
what a command needs; what is wrong, or out of bounds, is a `TapeError` where it stands.

Line ends are white space. So a command ends where the next one begins, and a bare word is an argument only in the
line of its command: a misspelt command below a `Type` shall be said, not typed.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

from roadcrew_tui.pilot.lexer import LONGEST_FOUND, Token, tokens
from roadcrew_tui.pilot.tape import Place, TapeError, shown

T = TypeVar("T")
LONGEST_TIME = 3_600.0
MOST_REPEATS = 1_000
LONGEST_PATTERN = 1_000
UNITS = ("ms", "s", "m")


class Cursor:
    """A place in the text of a tape. `next` is the token that comes; `taken` are those of this command so far."""

    def __init__(self, file: Path, text: str, commands: Collection[str]) -> None:
        self.file = file
        self._commands = commands
        self._tokens = tokens(text)
        self.next = next(self._tokens)
        self.taken: list[Token] = []

    def begin(self) -> Token:
        """Take the first word of a command."""
        self.taken = []
        return self.take()

    def skip(self) -> None:
        """Go to the next line that begins with a word, after what was wrong. That is most likely a command."""
        while self.next.kind != "end" and not (self.next.first and self.next.kind == "word"):
            self.take()

    def take(self) -> Token:
        """Take whatever comes."""
        token, self.next = self.next, next(self._tokens)
        self.taken.append(token)
        return token

    def accept(self, mark: str) -> bool:
        """Take a mark, such as `@`, if it comes."""
        if self.next.kind == "mark" and self.next.text == mark:
            self.take()
            return True
        return False

    def place(self, token: Token) -> Place:
        """Where a token stands."""
        return Place(self.file, token.line, token.column)

    def error(self, token: Token, expected: str, known: Iterable[str] = ()) -> TapeError:
        """What to raise for a token that isn't what was `expected`; of what is `known`, the nearest is named."""
        near = nearest(token.text, known) if token.kind == "word" else None
        expected = token.expected or (f"{expected}; the nearest is {near}" if near else expected)
        return TapeError(self.place(token), token.found, expected)

    @property
    def written(self) -> str:
        """What was taken for this command, as it was written, on one line and without comments."""
        words: list[str] = []
        for token in self.taken:
            raw = " ".join(token.raw.split()) if token.kind == "json" else token.raw
            words.append(f" {raw}" if words and token.apart else raw)
        return shown("".join(words))

    def text(self, expected: str) -> Token:
        """Take a text: in quotes, or one bare word in this line that is no command."""
        if self.next.kind == "text" or self._is_bare_word:
            return self.take()
        raise self.error(self.next, expected)

    def texts(self, expected: str) -> str:
        """Take texts that follow each other, with a space between; bare words only if it begins with one."""
        first = self.text(expected)
        said = [first.text]
        while self.next.kind == "text" or (first.kind == "word" and self._is_bare_word):
            said.append(self.take().text)
        return " ".join(said)

    @property
    def _is_bare_word(self) -> bool:
        return self.next.kind == "word" and not self.next.first and self.next.text not in self._commands

    def one_of(self, words: Mapping[str, T]) -> T:
        """Take one of these words; what it stands for."""
        if self.next.kind == "word" and self.next.text in words:
            return words[self.take().text]
        raise self.error(self.next, either(words), words)

    def whole(self, least: int, most: int, expected: str) -> int:
        """Take a whole number within bounds."""
        token = self.next
        if token.kind != "number" or "." in token.text or not least <= float(token.text) <= most:
            raise self.error(token, f"{expected} from {least} to {most}")
        return int(float(self.take().text))

    def times(self) -> int:
        """Take how often, if that is said."""
        return self.whole(1, MOST_REPEATS, "a number of times") if self.next.kind == "number" else 1

    def seconds(self, least: float = 0.0) -> float:
        """Take a time: `500ms`, `2s`, `1m`, or in seconds `0.5`."""
        number = self.next
        try:
            seconds = float(number.text) if number.kind == "number" else None
        except ValueError:  # two points
            seconds = None
        if seconds is None:
            raise self.error(number, "a time such as 500ms, 2s or 1m")
        self.take()
        written, unit = number.raw, self.next
        if unit.kind == "word" and (unit.text in UNITS or not unit.apart):
            if unit.text not in UNITS:
                raise self.error(unit, "ms, s or m")
            written += self.take().raw
            seconds = seconds / 1000 if unit.text == "ms" else seconds * 60 if unit.text == "m" else seconds
        if not least <= seconds <= LONGEST_TIME:
            expected = "a time of at most 60m" if seconds > LONGEST_TIME else "a time of 1ms or more"
            raise TapeError(self.place(number), shown(written, LONGEST_FOUND), expected)
        return seconds

    def at(self, default: float, least: float = 0.0) -> float:
        """Take `@` and a time, if it is there."""
        return self.seconds(least) if self.accept("@") else default

    def pattern(self) -> re.Pattern[str]:
        """Take a pattern: between slashes, or a text."""
        token = self.next if self.next.kind == "pattern" else self.text("a pattern such as /Lisbon/")
        if token is self.next:
            self.take()
        if len(token.text) > LONGEST_PATTERN:
            raise self.error(token, f"a pattern of at most {LONGEST_PATTERN} characters")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what Python may come to read in another way is no fault of a tape
                return re.compile(token.text, re.MULTILINE)
        except (re.error, OverflowError, RecursionError) as error:
            inside = getattr(error, "pos", None) or 0
            at = Place(self.file, token.line, token.column + (token.raw != token.text) + inside)
            found = shown(token.text[inside:], LONGEST_FOUND) or "its end"
            raise TapeError(at, found, f"a regular expression ({getattr(error, 'msg', error)})") from None


def either(words: Collection[str]) -> str:
    """The words as an enumeration: `a, b or c`."""
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that is most like this one, if any is."""
    by_look = {name.lower(): name for name in known}
    like = get_close_matches(word[:LONGEST_FOUND].lower(), by_look, 1)
    return by_look[like[0]] if like else None
