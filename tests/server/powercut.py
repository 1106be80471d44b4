"""A disk whose power can be cut: an SQLite VFS that knows which writes were synced.

Writes go through to real files, so that every connection sees them, as it would in the operating
system's cache. Beside that, what each file holds *on the platter* is kept in memory: a write gets
there when its file is synced. `cut` puts a folder on the real disk as it would be found when the
power comes back. It is not a model of a disk that lies about its syncs.
"""

# ruff: noqa: N802 - the methods are called what SQLite calls them

import random
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import apsw

if TYPE_CHECKING:
    from typing_extensions import Buffer

Write = tuple[int, bytes] | int
"""An offset and what was written there; or the length to which the file was cut."""


@dataclass
class Platter:
    """One file: what is safe, and what was written since the last sync."""

    safe: bytearray = field(default_factory=bytearray)
    exists: bool = False
    unsynced: list[Write] = field(default_factory=list)


def _apply(content: bytearray, write: Write) -> None:
    if isinstance(write, int):
        del content[write:]
        content.extend(bytes(write - len(content)))
    else:
        offset, data = write
        if len(content) < offset:
            content.extend(bytes(offset - len(content)))
        content[offset : offset + len(data)] = data


class Disk(apsw.VFS):
    """The VFS. Name it in a connection's `vfs`; use it for one folder."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.files: dict[str, Platter] = {}
        self.lock = threading.Lock()
        self.syncs = 0
        self.broken: type[apsw.Error] | None = None
        """While set, every sync and every write to a log fails with this error."""
        super().__init__(name, "")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:
        filename = name.filename() if isinstance(name, apsw.URIFilename) else name
        if filename is None:
            return apsw.VFSFile("", name, flags)
        with self.lock:
            platter = self.files.setdefault(filename, Platter())
        return File(self, platter, filename.endswith("-wal"), name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        super().xDelete(filename, syncdir)
        with self.lock:
            self.files.pop(filename, None)

    def cut(self, folder: Path, chance: random.Random, survives: float) -> None:
        """Write into `folder` what would be found after a power cut at this moment. Each unsynced
        write survives with the given probability, on its own: a disk reorders what it may."""
        with self.lock:
            found = {
                name: (bytearray(platter.safe), list(platter.unsynced))
                for name, platter in self.files.items()
                if platter.exists
            }
        folder.mkdir()
        for name, (content, unsynced) in found.items():
            for write in unsynced:
                if chance.random() < survives:
                    _apply(content, write)
            (folder / Path(name).name).write_bytes(content)


class File(apsw.VFSFile):
    """A file on the disk."""

    def __init__(
        self,
        disk: Disk,
        platter: Platter,
        is_log: bool,
        name: str | apsw.URIFilename | None,
        flags: list[int],
    ) -> None:
        self.disk = disk
        self.platter = platter
        self.is_log = is_log
        super().__init__("", name, flags)

    def xWrite(self, data: "Buffer", offset: int) -> None:
        if self.disk.broken is apsw.FullError and self.is_log:
            raise apsw.FullError("no room")
        with self.disk.lock:
            super().xWrite(data, offset)
            self.platter.unsynced.append((offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:
        with self.disk.lock:
            super().xTruncate(newsize)
            self.platter.unsynced.append(newsize)

    def xSync(self, flags: int) -> None:
        """No real sync: the process stays alive, and it would only make the test slow."""
        if self.disk.broken is apsw.IOError:
            raise apsw.IOError("the disk does not answer")
        with self.disk.lock:
            self.disk.syncs += 1
            for write in self.platter.unsynced:
                _apply(self.platter.safe, write)
            self.platter.unsynced.clear()
            self.platter.exists = True
