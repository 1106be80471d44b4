"""What a tape is once it has been read: its settings, and steps to play one after the other. Times are in seconds.

Not for how it is written (`language`) nor for how it is played (`player`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from roadcrew_domain.text import INVISIBLE, JOINERS
from roadcrew_tui.settings import Look

Scope = Literal["screen", "line"]
COLUMNS, ROWS = 80, 24
WAIT_SECONDS = 15.0
"""How long `Wait` and `Sync` wait if the tape does not say; VHS has the same."""
EXPECT_SECONDS = 5.0
"""How long `Expect` and `Reject` give the screen to become so."""


def shown(text: str, longest: int | None = None) -> str:
    """A text as a report or an error may cite it: on one line, harmless on a terminal, what is not seen written as an
    escape, cut to `longest` characters."""
    if longest is not None and len(text) > longest:
        text = text[: longest - 3] + "..."
    return "".join(c if c in JOINERS or (c.isprintable() and c not in INVISIBLE) else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands. Lines and columns count from 1, columns in characters."""

    file: Path
    line: int
    column: int

    def __str__(self) -> str:
        return f"{shown(str(self.file))}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Type:
    """Type a text, character by character. `pause` after each."""

    text: str
    pause: float


@dataclass(frozen=True, slots=True)
class Press:
    """Press a key (a name of `keys.KEYS`, such as `ctrl+p`, or a character) so many times. `pause` after each."""

    key: str
    times: int
    pause: float


@dataclass(frozen=True, slots=True)
class Sleep:
    """Do nothing for a while."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait until a pattern is found; without one, until the screen is still."""

    pattern: re.Pattern[str] | None
    scope: Scope
    within: float


@dataclass(frozen=True, slots=True)
class Expect:
    """A pattern must be found (`absent`: must not be) within so many seconds, or the tape has failed."""

    pattern: re.Pattern[str]
    scope: Scope
    within: float
    absent: bool


@dataclass(frozen=True, slots=True)
class Screenshot:
    """Keep the screen, as `.svg` or `.txt`, at a path relative to the folder for pictures."""

    file: str


@dataclass(frozen=True, slots=True)
class Sync:
    """Go on when every tape that has this meeting point has come to it."""

    name: str
    within: float


@dataclass(frozen=True, slots=True)
class Copy:
    """Put a text on the clipboard that all tapes share."""

    text: str


@dataclass(frozen=True, slots=True)
class Paste:
    """Paste what is on that clipboard: what any terminal, or `Copy`, put there last."""


@dataclass(frozen=True, slots=True)
class Server:
    """Do something to the pilot's own server."""

    action: Literal["stop", "kill", "start"]


@dataclass(frozen=True, slots=True)
class Tell:
    """Whether the steps from here on are listed in the report (`Hide`, `Show`)."""

    shown: bool


Act = Type | Press | Sleep | Wait | Expect | Screenshot | Sync | Copy | Paste | Server | Tell


@dataclass(frozen=True, slots=True)
class Step:
    """Something to do, where it stands, and how it was written (as `shown`)."""

    place: Place
    words: str
    act: Act


@dataclass(frozen=True, slots=True)
class Note:
    """Something of VHS that a pilot without a video does not do, and why (as `shown`); it goes on without it."""

    place: Place
    words: str


@dataclass(frozen=True, slots=True)
class Tape:
    """A script for one terminal. `size` in columns and rows, None if the tape does not say."""

    file: Path
    steps: tuple[Step, ...]
    size: tuple[int | None, int | None] = (None, None)
    theme: Look | None = None
    symbols: Literal["unicode", "ascii"] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()


class TapeError(Exception):
    """A tape is wrong. The sentence begins with file, line and column, and says what was found and what expected."""

    def __init__(self, place: Place, found: str, expected: str) -> None:
        super().__init__(f"{place}: found {found}: expected {expected}")
        self.place, self.found, self.expected = place, found, expected


class TapeErrors(TapeError):
    """All that is wrong with a tape: `errors`, in the order of the text. Its own place is that of the first, and its
    text has a line for each."""

    def __init__(self, errors: Sequence[TapeError]) -> None:
        first = errors[0]
        super().__init__(first.place, first.found, first.expected)
        self.errors = tuple(errors)

    def __str__(self) -> str:
        return "\n".join(str(error) for error in self.errors)
