"""How the tab of bookings draws what can be booked: exhibitions, time slots, tickets, and what a choice comes to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from textual.content import Content

from roadcrew_domain.cart import MAX_SEATS
from roadcrew_domain.exhibitions import Exhibition
from roadcrew_tui import money, render, when
from roadcrew_tui.booking import Flow
from roadcrew_tui.screens.book_model import SlotRow, TicketRow, Total, day_words, slot_words
from roadcrew_tui.symbols import sign
from roadcrew_tui.widgets.rows import GUTTER

if TYPE_CHECKING:
    from roadcrew_client import OfferedSlot

Draw = Callable[[int], Content]

BAR, WIDE_BAR = 8, 11
MOST_ABOUT = 6
"""Lines of what is shown there."""


def exhibition(e: Exhibition, today: date, *, wide: bool, given: Content = render.BLANK) -> Draw:
    """Its title, and what was `given` to it; and in a wide terminal where and when."""

    def draw(width: int) -> Content:
        title = render.ends(render.said(e.title), given, width) if given else render.cut(render.said(e.title), width)
        if not wide:
            return title
        place = render.join(render.said(e.venue, render.MUTED), ", ", render.said(e.city, render.MUTED))
        starts = e.starts_on if e.starts_on > today else None
        dates = render.ours(when.span(starts, e.ends_on, today), render.MUTED)
        return render.stack([title, render.cut(render.join("  ", place), width), render.join("  ", dates)])

    return draw


def about(e: Exhibition, *, wide: bool) -> Draw:
    """What is shown there; in a narrow terminal, where."""

    def draw(width: int) -> Content:
        if wide:
            return render.stack(render.wrapped(render.said(e.description, render.MUTED), width, MOST_ABOUT))
        place = render.join(render.said(e.venue, render.MUTED), ", ", render.said(e.city, render.MUTED))
        return render.stack(render.wrapped(place, width, 2))

    return draw


def catalogue_note(note: str) -> Draw:
    """What the catalogue says of itself."""
    return lambda width: (
        render.stack(render.wrapped(render.said(note, render.WARN), width, 2)) if note else render.BLANK
    )


def tickets_heading(e: Exhibition, chosen: OfferedSlot | None, now: datetime) -> Draw:
    """`TICKETS  Tiles and the sea, Thu 21 May 09:30`."""
    time = "" if chosen is None else f", {slot_words(chosen.info(e), now)}"

    def draw(width: int) -> Content:
        note = render.join(render.said(e.title, render.MUTED), render.ours(time, render.MUTED))
        heading = render.heading("Tickets")
        room = width - heading.cell_length - 2
        if note.cell_length > room:
            note = render.ours(time.removeprefix(", "), render.MUTED)
        return render.cut(render.heading("Tickets", note), width)

    return draw


def slots_heading(day: date | None, e: Exhibition, now: datetime, *, elsewhere: bool) -> Draw:
    """`THU 21 MAY, Vila Azul's time`; whose time it is only where that is another one than the reader's."""

    def draw(width: int) -> Content:
        words = "Times" if day is None else day_words(day, when.at_venue(now, e.time_zone).date())
        whose = render.template("{city}'s time", render.MUTED, city=e.city) if elsewhere else render.BLANK
        return render.cut(render.heading(words, whose), width)

    return draw


def slot(row: SlotRow, *, wide: bool) -> Draw:
    """When, and what is left of it: as a bar and in words."""

    def draw(width: int) -> Content:
        tone = {"open": "", "few": render.WARN, "none": render.MUTED, "ended": render.MUTED}[row.state]
        cells = min(WIDE_BAR if wide else BAR, max(0, width - 11 - when.time_width()))
        share = max(row.left / row.capacity, 1 / max(1, cells)) if row.left and row.capacity else 0.0
        bar = render.bar(share, cells)
        ink = "" if row.state in ("open", "few") else render.MUTED
        time = render.pad(render.ours(row.time, ink), when.time_width(), right=True)
        return render.cut(render.join(time, "  ", bar, render.pad(render.ours(row.words, tone), 10, right=True)), width)

    return draw


