"""The body of a stream: entries of several lines each, of which only what is in sight is laid out and drawn, and the
bar beside them. Which lines those are is window.py's; keys, mouse and messages are stream.py's.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.content import Content
from textual.geometry import Offset
from textual.strip import Strip
from textual.visual import Visual
from textual.widget import Widget

from roadcrew_tui import render
from roadcrew_tui.symbols import sign
from roadcrew_tui.widgets.rows import GUTTER
from roadcrew_tui.widgets.window import Window

KEPT = 1_000
"""Entries whose drawing is kept, so that going to and fro costs nothing."""

Draw = Callable[[int], Sequence[Content]]
"""The lines of an entry for a width in cells."""


@dataclass(frozen=True)
class Entry:
    """`draw` is called again only for another width, or when an entry of this id comes with another `stamp` (None: it
    is another entry each time). On one that does not `stand`, such as a heading, the cursor is never put, and it may go
    again."""

    id: str
    draw: Draw = field(compare=False)
    stamp: Hashable = None
    stands: bool = True


@dataclass
class _Drawn:
    entry: Entry
    lines: Sequence[Content]
    strips: dict[tuple[int, bool, bool], Strip] = field(default_factory=dict)

    def is_of(self, entry: Entry) -> bool:
        return self.entry is entry or (entry.stamp is not None and self.entry == entry)


class StreamBody(Widget):
    """Entries one under another, the newest lowest; a column of cells at the right is the bar's."""

    DEFAULT_CSS = """
    StreamBody { height: 1fr; background: transparent; }
    StreamBody > .stream--cursor { background: $row-cursor; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"stream--cursor"}

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.lowest = ""
        """The last entry in sight that the cursor may stand on; empty while there is none."""
        self._entries: Sequence[Entry] = ()
        self._before = 0
        self._cursor: str | None = None
        self._window = Window()
        self._drawn: dict[str, _Drawn] = {}
        self._signs = sign()
        self._width = 0
        self._placed = False

    # --- for who builds on it --------------------------------------------------------------------

    def _sees(self, lowest: str) -> None:
        """The last entry in sight is this one now."""
        raise NotImplementedError

    def _nears(self) -> None:
        """There are earlier ones before the first, and that is near. Said again with each change of what is seen."""
        raise NotImplementedError

    # --- layout ----------------------------------------------------------------------------------

    @property
    def _laid_out(self) -> bool:
        return self._width > 0 and self._window.height > 0

    def _drawing(self, place: int) -> _Drawn:
        entry = self._entries[place]
        drawn = self._drawn.get(entry.id)
        if drawn is None or not drawn.is_of(entry):
            if len(self._drawn) >= KEPT:
                self._drawn.clear()
            width = max(1, self._width - GUTTER - 1)
            lines = [render.cut(line, width) for line in entry.draw(width)] or [render.BLANK]
            drawn = self._drawn[entry.id] = _Drawn(entry, lines)
        return drawn

    def _measure(self, place: int) -> int:
        return len(self._drawing(place).lines)

    def _stands(self, place: int) -> bool:
        return self._entries[place].stands

    def _arrange(self) -> None:
        """Find out what is in sight, tell of it, and have it drawn."""
        if not self._laid_out:
            return
        window = self._window
        window.fill(self._measure, window.place_of(self._cursor), self._stands)
        in_sight = dict.fromkeys(place for place, _ in reversed(window.rows))
        lowest = next((self._entries[place].id for place in in_sight if self._stands(place)), "")
        if lowest != self.lowest:
            self.lowest = lowest
            self._sees(lowest)
        if self._before and window.first < 2 * window.height:
            self._nears()
        self.refresh()

    def _to_end(self) -> None:
        if self._laid_out:
            self._window.to_end(self._measure)
        self._arrange()

    def _bring(self, place: int) -> None:
        """Scroll as little as it takes to have an entry in sight, with the headings above it; of one that is taller
        than the room, its beginning."""
        if not self._laid_out:
            return
        window, height = self._window, self._measure(place)
        top = window.top_of(place)
        first = self._first_heading(place)
        above = sum(self._measure(heading) for heading in range(first, place))
        is_below = place > window.last if top is None else top + height > window.height
        is_above = place < window.first if top is None else top < above
        if is_below:
            window.hang_on(place, max(min(above, window.height - 1), window.height - height))
        elif is_above:
            window.hang_on(first, 0)
        self._arrange()

    def _first_heading(self, place: int) -> int:
        """The first of the headings directly above an entry; the entry itself, if it has none."""
        while place > 0 and not self._stands(place - 1):
            place -= 1
        return place

    def on_resize(self, event: events.Resize) -> None:
        """Entries are laid out for a width. Whoever was at the end is so still."""
        began = self._laid_out
        to_end = self._window.shows_end(self._measure) if began else not self._placed
        if event.size.width != self._width:
            self._width = event.size.width
            self._drawn.clear()
            self._window.measured_anew()
        self._window.height = event.size.height
        if to_end:
            self._to_end()
        self._arrange()
        cursor = self._window.place_of(self._cursor)
        if not began and self._placed and cursor is not None:
            self._bring(cursor)

    # --- drawing ---------------------------------------------------------------------------------

    def notify_style_update(self) -> None:
        """Another theme, other colours."""
        for drawn in self._drawn.values():
            drawn.strips.clear()
        self.refresh()
        super().notify_style_update()

    @property
    def cursor_screen_offset(self) -> Offset:
        """Where the entry under the cursor begins on the screen; at the edge that is nearest, if it is out of sight."""
        window, place = self._window, self._window.place_of(self._cursor) or 0
        top = window.top_of(place)
        if top is None:
            top = window.height if place > window.last else 0
        region = self.content_region
        return Offset(region.x, region.y + max(0, min(top, region.height - 1)))

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        if y >= len(self._window.rows):
            return self._with_bar(Strip.blank(max(0, self._width - 1), self.visual_style.rich_style), y)
        place, line = self._window.rows[y]
        drawn = self._drawing(place)
        on_it = drawn.entry.id == self._cursor
        key = (line, on_it and self.has_focus, on_it and line == 0)
        if key not in drawn.strips:
            drawn.strips[key] = self._strip(drawn.lines[line], *key[1:]).apply_meta({"entry": drawn.entry.id})
        return self._with_bar(drawn.strips[key], y)

    def _strip(self, content: Content, lit: bool, signed: bool) -> Strip:
        width = self._width - 1
        if width <= 0:
            return Strip.blank(0)
        content = render.join(render.ours(f"{sign().cursor} " if signed else " " * GUTTER, render.ACCENT), content)
        style = self.visual_style
        if lit:
            style = self.get_visual_style("stream--cursor")
            if self.app.native_ansi_color or self.app.no_color:
                content = render.reversed_row(content, width)
        strips = Visual.to_strips(self, render.cut(content, width), width, 1, style)
        return strips[0].extend_cell_length(width, style.rich_style).crop(0, width)

    def _with_bar(self, strip: Strip, y: int) -> Strip:
        first, seen, of = self._share()
        size = self._window.height
        if seen >= of:
            return strip.extend_cell_length(self._width, self.visual_style.rich_style)
        length = max(1, round(size * seen / of))
        top = round((size - length) * first / (of - seen))
        if top <= y < top + length:
            style = Style(color=self.styles.scrollbar_color.rich_color, reverse=True)
        else:
            style = Style(bgcolor=self.styles.scrollbar_background.rich_color)
        return Strip([*strip, Segment(" ", style)], self._width)

    def _share(self) -> tuple[float, float, int]:
        """How many entries are above what is in sight, in sight, and in all; those that are not here yet among them."""
        window, of = self._window, self._before + len(self._entries)
        if not window.rows:
            return 0, of, of
        (first, line), (last, end) = window.rows[0], window.rows[-1]
        above = first + line / self._measure(first)
        below = last + (end + 1) / self._measure(last)
        return self._before + above, below - above, of
