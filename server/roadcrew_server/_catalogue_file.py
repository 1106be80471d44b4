"""From a file to what stands in it, and in which line: TOML and CSV, both as the same entries.

Not for what a value must be: that is _catalogue_check.py's.
"""

from __future__ import annotations

import csv
import io
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
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

EXHIBITION_KEYS = (
    "id",
    "title",
    "venue",
    "city",
    "description",
    "starts_on",
    "ends_on",
    "weekdays",
    "closed_on",
    "times",
    "minutes",
    "time_zone",
    "capacity",
    "currency",
)
TICKET_KEYS = ("kind", "name", "price")

# What could be mistaken for a key or a table: texts and comments.
_QUOTED = re.compile(
    r'"""[\s\S]*?"""|' + r"'''[\s\S]*?'''|" + r'"(?:\\.|[^"\\\n])*"|' + r"'[^'\n]*'|#[^\n]*",
)
_TABLE = re.compile(r"\s*\[\[\s*exhibition\s*(\.\s*ticket\s*)?\]\]")
_KEY = re.compile(r"\s*([A-Za-z0-9_-]+)\s*[.=]")
_AT = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


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


@dataclass(slots=True)
class Entry:
    """A table of the file: its first line, and its values, each with the line in which it stands."""

    line: int
    values: dict[str, tuple[object, int]] = field(default_factory=dict)
    tickets: list[Entry] = field(default_factory=list)


@dataclass(slots=True)
class Written:
    """A whole file; `head` is what is said of the catalogue itself."""

    head: Entry
    exhibitions: list[Entry]


def read(path: Path, faults: Faults) -> Written:
    """What stands in the file. What can't be read is among the faults, and left out."""
    text = _text(path, faults)
    if text is None:
        return Written(Entry(0), [])
    match path.suffix.lower():
        case ".toml":
            return _toml(text, faults)
        case ".csv":
            return _csv(text, faults)
    faults.add(0, "A catalogue is a file whose name ends in .toml or .csv.")
    return Written(Entry(0), [])


def shown(text: str) -> str:
    """Somebody's text, short and harmless, for a sentence."""
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text[:60]) + '"'


def _text(path: Path, faults: Faults) -> str | None:
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
        faults.add(0, f"A catalogue has at most {MAX_FILE:,} bytes.")
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


def _toml(text: str, faults: Faults) -> Written:
    try:
        document = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        found = _AT.search(str(error))
        line = int(found[1]) if found and found[1] else text.count("\n") + 1
        faults.add(line, f"This is not TOML: {_AT.sub('', str(error))}.")
        return Written(Entry(0), [])
    except (ValueError, RecursionError):
        faults.add(0, "This TOML holds a number that is too long, or lists in lists in lists.")
        return Written(Entry(0), [])
    places = _Places(text)
    tables = document.pop("exhibition", [])
    head = _entry(document, places, None, None, ("note", "sample"), faults)
    if not _is_tables(tables):
        faults.add(1, "exhibition: Begin each exhibition with a line [[exhibition]].")
        tables = []
    exhibitions = []
    for number, table in enumerate(tables):
        tickets = table.pop("ticket", [])
        entry = _entry(table, places, number, None, EXHIBITION_KEYS, faults)
        if _is_tables(tickets):
            entry.tickets = [_entry(t, places, number, n, TICKET_KEYS, faults) for n, t in enumerate(tickets)]
        else:
            faults.add(entry.line, "ticket: Begin each kind of ticket with a line [[exhibition.ticket]].")
        exhibitions.append(entry)
    return Written(head, exhibitions)


