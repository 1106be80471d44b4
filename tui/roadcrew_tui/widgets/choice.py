"""Pick one of a few by left and right, or by a click. A line, not a box."""

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from roadcrew_tui import render
from roadcrew_tui.symbols import sign


class Choice(Widget, can_focus=True):
    """`options` are (value, words); the words are ours."""

    DEFAULT_CSS = """
    Choice { height: auto; width: 1fr; }
    Choice:focus { background: $row-cursor; }
    """
    STEPS: ClassVar[dict[str, int]] = {"left": -1, "up": -1, "right": 1, "down": 1, "space": 1}

    class Changed(Message):
        """Another one was picked."""

        def __init__(self, choice: "Choice") -> None:
            super().__init__()
            self.choice = choice

    def __init__(self, options: Sequence[tuple[str, str]], value: str, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._options = tuple(options)
        self.value = value
        self._extents: list[tuple[int, int, str]] = []

    def render(self) -> Content:
        """All options, the chosen one marked."""
        s = sign()
        at = 0
        parts: list[Content | str] = []
        self._extents = []
        for value, words in self._options:
            on = value == self.value
            piece = render.join(
                render.ours(s.here if on else s.away, render.ACCENT if on else render.MUTED),
                " ",
                render.ours(words, "bold" if on else render.MUTED),
            )
            self._extents.append((at, at + piece.cell_length, value))
            parts += [piece, "   "]
            at += piece.cell_length + 3
        return render.cut(render.join(*parts), max(1, self.content_size.width))

    def on_key(self, event: events.Key) -> None:
        """Go to the next one, round and round. Not a binding: those run after the key has gone through everything
        above, and what is typed in a hurry would come too late."""
        step = self.STEPS.get(event.key)
        if step is None:
            return
        event.stop()
        event.prevent_default()
        values = [value for value, _ in self._options]
        self._pick(values[(values.index(self.value) + step) % len(values)])

    def _pick(self, value: str) -> None:
        self.value = value
        self.refresh()
        self.post_message(self.Changed(self))

    def on_click(self, event: events.Click) -> None:
        """Pick what was clicked."""
        for start, end, value in self._extents:
            if start <= event.x < end:
                self._pick(value)
