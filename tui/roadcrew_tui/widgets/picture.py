"""A picture in half-blocks, as large as its room; and one that the terminal draws itself. Not for loading one
(screens/picture.py)."""

from __future__ import annotations

from collections.abc import Callable

from rich.control import Control
from rich.segment import ControlCode, ControlType, Segment
from textual.content import Content
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from roadcrew_tui import render
from roadcrew_tui.graphics import Encoded
from roadcrew_tui.pictures import Pixels
from roadcrew_tui.symbols import ASCII, sign

_UNTOUCHED: list[ControlCode] = [(ControlType.CURSOR_FORWARD, 0)]
"""Has Rich pass on what stands there."""
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


class DrawnPicture(Widget):
    """Of the size that it was encoded for."""

    def __init__(self, encoded: Encoded, send: Callable[[str], None], *, id: str | None = None) -> None:  # noqa: A002
        """`send` is the app's way to the terminal: what goes past it may come between two halves of something else."""
        super().__init__(id=id)
        self._encoded = encoded
        self._send = send
        self.styles.width, self.styles.height = encoded.size

    def on_mount(self) -> None:
        """The terminal is told of it."""
        self._send(self._encoded.before)

    def on_unmount(self) -> None:
        """The terminal may forget it."""
        self._send(self._encoded.after)

    def render_lines(self, crop: Region) -> list[Strip]:
        """Sixels go out with the last line, to where the picture begins; a part of them can't be drawn."""
        if not self.screen.is_active:
            return []
        if self._encoded.rows:
            lines = [Strip([row]) for row in self._encoded.rows[crop.y : crop.bottom]]
            return [line.crop(crop.x, crop.right) for line in lines]
        if crop.size != self.size:
            return []
        begin, end = (Control.move_to(*place).segment.text for place in (self.region.offset, self.region.bottom_right))
        whole = [Segment(begin), Segment(self._encoded.sixels, control=_UNTOUCHED), Segment(end)]
        return [Strip([])] * (crop.height - 1) + [Strip(whole, cell_length=crop.width)]