def _is_tables(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


class _Places:
    """The lines in which a TOML file's tables and keys stand; `tomllib` does not say. What is written in an unusual
    way (inline tables, quoted keys) is where the table around it begins."""

    def __init__(self, text: str) -> None:
        self._lines: dict[tuple[int | None, int | None, str], int] = {}
        exhibition = ticket = None
        plain = _QUOTED.sub(lambda quoted: "\n" * quoted[0].count("\n"), text)
        for number, line in enumerate(plain.split("\n"), 1):
            table, key = _TABLE.match(line), _KEY.match(line)
            if table and table[1]:
                ticket = 0 if ticket is None else ticket + 1
                self._lines[exhibition, ticket, ""] = number
            elif table:
                exhibition, ticket = 0 if exhibition is None else exhibition + 1, None
                self._lines[exhibition, None, ""] = number
            elif key:
                self._lines.setdefault((exhibition, ticket, key[1]), number)

    def line(self, exhibition: int | None, ticket: int | None, key: str = "") -> int:
        """Where that stands, or what is around it."""
        for place in ((exhibition, ticket, key), (exhibition, ticket, ""), (exhibition, None, "")):
            if place in self._lines:
                return self._lines[place]
        return 1


def _entry(
    table: dict[str, Any],
    places: _Places,
    exhibition: int | None,
    ticket: int | None,
    known: Sequence[str],
    faults: Faults,
) -> Entry:
    entry = Entry(places.line(exhibition, ticket))
    for key, value in table.items():
        line = places.line(exhibition, ticket, key)
        if key in known:
            entry.values[key] = (value, line)
        else:
            faults.add(line, _unknown(key, known))
    return entry


def _unknown(key: str, known: Sequence[str]) -> str:
    near = get_close_matches(key[:60], known, 1)
    return f"{shown(key)} is not known here. " + (f"Is it {near[0]}?" if near else f"Known are {', '.join(known)}.")


def _csv(text: str, faults: Faults) -> Written:
    """One row for each kind of ticket. What is said of the exhibition stands in its first row; in the others it is
    left out, or the same. A first line that begins with `#` is the note."""
    head, first = Entry(1), 0
    if text.startswith("#"):
        note, _, text = text.partition("\n")
        head.values["note"], first = (note[1:].strip(" \t,;\r"), 1), 1  # a spreadsheet fills a row up
    rows = _rows(text, first, faults)
    line, columns = next(rows, (1, []))
    known = (*EXHIBITION_KEYS, *TICKET_KEYS)
    for name in dict.fromkeys(columns):
        if name not in known:
            faults.add(line, _unknown(name, known))
        elif columns.count(name) > 1:
            faults.add(line, f"The column {name} stands there {columns.count(name)} times.")
    if not {"id", "kind", "price"} <= set(columns):
        faults.add(line, f"The first row names the columns: {', '.join(known)}.")
        return Written(head, [])
    exhibitions: list[Entry] = []
    for number, cells in rows:
        if len(cells) != len(columns):
            faults.add(number, f"This row has {len(cells)} cells, and the first one {len(columns)}.")
            continue
        values: dict[str, tuple[object, int]] = {
            name: (cell, number) for name, cell in zip(columns, cells, strict=True) if cell and name in known
        }
        ticket = Entry(number, {name: values.pop(name) for name in TICKET_KEYS if name in values})
        if not exhibitions or _said(values, "id") not in (None, _said(exhibitions[-1].values, "id")):
            exhibitions.append(Entry(number, values))
        for name, (cell, _) in values.items():
            if _said(exhibitions[-1].values, name) != cell:
                faults.add(number, f"{name}: {shown(str(cell))} is not what stands in the exhibition's first row.")
        exhibitions[-1].tickets.append(ticket)
    return Written(head, exhibitions)


def _said(values: dict[str, tuple[object, int]], name: str) -> object:
    return values[name][0] if name in values else None


def _rows(text: str, first: int, faults: Faults) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not empty, each with its first line. What is between cells is what is in the header."""
    header = text.partition("\n")[0]
    between = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=between, strict=True)
    while True:
        line = first + reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            faults.add(line, f"This is not CSV: {error}.")
            return
        cells = [cell.strip() for cell in cells]
        if any(cells):
            yield line, cells
