"""The one-line widgets at the edges of a screen: the title line, the tabs, the line of keys, a block of text."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from roadcrew_tui import render


class Lines(Widget):
    """Text that is drawn anew for the width it gets: `show(draw)`, with `draw(width) -> Content`."""

    DEFAULT_CSS = """
    Lines { width: 1fr; height: auto; }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._draw: Callable[[int], Content] = lambda width: render.BLANK

    def show(self, draw: Callable[[int], Content]) -> None:
        """Draw this from now on."""
        self._draw = draw
        self.refresh(layout=True)

    def render(self) -> Content:
        """The text at the present width."""
        return self._draw(self.content_size.width or self.size.width or 76)

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        """As many lines as are drawn; where there is no room, as in a column."""
        return max(1, len(self._draw(max(1, width)).split("\n", allow_blank=True)))


class TitleLine(Lines):
    """The first line: what this is, and how the link to the server is. A click on the latter posts `Clicked`."""

    DEFAULT_CSS = """
    TitleLine { height: 1; padding: 0 1; }
    """

    class Clicked(Message):
        """The words at the right end were clicked."""

    _right_width = 0

    def show_ends(self, left: Content, right: Content, kept: Content = render.BLANK) -> None:
        """Left and right text; the left one gives way, but for what is `kept` beside it."""
        self._right_width = right.cell_length
        self.show(lambda width: render.ends(left, right, width, kept))

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        """One line."""
        return 1

    def on_click(self, event: events.Click) -> None:
        """At the right end?"""
        if event.x >= self.size.width - 1 - self._right_width:
            event.stop()
            self.post_message(self.Clicked())


@dataclass(frozen=True)
class Part:
    """A piece of a line that can be clicked."""

    id: str
    content: Content


class PartsLine(Widget):
    """A line of pieces; a click on one posts `Clicked`."""

    DEFAULT_CSS = """
    PartsLine { height: 1; padding: 0 1; width: 1fr; }
    """

    class Clicked(Message):
        """A piece was clicked."""

        def __init__(self, line: "PartsLine", part: str) -> None:
            super().__init__()
            self.line, self.part = line, part

        @property
        def control(self) -> "PartsLine":
            return self.line

    def __init__(self, *, id: str, gap: int = 2) -> None:  # noqa: A002
        super().__init__(id=id)
        self._gap = gap
        self._parts: tuple[Part, ...] = ()
        self._kept: tuple[Part, ...] = ()
        self._extents: list[tuple[int, int, str]] = []

    def show(self, parts: Sequence[Part], kept: Sequence[Part] = ()) -> None:
        """Show `parts`, as many as there is room for, and then `kept`, which always have room."""
        self._parts, self._kept = tuple(parts), tuple(kept)
        self.refresh()

    def render(self) -> Content:
        """The pieces that fit."""
        width = self.content_size.width
        room = width - sum(p.content.cell_length + self._gap for p in self._kept)
        chosen: list[Part] = []
        for part in self._parts:
            room -= part.content.cell_length + self._gap
            if room < -self._gap:
                break
            chosen.append(part)
        at = 0
        self._extents = []
        pieces: list[Content | str] = []
        for part in (*chosen, *self._kept):
            self._extents.append((at, at + part.content.cell_length, part.id))
            pieces += [part.content, " " * self._gap]
            at += part.content.cell_length + self._gap
        return render.cut(render.join(*pieces), width)

    def in_sight(self) -> list[tuple[int, str, str]]:
        """The pieces that are drawn: how far from the left edge, their ids, and what they say."""
        left = self.styles.padding.left
        words = {part.id: part.content.plain for part in (*self._parts, *self._kept)}
        return [(left + start, part, words[part]) for start, _, part in self._extents]

    def press(self, part: str) -> None:
        """As a click on a piece."""
        self.post_message(self.Clicked(self, part))

    def on_click(self, event: events.Click) -> None:
        """Which piece was it?"""
        x = event.x - self.styles.padding.left
        for start, end, part in self._extents:
            if start <= x < end:
                event.stop()
                self.press(part)


class KeyLine(PartsLine):
    """The last line: the keys that matter here."""

    DEFAULT_CSS = """
    KeyLine { dock: bottom; }
    """
