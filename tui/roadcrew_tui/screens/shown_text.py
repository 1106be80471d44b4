"""A text on the screen as it would be printed, for terminals that can't be left for it. Its words have been cleaned, as
they must be for a printed one."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content

from roadcrew_tui import render
from roadcrew_tui.screens.dialog import Dialog
from roadcrew_tui.widgets.buttons import Buttons
from roadcrew_tui.widgets.lines import Lines, Part, PartsLine


class ShownText(Dialog[None]):
    """Over the whole width, so that a link is broken as seldom as can be."""

    CSS_PATH = "shown_text.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,enter", "dismiss", "Close", show=False)]

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        """The text scrolls; below it the way out."""
        with VerticalScroll(id="shown"):
            yield Lines(id="shown-text")
            yield Buttons(id="shown-keys")

    def on_mount(self) -> None:
        """The scroll takes the keys."""
        self.query_one("#shown-text", Lines).show(self._draw)
        self.query_one("#shown-keys", Buttons).show([Part("close", render.key_hint("esc", "close"))])
        self.query_one("#shown", VerticalScroll).focus()

    def on_parts_line_clicked(self, event: PartsLine.Clicked) -> None:
        """The way out by mouse, and by tab."""
        event.stop()
        self.dismiss()

    def _draw(self, width: int) -> Content:
        rows: list[Content | str] = []
        for line in self._text.split("\n"):
            rows += render.ours(line).wrap(max(1, width)) if line else [""]
        return render.stack(rows)
