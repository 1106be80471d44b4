"""Pick any number of a few, each on or off, by space or by a click."""

from collections.abc import Collection, Sequence

from textual import events
from textual.message import Message

from roadcrew_tui import render
from roadcrew_tui.widgets.rows import Draw, Row, RowList


class Checks(RowList):
    """`options` are (value, words); the words are a person's text. `chosen` are the values that are on."""

    DEFAULT_CSS = """
    Checks { max-height: 7; }
    """

    class Changed(Message):
        """One was put on or off."""

        def __init__(self, checks: "Checks") -> None:
            super().__init__()
            self.checks = checks

    def __init__(self, options: Sequence[tuple[str, str]], chosen: Collection[str], *, id: str) -> None:  # noqa: A002
        super().__init__(id=id, keeps_sign=True)
        self._options = tuple(options)
        self.chosen = set(chosen)

    @property
    def value(self) -> str:
        """The values that are on, a line each, in the order of the options."""
        return "\n".join(value for value, _ in self._options if value in self.chosen)

    def on_mount(self) -> None:
        """As it begins."""
        self._draw()

    def _draw(self) -> None:
        self.show([Row(value, self._option(value, words)) for value, words in self._options])

    def _option(self, value: str, words: str) -> Draw:
        box = render.ours("[x] " if value in self.chosen else "[ ] ", render.ACCENT)
        return lambda width: render.cut(render.join(box, render.said(words)), width)

    def _flip(self, value: str) -> None:
        self.chosen ^= {value}
        self._draw()
        self.post_message(self.Changed(self))

    def on_key(self, event: events.Key) -> None:
        """Space puts the one under the cursor on or off. Not a binding, as in Choice."""
        if event.key == "space" and self.cursor is not None:
            event.stop()
            event.prevent_default()
            self._flip(self.cursor)

    def on_click(self, event: events.Click) -> None:
        """A click does too."""
        index = event.style.meta.get("row")
        value = self.ids[index] if isinstance(index, int) and index < len(self.ids) else None
        if value is None:
            return
        event.stop()
        event.prevent_default()
        self.move_to(value)
        self._flip(value)
