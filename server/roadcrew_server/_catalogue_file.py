"""From a file to what stands in it, and in which line: TOML and CSV, both as the same entries.

Not for what a value must be: that is _catalogue_check.py's.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roadcrew_server import _toml_file
from roadcrew_server._toml_file import Entry, Faults, is_tables, known, shown, text_of, unknown

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


@dataclass(slots=True)
class Written:
    """A whole file; `head` is what is said of the catalogue itself. The kinds of tickets of an exhibition are its
    tables `ticket`."""

    head: Entry
    exhibitions: list[Entry]


def read(path: Path, faults: Faults) -> Written:
    """What stands in the file. What can't be read is among the faults, and left out."""
    text = text_of(path, faults, "A catalogue")
    if text is None:
        return Written(Entry(0), [])
    match path.suffix.lower():
        case ".toml":
            return _toml(text, faults)
        case ".csv":
            return _csv(text, faults)
    faults.add(0, "A catalogue is a file whose name ends in .toml or .csv.")
    return Written(Entry(0), [])


def _toml(text: str, faults: Faults) -> Written:
    document = _toml_file.read(text, faults)
    if document is None:
        return Written(Entry(0), [])
    exhibitions = document.get("exhibition", [])
    known(document, ("note", "sample"), faults, tables=("exhibition",))
    if not is_tables(exhibitions):
        faults.add(1, "exhibition: Begin each exhibition with a line [[exhibition]].")
        exhibitions = []
    for exhibition in exhibitions:
        known(exhibition, EXHIBITION_KEYS, faults, tables=("ticket",))
        tickets = exhibition.get("ticket", [])
        if not is_tables(tickets):
            faults.add(exhibition.at, "ticket: Begin each kind of ticket with a line [[exhibition.ticket]].")
            continue
        for ticket in tickets:
            known(ticket, TICKET_KEYS, faults)
    return Written(document, exhibitions)


def _csv(text: str, faults: Faults) -> Written:
    """One row for each kind of ticket. What is said of the exhibition stands in its first row; in the others it is
    left out, or the same. A first line that begins with `#` is the note."""
    head, first = Entry(1), 0
    if text.startswith("#"):
        note, _, text = text.partition("\n")
        head, first = Entry(1, {"note": (note[1:].strip(" \t,;\r"), 1)}), 1  # a spreadsheet fills a row up
    rows = _rows(text, first, faults)
    line, columns = next(rows, (1, []))
    names = (*EXHIBITION_KEYS, *TICKET_KEYS)
    for name in dict.fromkeys(columns):
        if name not in names:
            faults.add(line, unknown(name, names))
        elif columns.count(name) > 1:
            faults.add(line, f"The column {name} stands there {columns.count(name)} times.")
    if not {"id", "kind", "price"} <= set(columns):
        faults.add(line, f"The first row names the columns: {', '.join(names)}.")
        return Written(head, [])
    exhibitions: list[Entry] = []
    for number, cells in rows:
        if len(cells) != len(columns):
            faults.add(number, f"This row has {len(cells)} cells, and the first one {len(columns)}.")
            continue
        said = {name: cell for name, cell in zip(columns, cells, strict=True) if cell and name in names}
        ticket = Entry(number, {name: (said.pop(name), number) for name in TICKET_KEYS if name in said})
        if not exhibitions or said.get("id") not in (None, exhibitions[-1].get("id")):
            begun: dict[str, tuple[Any, int]] = {name: (cell, number) for name, cell in said.items()}
            exhibitions.append(Entry(number, {**begun, "ticket": ([], number)}))
        for name, cell in said.items():
            if exhibitions[-1].get(name) != cell:
                faults.add(number, f"{name}: {shown(cell)} is not what stands in the exhibition's first row.")
        exhibitions[-1]["ticket"].append(ticket)
    return Written(head, exhibitions)


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
