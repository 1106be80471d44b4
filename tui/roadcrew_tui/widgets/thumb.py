"""The scrollbar, with the signs in use: as Textual draws it, or without the parts of blocks at its ends."""

from __future__ import annotations

from typing import Any

from rich.segment import Segments
from textual.scrollbar import ScrollBarRender

from roadcrew_tui.symbols import sign


class Thumb(ScrollBarRender):
    """A vertical one; others are not shown."""

    @classmethod
    def render_bar(cls, *args: Any, **more: Any) -> Segments:
        """As Textual does."""
        cls.VERTICAL_BARS = list(sign().ends)
        return super().render_bar(*args, **more)
