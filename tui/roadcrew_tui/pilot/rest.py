"""Whether a program has dealt with what it was given, as far as that can be known from outside.

A screen on which nothing is painted says little: on a busy computer the program may just not have had its turn. Linux
tells how often each thread has had one. Elsewhere a longer time without any paint must do. Not for what comes from
others: a program that waits for a server is at rest.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

PROCESSES = Path("/proc")


def _runs(pid: int) -> dict[str, str] | None:
    """What each thread of a process has run so far; None while one runs, or waits to. Empty where nobody tells."""
    runs = {}
    try:
        for thread in os.listdir(PROCESSES / str(pid) / "task"):
            told = PROCESSES / str(pid) / "task" / thread
            if told.joinpath("stat").read_text("utf-8", "replace").rpartition(")")[2].split()[0] in "RD":
                return None
            runs[thread] = told.joinpath("schedstat").read_text("ascii")
    except OSError:  # no such system, or no such process any more
        return {}
    return runs


def _tells() -> bool:
    try:
        return PROCESSES.joinpath("self", "schedstat").read_text("ascii").split()[2] != "0"
    except OSError:
        return False


SECONDS = 0.018 if _tells() else 0.1
"""A program that has done nothing for so long is at rest; longer than Textual waits for its next frame (1/60 s)."""
LOOK_SECONDS = 0.005
"""How often to look. What happened between two looks counts as of the second."""


class Watch:
    """Looks now and then at what a process does."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._runs = _runs(pid)
        self._since = time.monotonic()

    def at_rest(self, painted: bool = False) -> bool:
        """Whether it has done nothing for `SECONDS`, and has nothing to do now. `painted`: since last asked."""
        before, self._runs = self._runs, _runs(self._pid)
        if painted or self._runs is None or self._runs != before:
            self._since = time.monotonic()
        return time.monotonic() - self._since >= SECONDS
