"""What a player needs of a terminal. `headless` and `pseudo` are such; tests have one in tmux.

Not for tapes: a terminal knows nothing of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Screen:
    """What a person sees: lines from top to bottom, without spaces at their ends, and the row of the cursor."""

    lines: tuple[str, ...]
    cursor_row: int

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def line(self) -> str:
        """The line with the cursor."""
        return self.lines[self.cursor_row] if 0 <= self.cursor_row < len(self.lines) else ""


class Ended(Exception):
    """The program in the terminal has ended; the sentence says how."""


class Terminal(Protocol):
    """One program in one terminal, running from `__aenter__` to `__aexit__`. Every call raises `Ended` once the
    program has ended by itself, but for `screen` and `svg`, which give the last that was there."""

    async def press(self, key: str) -> None:
        """Press a key: one character, or a name of `keys.KEYS`. Returns when the program has dealt with it, as far as
        that can be known from outside."""
        ...

    async def paste(self, text: str) -> None:
        """Paste, as a terminal does: in one piece and marked as pasted."""
        ...

    async def changed(self, seconds: float) -> bool:
        """Wait until something is painted, at most so long. Whether it was."""
        ...

    def screen(self) -> Screen:
        """What is on the screen now."""
        ...

    def svg(self) -> str:
        """The screen as a picture."""
        ...

    @property
    def copied(self) -> str | None:
        """What the program put on the clipboard last."""
        ...
