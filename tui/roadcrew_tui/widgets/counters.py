"""Rows with a number that goes up and down, by keys, or by a click on a sign."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from roadcrew_tui.widgets.rows import RowList


class Counters(RowList):
    """A row's signs are `render.pressable(…, step=-1)` and likewise 1."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(-1)", "Fewer", show=False),
        Binding("right", "step(1)", "More", show=False),
    ]

    class Stepped(Message):
        """One more, or one fewer, of a row."""

        def __init__(self, counters: Counters, row: str, by: int) -> None:
            super().__init__()
            self.counters, self.row, self.by = counters, row, by

        @property
        def control(self) -> Counters:
            return self.counters

    def action_step(self, by: int) -> None:
        """Count up or down at the cursor."""
        if self.cursor is not None:
            self.post_message(self.Stepped(self, self.cursor, by))

    def on_click(self, event: events.Click) -> None:
        """A click on a sign counts; any other does what it does in rows."""
        step, index = event.style.meta.get("step"), event.style.meta.get("row")
        row = self._rows[index].id if isinstance(index, int) and index < len(self._rows) else None
        if not isinstance(step, int) or row is None:
            return
        event.stop()
        event.prevent_default()
        self.move_to(row)
        self.post_message(self.Stepped(self, row, step))
