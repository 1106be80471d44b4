"""Files that are one person's alone: read only when nobody else can read or write them, written as a whole. Blocking.

Not for what is in them, nor for locks between programs.
"""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

ASIDE = ".damaged"


class Strange(Exception):
    """A file that is not ours, or not whole."""


def contents(path: Path, most: int) -> bytes:
    """The bytes of a file that is ours alone and has at most so many. Raises `Strange`, `OSError`."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with open(os.open(path, flags), "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or found.st_size > most:
            raise Strange("no file of this size")
        if os.name == "posix" and (found.st_mode & 0o077 or found.st_uid != os.geteuid()):
            raise Strange("others can read or write it")
        return file.read(most + 1)


def write(path: Path, data: bytes, *, lasting: bool = False) -> None:
    """All or nothing. `lasting`: it is on the disk when this returns. Raises `OSError`."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=path.suffix)  # only its owner can read it
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            if lasting:
                file.flush()
                os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise


def put_aside(path: Path) -> None:
    """Out of the way, for who wants to look at it."""
    with suppress(OSError):
        path.replace(aside(path))


def aside(path: Path) -> Path:
    """Where it is then."""
    return path.with_name(path.name + ASIDE)


def name(*of: str) -> str:
    """A file's name that says nothing, is short, and fits every disk."""
    return blake2b("\n".join(of).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
