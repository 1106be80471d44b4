"""A new file that is there as a whole or not at all, and readable by its owner only.

What it is not for: changing a file that is there; a name that is taken is refused.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


class Taken(OSError):
    """There is something of that name already."""


def require_free(path: Path) -> None:
    """Raise `Taken` if the name is taken."""
    if path.exists() or path.is_symlink():
        raise Taken(f"{path} exists already. Name another file, or move that one away.")


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """A temporary file (mode 0600) beside `path`, to be written in the block.

    When the block ends, it is on the disk and gets its name; when the block raises, it goes. Raises `Taken` and what
    the disk says.
    """
    require_free(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {path.parent}.")
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        _sync(temporary)
        require_free(path)
        temporary.replace(path)
        if os.name == "posix":  # elsewhere a folder can't be synced
            _sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
