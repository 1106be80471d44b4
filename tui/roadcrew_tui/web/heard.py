"""What a page may say to its terminal, as textual-serve's script writes it: `["stdin", TEXT]`,
`["resize", {"width": 80, "height": 24}]`, `["ping", TEXT]`, `["focus"]`, `["blur"]`. All of it is hostile until it was
read here. Pure.
"""

from __future__ import annotations

import json
import zoneinfo
from dataclasses import dataclass
from typing import Any

MOST_BYTES = 256 * 1024
"""In one message: what somebody pastes."""
WIDTHS, HEIGHTS = (20, 400), (5, 200)
DEFAULT_SIZE = (80, 24)


class Nonsense(ValueError):
    """No page of ours says that."""


@dataclass(frozen=True, slots=True)
class Typed:
    """Keys, what was pasted, what the mouse did."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Resized:
    """In cells."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Pinged:
    """To be sent back as it is."""

    text: str


@dataclass(frozen=True, slots=True)
class Looked:
    """Whether somebody looks at it."""

    here: bool


Heard = Typed | Resized | Pinged | Looked


def heard(text: str) -> Heard:
    """What one message says. Raises `Nonsense`."""
    try:
        said = json.loads(text)
        kind, given = said if isinstance(said, list) and len(said) == 2 else (*said, None)
    except (ValueError, TypeError, RecursionError) as error:
        raise Nonsense from error
    match kind, given:
        case "stdin", str():
            try:
                return Typed(given.encode())
            except UnicodeEncodeError as error:  # half of a pair
                raise Nonsense from error
        case "resize", dict():
            return Resized(*size_of(given.get("width"), given.get("height")))
        case "ping", str() if len(given) <= 64:
            return Pinged(given)
        case (("focus" | "blur"), None):
            return Looked(kind == "focus")
        case _:
            raise Nonsense


def size_of(width: Any, height: Any) -> tuple[int, int]:
    """A size in cells that an app can be drawn at, whatever was said."""
    return _within(width, WIDTHS, DEFAULT_SIZE[0]), _within(height, HEIGHTS, DEFAULT_SIZE[1])


def _within(said: Any, bounds: tuple[int, int], otherwise: int) -> int:
    if isinstance(said, str) and said.isascii() and said.isdigit() and len(said) < 6:
        said = int(said)
    if not isinstance(said, int) or isinstance(said, bool):
        return otherwise
    return min(max(said, bounds[0]), bounds[1])


def zone_of(said: str | None) -> str | None:
    """The time zone of the browser, where it is one that is known here."""
    return said if said in zoneinfo.available_timezones() else None
