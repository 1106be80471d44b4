"""A place to write something long in, with a bound. Not for comments, whose line is composer.py's."""

from __future__ import annotations

from textual import events
from textual.message import Message
from textual.widgets import TextArea

from roadcrew_tui import plain


class Pad(TextArea):
    """Takes no more than there is room for; `Full` is posted when something was left out."""

    class Full(Message):
        """What was pasted did not fit."""

    def __init__(self, text: str, longest: int) -> None:
        self._longest = longest
        super().__init__(plain.pasted(text), id="pad", compact=True, highlight_cursor_line=False)

    async def _on_paste(self, event: events.Paste) -> None:
        """Before the area itself hears of it."""
        room = max(0, self._longest - len(self.text) + len(self.selected_text))
        if len(event.text) > room:
            event.text = event.text[:room]
            self.post_message(self.Full())
