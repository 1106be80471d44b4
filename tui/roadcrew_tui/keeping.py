"""Files that are written while nobody waits for it: a slow disk never holds the screen up."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import monotonic

from roadcrew_tui.settings import write_atomically

log = logging.getLogger(__name__)

Failed = Callable[[OSError], object]


class Keeper:
    """One thread that writes. Of each file only the newest waits, so no more waits than there are files."""

    def __init__(self) -> None:
        self._news = threading.Condition()
        self._waiting: dict[Path, tuple[Callable[[], object], Failed | None]] = {}
        self._writing = False
        self._begun = False

    def keep(self, file: Path, text: str, failed: Failed | None = None) -> None:
        """Write this to a file, soon. `failed` is called on the writing thread when the disk won't."""
        self.do(file, partial(write_atomically, file, text), failed)

    def do(self, file: Path, write: Callable[[], object], failed: Failed | None = None) -> None:
        """The same, with `write` called on that thread: for a file that has to be read first."""
        with self._news:
            self._waiting[file] = (write, failed)
            if not self._begun:
                self._begun = True
                # A daemon: a disk that hangs does not keep the program from ending.
                threading.Thread(target=self._write, name="roadcrew-keeper", daemon=True).start()
            self._news.notify_all()

    def settle(self, within: float) -> bool:
        """Wait, `within` so many seconds, until all is written. Returns whether it is."""
        end = monotonic() + within
        with self._news:
            while self._waiting or self._writing:
                if not self._news.wait(end - monotonic()):
                    return not (self._waiting or self._writing)
        return True

    def _write(self) -> None:
        while True:
            with self._news:
                self._writing = False
                self._news.notify_all()
                while not self._waiting:
                    self._news.wait()
                file = next(iter(self._waiting))
                write, failed = self._waiting.pop(file)
                self._writing = True
            try:
                write()
            except OSError as error:
                if failed is not None:
                    failed(error)
            except Exception:
                log.exception("%s not written", file)
