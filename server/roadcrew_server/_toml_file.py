"""From a TOML file to what stands in it, and in which line: of a catalogue, and of who is asked for prices.

Not for what a value must be: that is for _values.py and whoever reads the file.
"""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Any

MAX_FILE = 1024 * 1024
"""Bytes."""
MAX_LINE = 8000
"""Characters of one line. A TOML key of many parts takes time by the square of its length."""
MAX_FAULTS = 100
"""So many are told, and that there are more."""
MAX_PARTS = 4
"""Parts of a dotted key whose lines are kept."""

# What could be mistaken for a key or a table: texts and comments.
_QUOTED = re.compile(
    r'"""[\s\S]*?"""|' + r"'''[\s\S]*?'''|" + r'"(?:\\.|[^"\\\n])*"|' + r"'[^'\n]*'|#[^\n]*",
)
_NAME = r"[A-Za-z0-9_-]+"
_DOTTED = rf"{_NAME}(?:\s*\.\s*{_NAME})*"
_TABLE = re.compile(rf"\s*(\[\[?)\s*({_DOTTED})\s*\]")
_KEY = re.compile(rf"\s*({_DOTTED})\s*[.=]")
_AT = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")

Place = tuple[str | int, ...]
"""Where something stands: names of tables, each followed by which one it is where there are several, and a key."""


class Faults:
    """What is wrong with a file, by line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found: list[tuple[int, str]] = []

    def __len__(self) -> int:
        return len(self._found)

    def add(self, line: int, sentence: str) -> None:
        """Note one. Line 0 is the file as a whole."""
        self._found.append((line, sentence))

    def lines(self) -> Iterator[str]:
        """All of them, as compilers write them, in the order of the file."""
        for line, sentence in sorted(self._found, key=lambda one: one[0])[:MAX_FAULTS]:
            yield f"{self._path}:{line}: {sentence}" if line else f"{self._path}: {sentence}"
        if len(self._found) > MAX_FAULTS:
            yield f"{self._path}: There are {len(self._found) - MAX_FAULTS} more."


class Entry(Mapping[str, Any]):
    """A table of the file, which begins at line `at`. A table in it is an `Entry`, several are a list of these."""

    def __init__(self, at: int, values: Mapping[str, tuple[Any, int]] | None = None) -> None:
        """`values`: each with its line."""
        self.at = at
        self._values = dict(values or {})

    def __getitem__(self, key: str) -> Any:
        return self._values[key][0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def line(self, key: str) -> int:
        """Where that stands; of what does not, where the table begins."""
        return self._values.get(key, (None, self.at))[1]

    def plain(self) -> dict[str, Any]:
        """The same without lines, as `tomllib` gives it."""
        return {key: _plain(value) for key, value in self.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value.plain() if isinstance(value, Entry) else value


def text_of(path: Path, faults: Faults, what: str) -> str | None:
    """What stands in the file; None if that can't be read, which is among the faults then. `what` it is, such as "A
    catalogue"."""
    try:
        if path.exists() and not path.is_file():  # reading a pipe might never end
            faults.add(0, "That is no file.")
            return None
        with path.open("rb") as file:
            raw = file.read(MAX_FILE + 1)
    except (OSError, ValueError) as error:
        faults.add(0, f"The file can't be read: {getattr(error, 'strerror', None) or error}.")
        return None
    if len(raw) > MAX_FILE:
        faults.add(0, f"{what} has at most {MAX_FILE:,} bytes.")
        return None
    try:
        text = raw.decode("utf-8-sig")  # spreadsheets put a mark before it
    except UnicodeDecodeError as error:
        faults.add(raw.count(b"\n", 0, error.start) + 1, "A letter is not in UTF-8. Save the file as UTF-8.")
        return None
    long = [number for number, line in enumerate(text.split("\n"), 1) if len(line) > MAX_LINE]
    for number in long:
        faults.add(number, f"A line has at most {MAX_LINE} characters.")
    return None if long else text


def read(text: str, faults: Faults) -> Entry | None:
    """The whole of a file; None if it is not TOML, which is among the faults then."""
    try:
        document = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        found = _AT.search(str(error))
        line = int(found[1]) if found and found[1] else text.count("\n") + 1
        faults.add(line, f"This is not TOML: {_AT.sub('', str(error))}.")
        return None
    except (ValueError, RecursionError):
        faults.add(0, "This TOML holds a number that is too long, or lists in lists in lists.")
        return None
    return _entry(document, (), _places(text))


def known(entry: Entry, names: Sequence[str], faults: Faults, *, tables: Sequence[str] = ()) -> None:
    """Keys of other names are among the faults, with the name that is like them. `tables` are names too, which nobody
    is told of here."""
    for key in entry:
        if key not in names and key not in tables:
            faults.add(entry.line(key), unknown(key, names))


def unknown(key: str, names: Sequence[str]) -> str:
    """That this is none of the names, in a sentence."""
    near = get_close_matches(key[:60], names, 1)
    return f"{shown(key)} is not known here. " + (f"Is it {near[0]}?" if near else f"Known are {', '.join(names)}.")


def shown(text: str) -> str:
    """Somebody's text, short and harmless, for a sentence."""
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text[:60]) + '"'


def is_tables(value: object) -> bool:
    """Whether it is what `[[such]]` lines make."""
    return isinstance(value, list) and all(isinstance(one, Entry) for one in value)


def _entry(table: dict[str, Any], place: Place, places: Mapping[Place, int]) -> Entry:
    values = {}
    for key, value in table.items():
        at = (*place, key)
        if isinstance(value, dict):
            value = _entry(value, at, places)
        elif isinstance(value, list):
            value = [_entry(v, (*at, n), places) if isinstance(v, dict) else v for n, v in enumerate(value)]
        values[key] = (value, _line(at, places))
    return Entry(_line(place, places), values)


def _line(place: Place, places: Mapping[Place, int]) -> int:
    """Where that stands, or what is around it. `tomllib` does not say; what is written in an unusual way (inline
    tables, quoted keys) is where the table around it begins."""
    while place and place not in places:
        place = place[:-1]
    return places.get(place, 1)


def _places(text: str) -> dict[Place, int]:
    lines: dict[Place, int] = {}
    several: dict[Place, int] = defaultdict(lambda: -1)
    table: Place = ()
    plain = _QUOTED.sub(lambda quoted: "\n" * quoted[0].count("\n"), text)
    for number, line in enumerate(plain.split("\n"), 1):
        if begins := _TABLE.match(line):
            table = ()
            *outer, last = _parts(begins[2])
            for part in outer:
                table = _newest((*table, part), several)
            table = (*table, last)
            if begins[1] == "[[":
                lines.setdefault(table, number)
                several[table] += 1
                table = _newest(table, several)
            lines[table] = number
        elif key := _KEY.match(line):
            place = table
            for part in _parts(key[1]):
                place = (*place, part)
                lines.setdefault(place, number)
    return lines


def _parts(dotted: str) -> list[str]:
    return [part.strip() for part in dotted.split(".", MAX_PARTS)[:MAX_PARTS]]


def _newest(place: Place, several: Mapping[Place, int]) -> Place:
    return (*place, several[place]) if place in several else place
