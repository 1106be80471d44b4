"""A place to write a comment: one line that grows to six. Enter sends, ctrl+j begins a new line; names that begin as
what is typed after an @ are offered, and tab takes them.

Not for what is done with the text, nor for something long, which has a sheet of its own (screens/writing.py).
"""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widgets import TextArea

from roadcrew_tui import plain

MOST_LINES = 6
MOST_OFFERED = 5
NEW_LINE = ("ctrl+j", "shift+enter", "alt+enter")
"""The first one in every terminal."""


class Composer(TextArea):
    """`names` are those that can be mentioned. What is longer than `longest` characters can't be typed."""

    DEFAULT_CSS = f"""
    Composer {{
        height: auto; min-height: 1; max-height: {MOST_LINES}; border: none; padding: 0 1; scrollbar-size-vertical: 1;
    }}
    """
    takes_keys = True
    """Letters are typed here, and are no keys of the screen."""

    class Told(Message):
        """What all of these have in common."""

        def __init__(self, composer: Composer) -> None:
            super().__init__()
            self.composer = composer

        @property
        def control(self) -> Composer:
            return self.composer

    class Sent(Told):
        """Enter was pressed: `text` is to be sent, and not here any more. What is typed next is the next one."""

        def __init__(self, composer: Composer, text: str) -> None:
            super().__init__(composer)
            self.text = text

    class Above(Told):
        """Up was pressed in the first line: the person wants to what stands above."""

    class Offered(Told):
        """Other names are `offered`."""

    def __init__(self, hint: Content, *, id: str, longest: int) -> None:  # noqa: A002
        """`hint` is shown while nothing is typed."""
        super().__init__(
            placeholder=hint,
            id=id,
            compact=True,
            soft_wrap=True,
            highlight_cursor_line=False,
            show_line_numbers=False,
            max_checkpoints=50,
        )
        self.names: Sequence[str] = ()
        self.offered: tuple[str, ...] = ()
        self._longest = longest
        self._begun = -1
        """The column where what is completed begins: that of its @."""
        self._taken = 0
        """How many of the offered names were taken already, one in the place of another."""

    def fill(self, text: str) -> None:
        """Put a text in the place of what is there, and the cursor at its end."""
        self.load_text(plain.pasted(text)[: self._longest])
        self.move_cursor(self.document.end)

    # --- keys ------------------------------------------------------------------------------------

    def action_cursor_up(self, select: bool = False) -> None:
        """Up a line; from the first one, out of here."""
        if (
            not select
            and self.cursor_location[0] == 0
            and self.wrapped_document.location_to_offset(self.cursor_location).y == 0
        ):
            self.post_message(self.Above(self))
        else:
            super().action_cursor_up(select)

    def action_send(self) -> None:
        """As enter: what is written is not here any more."""
        if self.text.strip():
            self.post_message(self.Sent(self, self.text))
            self.fill("")

    def action_line(self) -> None:
        """Begin a new line."""
        self.insert("\n")

    async def _on_key(self, event: events.Key) -> None:
        """Here, and not as bindings: those would be done before what was typed until then is in the text."""
        if event.key == "enter":
            self.action_send()
        elif event.key in NEW_LINE:
            self.action_line()
        elif event.key == "tab" and self.offered:
            self.take(self._taken)
        else:
            await super()._on_key(event)
            return
        event.stop()
        event.prevent_default()

    async def _on_paste(self, event: events.Paste) -> None:
        """As much of it as there is room for."""
        room = self._longest - len(self.text) + len(self.selected_text)
        event.text = event.text[: max(0, room)]

    # --- names -----------------------------------------------------------------------------------

    def on_text_area_changed(self) -> None:
        """Something else may be offered now."""
        row, column = self.cursor_location
        before = self.document.get_line(row)[:column]
        if self._taken and before.endswith(f"{self.offered[self._taken - 1]} "):
            return
        self._taken = 0
        self._begun, offered = completions(before, self.names)
        if offered != self.offered:
            self.offered = offered
            self.post_message(self.Offered(self))

    def take(self, number: int) -> None:
        """Put the name of this number among those that are offered in the place of what was typed of it."""
        if not self.offered:
            return
        number %= len(self.offered)
        row, column = self.cursor_location
        self._taken = number + 1
        self.replace(f"@{self.offered[number]} ", (row, self._begun), (row, column), maintain_selection_offset=False)


def completions(before: str, names: Sequence[str]) -> tuple[int, tuple[str, ...]]:
    """Where the @ stands that a text ends with, and the names that may be meant by what follows it."""
    at = before.rfind("@")
    if at < 0 or (at and (before[at - 1].isalnum() or before[at - 1] == "_")):
        return -1, ()
    begun = before[at + 1 :].casefold()
    found = tuple(name for name in names if name.casefold().startswith(begun))[:MOST_OFFERED]
    return at, found
