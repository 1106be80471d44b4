"""What somebody writes and has not sent yet, kept in the state folder: it survives a crash. One file each, named by a
hash, so that terminals of one computer do not overwrite each other's; readable by this person alone.

Not for what was sent and waits: that is the outbox.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from roadcrew_tui.keeping import Failed, Keeper
from roadcrew_tui.settings import write_atomically

MOST = 50
"""Drafts that are kept; the oldest go."""
LARGEST = 1 << 20
"""Bytes of a file that is read at all."""


@dataclass(frozen=True)
class Draft:
    """`at` is when it was last typed at; `of` what the text was that it changes, empty for a new one."""

    title: str
    text: str
    at: datetime
    of: str = ""


@dataclass(frozen=True)
class About:
    """Whose draft it is, and of what: a topic, and the item that is changed (empty: a new one)."""

    server: str
    person: str
    topic: str
    item: str = ""

    @property
    def name(self) -> str:
        words = "\0".join((self.server, self.person, self.topic, self.item))
        return f"{hashlib.blake2b(words.encode('utf-8', 'surrogatepass'), digest_size=12).hexdigest()}.json"


class Drafts:
    """Under one folder. What writes does so on the keeper's thread."""

    def __init__(self, folder: Path, keeper: Keeper) -> None:
        self._folder = folder
        self._keeper = keeper

    def find(self, about: About) -> Draft | None:
        """The draft, if there is one that can be read. Looks at the disk: not for the thread that draws."""
        try:
            with (self._folder / about.name).open("rb") as file:
                kept = json.loads(file.read(LARGEST))
            at = datetime.fromisoformat(kept["at"])
            draft = Draft(str(kept["title"]), str(kept["text"]), at, str(kept["of"]))
        except (OSError, ValueError, LookupError, TypeError, RecursionError):
            return None
        return draft if at.tzinfo is not None else None

    def keep(self, about: About, title: str, text: str, of: str, failed: Failed | None = None) -> None:
        """Write it, soon."""
        kept = {"title": title, "text": text, "of": of, "at": datetime.now(UTC).isoformat()}
        file = self._folder / about.name

        def write() -> None:
            write_atomically(file, json.dumps(kept))
            self._prune()

        self._keeper.do(file, write, failed)

    def drop(self, about: About) -> None:
        """It was sent, or nobody wants it."""
        file = self._folder / about.name
        self._keeper.do(file, lambda: file.unlink(missing_ok=True))

    def _prune(self) -> None:
        """Another terminal may take one away meanwhile."""
        aged = sorted(((_changed(file), file) for file in self._folder.glob("*.json")), reverse=True)
        for _, file in aged[MOST:]:
            file.unlink(missing_ok=True)


def _changed(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0
