"""What can be read of a TOML text in which some lines are broken, and in plain words what is wrong with those. Not for
what the values mean."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass

from roadcrew_tui.toml_lines import lines_of

MOST_BROKEN = 10
"""Lines that are left out; a text with more is something else."""
MEND = "Mend that line, or delete it."
_QUOTE = ("a quote is missing", "Write one at the end of the value.")
_TWICE = ("it is set twice", "Delete one of them.")
_PLAIN = {
    "Unterminated string": _QUOTE,
    "Illegal character '\\n'": _QUOTE,
    'Expected "\'"': _QUOTE,
    "Invalid value": ("its value is not understood", 'Write text in quotes, such as "Ana".'),
    "Expected '='": ("there is no =", 'Write it as theme = "dark".'),
    "Expected newline": ("something stands after the value", "Take that away."),
    "Cannot overwrite": _TWICE,
    "Cannot declare": _TWICE,
    "Expected ']'": ("a ] is missing", "Write one at its end."),
    "Unclosed array": ("a ] is missing", "Write one at the end of the value."),
}
"""How the parser begins to say it, what that means, and what mends it."""


@dataclass(frozen=True)
class Broken:
    """A line, from 1, that is no TOML; `why` in words, and what mends it."""

    line: int
    why: str
    mend: str


class BrokenAllOver(Exception):
    """More than `MOST_BROKEN` lines are; `first` is the one that was found first."""

    def __init__(self, first: Broken) -> None:
        super().__init__(first.why)
        self.first = first


def sound(text: str) -> tuple[str, list[Broken]]:
    """The text with empty lines instead of broken ones, and these. What stands below a broken heading goes with it: it
    would be taken for something else. Raises `BrokenAllOver`, and `ValueError` for a number with too many digits."""
    lines = text.split("\n")
    broken: list[Broken] = []
    while found := _first_broken("\n".join(lines)):
        broken.append(found)
        if len(broken) > MOST_BROKEN:
            raise BrokenAllOver(broken[0])
        begins, end = found.line - 1, found.line
        if lines[begins].lstrip().startswith("["):
            end = next((n for n in range(end, len(lines)) if lines[n].lstrip().startswith("[")), len(lines))
        lines[begins:end] = [""] * (end - begins)
    return "\n".join(lines), broken


def _first_broken(text: str) -> Broken | None:
    whole, begins = _failure(tomllib.loads, f"{text}\n"), _failure(lines_of, text)
    found = begins or whole  # what is right by itself may be there twice
    if found is None:
        return None
    why, line = found
    if whole is not None:
        why, _ = _failure(tomllib.loads, text.split("\n")[line - 1] + "\n") or whole
    plain = (words for says, words in _PLAIN.items() if why.startswith(says))
    return Broken(line, *next(plain, (why, MEND)))


def _failure(read: Callable[[str], object], text: str) -> tuple[str, int] | None:
    """What is wrong, as the parser says it, and the line; the last one where it says none."""
    try:
        read(text)
    except tomllib.TOMLDecodeError as error:
        why, _, at = str(error).partition(" (at ")
        found = re.match(r"line (\d+)", at)
        return why, int(found[1]) if found else max(1, len(text.splitlines()))
    return None
