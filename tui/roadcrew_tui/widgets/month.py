"""A month to pick a day from. The cursor is a date; what a day looks like is for whoever shows it."""

from __future__ import annotations

import calendar
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Offset
from textual.message import Message
from textual.widget import Widget

from roadcrew_tui import render
from roadcrew_tui.symbols import sign
from roadcrew_tui.when import DAYS

CELL, GUTTER = 3, 1
WIDTH = 7 * CELL + 1
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
          "November", "December")  # fmt: skip


@dataclass(frozen=True)
class Day:
    """`open`: something can be had then. `full`: nothing is left. `marked`: a day of a trip, say."""

    open: bool = True
    full: bool = False
    marked: bool = False


class Month(Widget, can_focus=True):
    """One month, between a first day and a last one."""

    DEFAULT_CSS = """
    Month { width: 22; height: auto; background: transparent; }
    Month > .month--cursor { background: $row-cursor; text-style: bold; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"month--cursor"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "move(-1)", "Day before", show=False),
        Binding("right", "move(1)", "Day after", show=False),
        Binding("up", "move(-7)", "Week before", show=False),
        Binding("down", "move(7)", "Week after", show=False),
        Binding("pageup", "turn(-1)", "Month before", show=False),
        Binding("pagedown", "turn(1)", "Month after", show=False),
        Binding("home", "jump(0)", "First day", show=False),
        Binding("end", "jump(1)", "Last day", show=False),
        Binding("enter", "choose", "Choose", show=False),
    ]

    class Moved(Message):
        """The cursor stands on another day, because the person moved it."""

        def __init__(self, month: Month, day: date) -> None:
            super().__init__()
            self.month, self.day = month, day

        @property
        def control(self) -> Month:
            return self.month

    class Chosen(Moved):
        """A day was chosen, by enter or by a click on the cursor's."""

    def __init__(self, *, id: str, first_weekday: int = 0) -> None:  # noqa: A002
        """`first_weekday`: 0 is Monday."""
        super().__init__(id=id)
        self._weeks = calendar.Calendar(first_weekday)
        self._span: tuple[date, date] | None = None
        self._cursor: date | None = None
        self._day: Callable[[date], Day] = lambda _: Day()

    @property
    def cursor(self) -> date | None:
        """The day under the cursor; None where there is no day to pick."""
        return self._cursor

    @property
    def shown(self) -> list[date]:
        """The days of the month that is seen."""
        at = self._cursor
        return [] if at is None else [date(at.year, at.month, n + 1) for n in range(_length(at))]

    def show(self, span: tuple[date, date] | None, day: Callable[[date], Day]) -> None:
        """Show days from the first to the last of `span`. The cursor stays, if its day is among them."""
        self._span, self._day = span, day
        if span is None:
            self._cursor = None
        else:
            self._cursor = max(span[0], min(self._cursor or span[0], span[1]))
        self.refresh(layout=True)

    def move_to(self, day: date | None) -> None:
        """Put the cursor on a day without telling anybody."""
        if day is not None and self._span is not None:
            self._cursor = max(self._span[0], min(day, self._span[1]))
            self.refresh(layout=True)

    # --- drawing ---------------------------------------------------------------------------------

    def _rows(self) -> list[list[date | None]]:
        at = self._cursor
        if at is None:
            return []
        weeks = self._weeks.monthdayscalendar(at.year, at.month)
        return [[date(at.year, at.month, n) if n else None for n in week] for week in weeks]

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        """The weeks, under the month's name and the days'."""
        return 2 + max(1, len(self._rows()))

    def render(self) -> Content:
        """The month."""
        at = self._cursor
        if at is None:
            return render.ours(" No days.", render.MUTED)
        names = "".join(f" {DAYS[n % 7][:2]}" for n in self._weeks.iterweekdays())
        lines = [
            render.join(" ", render.heading(f"{MONTHS[at.month - 1]} {at.year}")),
            render.ours(names, render.MUTED),
            *(self._week(week) for week in self._rows()),
        ]
        return render.stack(lines)

    def _week(self, week: list[date | None]) -> Content:
        parts: list[Content | str] = []
        before: Content | str = " "
        for day in week:
            lead, cell, before = self._cell(day, before)
            parts += [lead, cell]
        return render.join(*parts, before)

    def _cell(self, day: date | None, before: Content | str) -> tuple[Content | str, Content, Content | str]:
        """What stands before the day, the day, and what stands after it; that is before the next one too."""
        if day is None or self._span is None or not self._span[0] <= day <= self._span[1]:
            return before, render.ours("  "), " "
        d = self._day(day)
        words = f"{day.day:>2}" if d.open else f" {sign().nothing}"
        style = render.MUTED if not d.open else render.WARN if d.full else ""
        if d.marked and d.open:
            style += " underline" if sign().yes != "v" else " bold"
        if d.full:
            style += " strike"
        after: Content | str = render.ours("x", render.WARN) if d.full else " "
        if day == self._cursor:
            if self.has_focus and not (self.app.native_ansi_color or self.app.no_color):
                style += " bold on $row-cursor"
            elif self.has_focus:
                style += " reverse"
            else:
                style += " bold"
            lead = render.ours("[", render.ACCENT) if before == " " else before
            return lead, render.ours(words, style.strip()), render.ours("]", render.ACCENT)
        return before, render.ours(words, style.strip()), after

    @property
    def cursor_screen_offset(self) -> Offset:
        """Where the day under the cursor stands on the screen."""
        region = self.content_region
        for y, week in enumerate(self._rows()):
            if self._cursor in week:
                return Offset(region.x + week.index(self._cursor) * CELL + GUTTER, region.y + 2 + y)
        return region.offset

    # --- keys and mouse --------------------------------------------------------------------------

    def action_move(self, days: int) -> None:
        """Go by days."""
        if self._cursor is not None:
            self._go(self._cursor, timedelta(days=days))

    def action_turn(self, months: int) -> None:
        """Go by months, to the same day or the last one there is."""
        at = self._cursor
        if at is None:
            return
        index = at.year * 12 + at.month - 1 + months
        year, month = divmod(index, 12)
        if date.min.year <= year <= date.max.year:
            there = date(year, month + 1, 1)
            self._land(there.replace(day=min(at.day, _length(there))))

    def action_jump(self, end: int) -> None:
        """To the first or the last day of the month."""
        if self._cursor is not None:
            self._land(self.shown[-end])

    def action_choose(self) -> None:
        """Take the day under the cursor."""
        if self._cursor is not None:
            self.post_message(self.Chosen(self, self._cursor))

    def _go(self, start: date, step: timedelta) -> None:
        try:
            self._land(start + step)
        except OverflowError:
            return

    def _land(self, day: date) -> None:
        if self._span is None:
            return
        to = max(self._span[0], min(day, self._span[1]))
        if to != self._cursor:
            self._cursor = to
            self.refresh(layout=True)
            self.post_message(self.Moved(self, to))

    def on_click(self, event: events.Click) -> None:
        """The first click on a day moves the cursor there; one on the cursor's day chooses it."""
        week, place = event.y - 2, (event.x - GUTTER) // CELL
        rows = self._rows()
        day = rows[week][place] if 0 <= week < len(rows) and 0 <= place < 7 else None
        if day is None:
            return
        event.stop()
        if day == self._cursor:
            self.action_choose()
        else:
            self._land(day)

    def on_focus(self) -> None:
        """The cursor is drawn differently."""
        self.refresh()

    def on_blur(self) -> None:
        """Likewise."""
        self.refresh()


def _length(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]
