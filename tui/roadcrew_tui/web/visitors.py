"""Who comes by a browser, and the folder in which what is theirs lies. A visitor is known by a cookie; the folder is
called by its hash, so that who can list folders has nobody's cookie.

Not for what a visitor may do: that is `roadcrew_tui/host.py`.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import stat
from collections.abc import Callable, Collection
from pathlib import Path

COOKIE = "roadcrew_visitor"
SECRET_BYTES = 32
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_FOLDER = re.compile(r"[0-9a-f]{64}", re.ASCII)
KEPT_SECONDS = 30 * 24 * 3600
"""So long after the last visit a browser is still the same person."""
MOST_KEPT = 2000
"""Folders in all."""
SIGNED_IN = Path("data", "credentials.json")
"""What is in the folder of somebody who has signed in."""
EMPTY = "empty"
"""The folder that a visitor's process works in."""


class TooMany(Exception):
    """There is room for no further visitor's folder."""


class Visitors:
    """The visitors of one site. Its calls look at the disk, so an event loop makes them in a thread."""

    def __init__(self, folder: Path, today: Callable[[], float], random: Callable[[int], str] | None = None) -> None:
        """`today` in seconds since 1970, as files are stamped; `random` gives so many bytes as URL-safe text."""
        self._folder = folder
        self._today = today
        self._random = random or secrets.token_urlsafe

    def new_secret(self) -> str:
        """For a browser that has none."""
        return self._random(SECRET_BYTES)

    def enter(self, secret: str) -> Path:
        """The folder of whoever has this secret, for its owner alone. Raises `TooMany`, and `OSError` where something
        else has its place."""
        home = self._folder / name_of(secret)
        if not os.path.lexists(home):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if sum(1 for _ in self._folder.iterdir()) >= MOST_KEPT:
                raise TooMany
            home.mkdir(mode=0o700, exist_ok=True)
        found = home.lstat()
        if not stat.S_ISDIR(found.st_mode):  # a link would lead to another's
            raise NotADirectoryError(home)
        home.chmod(0o700)
        (home / EMPTY).mkdir(mode=0o700, exist_ok=True)
        self._stamp(home)
        return home

    def leave(self, home: Path) -> None:
        """The last page of a visitor is closed: what they signed in with is kept, and nothing of who never did."""
        if (home / SIGNED_IN).exists():
            self._stamp(home)
        else:
            shutil.rmtree(home, ignore_errors=True)

    def sweep(self, here: Collection[str]) -> int:
        """Remove the folders of who has not come for long, but for those whose names are in `here`; how many."""
        try:
            homes = [home for home in self._folder.iterdir() if _FOLDER.fullmatch(home.name)]
        except FileNotFoundError:
            return 0
        oldest = self._today() - KEPT_SECONDS
        old = [home for home in homes if home.name not in here and home.lstat().st_mtime < oldest]
        for home in old:
            if home.is_symlink():
                home.unlink()
            else:
                shutil.rmtree(home, ignore_errors=True)
        return len(old)

    def _stamp(self, home: Path) -> None:
        now = self._today()
        os.utime(home, (now, now))


def is_secret(text: str | None) -> bool:
    """Whether this may be a cookie of ours."""
    return text is not None and _SECRET.fullmatch(text) is not None


def name_of(secret: str) -> str:
    """What a visitor's folder is called, which tells nobody the secret."""
    return hashlib.sha256(secret.encode()).hexdigest()
