"""How far something is, while a sub-command waits for it: a line on stderr that is drawn over; in a pipe, a plain line
now and then. Not for what it came to: that is data, and goes to stdout.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from typing import TextIO

CELLS = 24
"""Of a bar."""
REDRAWN = 0.1
PLAIN = 5.0
"""Seconds between two drawings, and between two plain lines."""
CLEAR = "\r\x1b[K"


class Progress:
    """The words are ours, or cleaned. With `quiet` nothing is said: who reads `--json` asked for lines of data."""

    def __init__(
        self, *, quiet: bool = False, out: TextIO | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._out = out or sys.stderr
        self._quiet = quiet
        self._draws = self._out.isatty()
        self._clock = clock
        self._shown = ""
        self._last: float | None = None

    def line(self, words: str) -> None:
        """Words that stay."""
        if not self._quiet:
            self._write(f"{self._wiped()}roadcrew: {words}\n")

    def show(self, share: float | None, words: str, *, stage: bool = False) -> None:
        """How far it is, from 0 to 1 (None: nobody knows). `stage`: said in a pipe as well, however soon."""
        now = self._clock()
        if self._quiet or not (stage or self._last is None or now - self._last >= (REDRAWN if self._draws else PLAIN)):
            return
        self._last = now
        if not self._draws:
            self._write(f"roadcrew: {words}\n")
            return
        drawn = words if share is None else f"{bar(share)} {words}"
        room = shutil.get_terminal_size().columns - 1
        if drawn[:room] != self._shown:
            self._shown = drawn[:room]
            self._write(f"{CLEAR}{self._shown}")

    def done(self) -> None:
        """Nothing more is drawn over."""
        if wiped := self._wiped():
            self._write(wiped)

    def _wiped(self) -> str:
        shown, self._shown = self._shown, ""
        return CLEAR if shown else ""

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()


def bar(share: float) -> str:
    """`[######......]  50 %`, in signs that every terminal has."""
    share = max(0.0, min(1.0, share))
    filled = int(share * CELLS)
    return f"[{'#' * filled}{'.' * (CELLS - filled)}] {int(share * 100):3} %"
