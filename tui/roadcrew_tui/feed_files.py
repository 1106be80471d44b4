"""Files that hotels can be imported from: which there are in a folder, and whether one can be. Both block, and are
called off the screen's thread. What is in a file is for the server and its price monitor."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

from roadcrew_domain.jobs_state import MAX_FEED_NAME
from roadcrew_domain.text import cleaned, is_forbidden
from roadcrew_tui.host import must_lend

FORMATS: dict[str, Literal["csv", "json"]] = {".csv": "csv", ".json": "json"}
MOST_SEEN = 5_000
"""Entries of a folder that are looked at."""
MOST_SHOWN = 100


class NotAFeed(ValueError):
    """Says in a sentence why this file can't be imported."""


@dataclass(frozen=True)
class Entry:
    """A file, or a folder (`size` None). `typed` is what would have to be typed to mean it; `name` is its name."""

    typed: str
    name: str
    size: int | None


@dataclass(frozen=True)
class Feed:
    """A file to import: where it is, what the crew will see it called, and its bytes."""

    path: Path
    name: str
    format: Literal["csv", "json"]
    size: int


def entries(typed: str, here: Path, suffixes: Collection[str] = FORMATS) -> list[Entry]:
    """What could be meant by something that is half typed: folders, and files with these endings. Empty where nothing
    is.

    Hidden ones only for who types a dot. Raises `OSError`.
    """
    must_lend("files")
    head, start = os.path.split(typed)
    folder = here / Path(head).expanduser()
    with os.scandir(folder) as seen:
        found = [
            meant for entry in islice(seen, MOST_SEEN) if (meant := _meant(entry, head, start, suffixes)) is not None
        ]
    return sorted(found, key=lambda e: (e.size is None, e.name.casefold()))[:MOST_SHOWN]


def _meant(entry: os.DirEntry[str], head: str, start: str, suffixes: Collection[str]) -> Entry | None:
    hidden = entry.name.startswith(".") and not start.startswith(".")
    if any(is_forbidden(c) or c in "\n\t" for c in entry.name):  # what a terminal obeys, nobody types
        return None
    if hidden or not entry.name.casefold().startswith(start.casefold()):
        return None
    try:
        if entry.is_dir():
            return Entry(os.path.join(head, entry.name + os.sep), entry.name + os.sep, None)
        if entry.is_file() and Path(entry.name).suffix.lower() in suffixes:
            return Entry(os.path.join(head, entry.name), entry.name, entry.stat().st_size)
    except OSError:  # it went meanwhile, or is a link that leads nowhere
        return None
    return None


def feed(typed: str, here: Path) -> Feed:
    """The file that was typed. Raises `NotAFeed`."""
    must_lend("files")
    if not typed.strip():
        raise NotAFeed("Say which file, such as hotels.csv.")
    path = here / Path(typed.strip()).expanduser()
    file_format = FORMATS.get(path.suffix.lower())
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise NotAFeed("That is a folder." if stat.S_ISDIR(found.st_mode) else "That is not a file.")
        if file_format is None:
            raise NotAFeed("It must be a CSV or JSON file, and be called .csv or .json.")
        if not found.st_size:
            raise NotAFeed("That file is empty.")
        with path.open("rb"):
            pass
    except (OSError, ValueError) as problem:
        if isinstance(problem, NotAFeed):
            raise
        why = problem.strerror if isinstance(problem, OSError) else None
        raise NotAFeed(f"That file can't be read: {why or 'its name is none'}.") from problem
    return Feed(path, cleaned(path.name)[:MAX_FEED_NAME] or "feed", file_format, found.st_size)
