"""A list of rows with a cursor. Rows are known by id: what others do moves neither cursor nor scroll, and the
order stays as it is while the list has the focus, until somebody goes up from its first row. What a row looks like is
for whoever shows it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Offset, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

from roadcrew_tui import render
from roadcrew_tui.symbols import sign

GUTTER = 2
"""Cells at the left, for the cursor's sign."""


Draw = Callable[[int], Content]


@dataclass(frozen=True)
class Row:
    """`draw` gets the width in cells. A row without an id can't be chosen."""

    id: str | None
    draw: Draw


def note(content: Content) -> Row:
    """Lines that only say something."""
    return Row(None, lambda width: render.stack(content.wrap(max(1, width))))


class RowList(ScrollView, can_focus=True):
    """Rows under a heading that does not scroll away."""

    DEFAULT_CSS = """
    RowList { height: auto; background: transparent; overflow-x: hidden; scrollbar-size-vertical: 1; }
    RowList > .rows--cursor { background: $row-cursor; text-style: bold; }
    RowList > .rows--blurred { background: transparent; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"rows--cursor", "rows--blurred"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Up", show=False),
        Binding("down", "move(1)", "Down", show=False),
        Binding("pageup", "move(-8)", "Page up", show=False),
        Binding("pagedown", "move(8)", "Page down", show=False),
        Binding("home", "move(-9999)", "First", show=False),
        Binding("end", "move(9999)", "Last", show=False),
        Binding("enter", "choose", "Open", show=False),
    ]

    class Moved(Message):
        """The cursor stands on another row, because the person moved it."""

        def __init__(self, rows: "RowList", row: str) -> None:
            super().__init__()
            self.rows, self.row = rows, row

        @property
        def control(self) -> "RowList":
            return self.rows

    class Chosen(Moved):
        """A row was opened, by enter or by a click."""

    def __init__(self, *, id: str, keeps_sign: bool = False) -> None:  # noqa: A002
        super().__init__(id=id)
        self._heading: Content | Draw | None = None
        self._rows: tuple[Row, ...] = ()
        self._latest: tuple[Row, ...] = ()
        self._cursor: str | None = None
        self.strayed = False
        """Whether the row under the cursor went, and nobody has chosen the one that took its place."""
        self._keeps_sign = keeps_sign
        self._lines: Sequence[tuple[int, Content]] = ()
        self._drawn: dict[int, Sequence[tuple[int, Content]]] = {}
        self._laid_out_for = -1

    @property
    def cursor(self) -> str | None:
        """The id of the row under the cursor."""
        return self._cursor

    @property
    def ids(self) -> list[str]:
        """The ids of the rows that can be chosen, in the order in which they are shown."""
        return [row.id for row in self._rows if row.id is not None]

    def show(self, rows: Sequence[Row], *, heading: Content | Draw | None = None) -> None:
        """Show these rows, under a heading that may have columns for the width too. The cursor stays on its row; if
        that is gone, on the one that took its place."""
        before = self.ids
        self._latest = tuple(rows)
        self._heading = heading
        self._rows = self._in_frozen_order(before) if self.has_focus else self._latest
        now = self.ids
        if self._cursor not in now:
            place = before.index(self._cursor) if self._cursor in before else 0
            self.strayed = self.has_focus and self._cursor is not None and bool(now)
            self._cursor = now[min(place, len(now) - 1)] if now else None
        self._lay_out_anew()
        self.refresh(layout=True)

    def _in_frozen_order(self, before: list[str]) -> tuple[Row, ...]:
        by_id = {row.id: row for row in self._latest if row.id is not None}
        known = [by_id[i] for i in before if i in by_id]
        fresh = [row for row in self._latest if row.id is not None and row.id not in before]
        return (*known, *fresh, *(row for row in self._latest if row.id is None))

    def move_to(self, row: str) -> None:
        """Put the cursor on a row without telling anybody."""
        if row in self.ids:
            self._cursor, self.strayed = row, False
            self._keep_cursor_in_sight()
            self.refresh()

    def settle(self) -> None:
        """Put the rows in the order that they should have, after something that this person did."""
        self._rows = self._latest
        self._lay_out_anew()
        self._keep_cursor_in_sight()
        self.refresh()

    # --- layout and drawing ----------------------------------------------------------------------

    @property
    def _top(self) -> int:
        return 0 if self._heading is None else 1

    def _lay_out_anew(self) -> None:
        self._drawn.clear()
        self._lines = ()  # where there is no room, those of the rows before would stay
        self._laid_out_for = -1
        self._lay_out()

    def _lay_out(self) -> None:
        width = self.scrollable_content_region.width
        if width <= 0 or width == self._laid_out_for:
            return
        self._laid_out_for = width
        self._lines = self._lines_at(width)
        self.virtual_size = Size(width, len(self._lines) + self._top)

    def _lines_at(self, width: int) -> Sequence[tuple[int, Content]]:
        """All rows at a width, each line with the number of its row. Textual asks for two widths in turn, with the
        scrollbar and without it."""
        if width not in self._drawn:
            self._drawn[width] = [
                (index, line)
                for index, row in enumerate(self._rows)
                for line in row.draw(width - GUTTER).split("\n", allow_blank=True)
            ]
        return self._drawn[width]

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as there are."""
        return len(self._lines_at(width)) + self._top

    def on_resize(self) -> None:
        """Rows are drawn for a width."""
        self._lay_out()
        self._keep_cursor_in_sight()

    def notify_style_update(self) -> None:
        """Another theme, other colours."""
        self.refresh()
        super().notify_style_update()

    @property
    def cursor_screen_offset(self) -> Offset:
        """Where the row under the cursor begins on the screen; at the edge that is nearest, if it is out of sight."""
        region = self.content_region
        lines = (at for at, (index, _) in enumerate(self._lines) if self._rows[index].id == self._cursor)
        y = self._top + next(lines, 0) - self.scroll_offset.y
        return Offset(region.x, region.y + max(min(self._top, region.height - 1), min(y, region.height - 1)))

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        self._lay_out()
        width = self.scrollable_content_region.width
        plain = self.visual_style
        if y < self._top and self._heading is not None:
            heading = self._heading if isinstance(self._heading, Content) else self._heading(width - GUTTER)
            return self._strip(render.join("  ", heading), width, None)
        at = y - self._top + self.scroll_offset.y
        if not 0 <= at < len(self._lines):
            return Strip.blank(width, plain.rich_style)
        index, line = self._lines[at]
        row = self._rows[index]
        first = at == 0 or self._lines[at - 1][0] != index
        on_it = row.id is not None and row.id == self._cursor
        shown = on_it and (self.has_focus or self._keeps_sign) and first
        gutter = render.ours(f"{sign().cursor} " if shown else "  ", render.ACCENT)
        return self._strip(render.join(gutter, line), width, index, highlighted=on_it and self.has_focus)

    def _strip(self, content: Content, width: int, index: int | None, *, highlighted: bool = False) -> Strip:
        style = self.visual_style
        if highlighted:
            style = self.get_visual_style("rows--cursor")
            if self.app.native_ansi_color or self.app.no_color:
                content = render.reversed_row(content, width)
        if width <= 0:
            return Strip.blank(0)
        strips = Visual.to_strips(self, render.cut(content, width), width, 1, style)
        strip = strips[0].extend_cell_length(width, style.rich_style).crop(0, width)
        return strip if index is None else strip.apply_meta({"row": index})

    def in_sight(self) -> list[tuple[int, str]]:
        """The rows that can be chosen and begin in sight: how far below the upper edge, and their ids."""
        found: dict[str, int] = {}
        for at, (index, _) in enumerate(self._lines):
            row = self._rows[index].id
            if row is not None:
                found.setdefault(row, self._top + at - self.scroll_offset.y)
        return [(y, row) for row, y in found.items() if self._top <= y < self.content_region.height]

    # --- keys and mouse --------------------------------------------------------------------------

    def action_move(self, step: int) -> None:
        """Move the cursor by rows."""
        ids = self.ids
        if not ids:
            return
        self.strayed = False
        place = ids.index(self._cursor) if self._cursor in ids else 0
        if step < 0 and place == 0:
            self.settle()  # above the first one can only be what has come since, and waits below
            ids = self.ids
            place = ids.index(self._cursor) if self._cursor in ids else 0
        to = ids[max(0, min(len(ids) - 1, place + step))]
        if to != self._cursor:
            self._cursor = to
            self._keep_cursor_in_sight()
            self.refresh()
            self.post_message(self.Moved(self, to))

    def action_choose(self) -> None:
        """Open the row under the cursor."""
        if self._cursor is not None:
            self.post_message(self.Chosen(self, self._cursor))

    def _keep_cursor_in_sight(self) -> None:
        lines = [at for at, (index, _) in enumerate(self._lines) if self._rows[index].id == self._cursor]
        room = self.scrollable_content_region.height - self._top
        if not lines or room <= 0:
            return
        top = self.scroll_offset.y
        if lines[0] < top:
            self.scroll_to(y=lines[0], animate=False, immediate=True)
        elif lines[-1] >= top + room:
            # Of one that is taller than the room, its beginning.
            self.scroll_to(y=min(lines[0], lines[-1] - room + 1), animate=False, immediate=True)

    def on_click(self, event: events.Click) -> None:
        """The first click on a row moves the cursor there; one on the cursor's row opens it."""
        index = event.style.meta.get("row")
        row = self._rows[index].id if isinstance(index, int) and index < len(self._rows) else None
        if row is None:
            return
        event.stop()
        if row == self._cursor:
            self.strayed = False
            self.post_message(self.Chosen(self, row))
        else:
            self.go_to(row)

    def go_to(self, row: str) -> None:
        """Put the cursor on a row as the person does: whoever shows this is told."""
        self.strayed = False
        if row != self._cursor and row in self.ids:
            self._cursor = row
            self.refresh()
            self.post_message(self.Moved(self, row))

    def on_focus(self) -> None:
        """The cursor is drawn differently, and is seen where it stands."""
        self.strayed = False
        self.refresh()

    def on_blur(self) -> None:
        """Nobody stands on a row any more: the order may be what it should be."""
        self.settle()
