"""What can be wrong: with a row, which is then left out and told by its line, and with a feed, which then ends."""

from __future__ import annotations

from roadcrew_domain.text import cleaned

SHOWN = 40
"""Characters of a feed's own text that a sentence about it repeats."""


class BadRow(Exception):
    """`code` is one of those in docs/price-monitor.md, `detail` a sentence."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class BadFeed(Exception):
    """The feed can't be read, or not further. The message is a sentence for people."""


def quoted(text: str) -> str:
    """Something that a feed says, for a sentence: cleaned, and no longer than `SHOWN`."""
    shown = cleaned(text[: 4 * SHOWN])
    return f"“{shown}”" if len(shown) <= SHOWN else f"“{shown[:SHOWN]}…”"