# --- tickets -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Widths:
    """What the columns of tickets want, measured over all rows."""

    name: int
    price: int
    amount: int

    @classmethod
    def of(cls, rows: list[TicketRow], total: Total) -> Widths:
        """Room for every sum."""
        sums = [len(money.written(row.amount)) for row in rows]
        sums += [len(money.written(total.money(-total.discount))), len(money.written(total.money(total.amount)))]
        names = [render.said(row.name).cell_length for row in rows]
        return cls(max(names, default=0), max((len(money.written(r.price)) for r in rows), default=0), max(sums))

    def names(self, width: int) -> int:
        """Cells for the name of a kind."""
        return max(6, min(self.name, width - self.price - self.amount - COUNTER - 3))


SCROLLBAR = 1
"""A cell that the tickets above keep free for one."""
COUNTER = 8
"""Cells of `  − 2 +`."""


def ticket(row: TicketRow, widths: Widths) -> Draw:
    """A kind, its price, how many, and what they cost."""
    s = sign()

    def draw(width: int) -> Content:
        price = render.pad(render.ours(money.written(row.price), render.MUTED), widths.price, right=True)
        less = render.pressable(render.ours(s.less, render.ACCENT), step=-1)
        more = render.pressable(render.ours("+", render.ACCENT), step=1)
        count = render.ours(f"{row.count:>2}", "bold" if row.count else render.MUTED)
        amount = money.written(row.amount) if row.count else ""
        first, *rest = render.wrapped(render.said(row.name), widths.names(width), 2)
        name = render.pad(first, widths.names(width))
        line = render.join(name, " ", price, "  ", less, " ", count, " ", more, " ")
        line = render.join(line, render.pad(render.ours(amount), widths.amount, right=True))
        return render.stack([render.cut(line, width), *rest])

    return draw


def coming_to(total: Total, widths: Widths, left: int | None) -> Draw:
    """The sum, with the discount of the trip."""

    def draw(whole: int) -> Content:
        rows: list[Content] = []
        width = whole - GUTTER - SCROLLBAR
        if total.discount:
            rows.append(_sum(f"Group discount {total.percent} %", total, -total.discount, widths, width, render.GOOD))
        if total.seats:
            words = f"Together, {total.seats} seat{'s' * (total.seats > 1)}"
            rows.append(_sum(words, total, total.amount - total.discount, widths, width, "bold"))
        rows += render.wrapped(render.ours(_hint(total, left), render.MUTED), width, 2)
        return render.stack(render.join(" " * GUTTER, row) for row in rows)

    return draw


def _sum(words: str, total: Total, amount: int, widths: Widths, width: int, style: str) -> Content:
    label = widths.names(width) + 1 + widths.price + COUNTER + 1
    written = render.ours(money.written(total.money(amount)), style)
    return render.cut(
        render.join(render.pad(render.ours(words, style), label), render.pad(written, widths.amount, right=True)), width
    )


def _hint(total: Total, left: int | None) -> str:
    if left == 0:
        return "Nothing is left of this time. Choose another one."
    if not total.seats:
        return "+ and - choose how many."
    if total.seats == left:
        return "That is all that is left of this time."
    if total.seats == MAX_SEATS:
        return f"One booking has {MAX_SEATS} seats at most."
    if total.missing:
        return f"{total.missing} more in the crew, and it is {total.promised} % off."
    return ""


def flow(state: Flow) -> Draw:
    """How it stands with a booking, in place of the sum."""
    s = sign()
    marks = {"going": (s.half, render.ACCENT), "added": (s.yes, render.GOOD)}
    mark, tone = marks.get(state.state, (s.open if state.waits else s.no, render.WARN))

    def draw(width: int) -> Content:
        first, *rest = render.wrapped(render.said(state.words, tone), max(8, width - 2), 3)
        title = render.join("  ", render.cut(render.said(state.title, render.MUTED), width - 2))
        return render.stack(
            [render.join(render.ours(f"{mark} ", tone), first), *(render.join("  ", r) for r in rest), title]
        )

    return draw
