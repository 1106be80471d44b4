"""A picture in half-blocks, as large as its room. Not for loading one (screens/picture.py)."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget

from roadcrew_tui import render
from roadcrew_tui.pictures import Pixels
from roadcrew_tui.symbols import ASCII, sign

NO_SIGNS = "With ASCII signs alone, no image can be drawn."


class PictureView(Widget):
    """In the middle of its room."""

    DEFAULT_CSS = """
    PictureView { width: 1fr; height: 1fr; content-align: center middle; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._shown: Pixels | str = "…"

    def show(self, what: Pixels | str) -> None:
        """A picture, or words in its place."""
        self._shown = what
        self.refresh()

    def render(self) -> Content:
        """Line by line, cut to the room."""
        width, height = self.content_size
        if sign() is ASCII or isinstance(self._shown, str):
            words = self._shown if isinstance(self._shown, str) else NO_SIGNS
            return render.stack(render.said(words, render.MUTED).wrap(max(1, width)))
        return render.stack(render.half_blocks(self._shown.boxed(max(1, width), max(1, height))))
