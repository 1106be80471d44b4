"""How the tab of bookings draws the cart, my orders, and what the crew has booked."""

from __future__ import annotations

from collections.abc import Callable

from textual.content import Content

from roadcrew_domain.money import Money
from roadcrew_tui import money, render
from roadcrew_tui.screens.book_cart_model import CartRow, CrewBooking, OrderRow
from roadcrew_tui.symbols import sign

Draw = Callable[[int], Content]
TONES = {"held": render.MUTED, "last": render.WARN, "over": render.BAD, "adding": render.MUTED}
GRAVE = {"good": render.GOOD, "warn": render.WARN, "muted": render.MUTED}


def line(row: CartRow, *, wide: bool) -> Draw:
    """What, when, how many, what it costs, and for how long it is held: in two lines, or in four."""

    def draw(width: int) -> Content:
        ends = render.ours(row.ends, TONES[row.state])
        if row.state == "last" and row.longer and wide:
            ends = render.join(ends, render.ours(", x extends", render.MUTED))
        cost = render.BLANK if row.state == "over" else render.ours(money.written(row.total))
        off = render.ours(f"{row.percent} % off", render.GOOD) if row.percent and row.state != "last" else render.BLANK
        if not wide:
            title = render.ends(render.said(row.title), render.ours(f"{seats(row)}"), width)
            return render.stack([title, render.cut(_when(row), width), render.ends(ends, cost, width)])
        return render.stack(
            [
                render.cut(render.said(row.title), width),
                render.ends(_when(row), cost, width),
                render.cut(render.join(*_tickets(row)), width),
                render.ends(ends, off, width),
            ]
        )

    return draw


def seats(row: CartRow) -> int:
    """How many."""
    return sum(count for count, _ in row.tickets)


def _when(row: CartRow) -> Content:
    return render.ours(row.time, render.MUTED)


def _tickets(row: CartRow) -> list[Content | str]:
    parts: list[Content | str] = []
    for count, name in row.tickets:
        parts += [", " if parts else "", f"{count} ", render.said(name, width=render.MOST_NAME)]
    return parts


def total(rows: list[CartRow], cost: Money | None) -> Draw:
    """What all of it comes to."""

    def draw(width: int) -> Content:
        if cost is None:
            return render.BLANK
        told = [render.ends(render.ours("Together", "bold"), render.ours(money.written(cost), "bold"), width)]
        off = sum(row.discount.amount for row in rows if row.state != "over")
        if off:
            less = render.ours(money.written(Money(-off, cost.currency)), render.GOOD)
            told.append(render.ends(render.ours("discount", render.MUTED), less, width))
        return render.stack(told)

    return draw


def order(row: OrderRow, *, wide: bool) -> Draw:
    """Which, how it stands with it, and when it is."""
    s = sign()
    mark = {"good": s.yes, "warn": s.open, "muted": s.nothing}[row.grave]

    def draw(width: int) -> Content:
        title, time, count = row.lines[0]
        more = f" +{len(row.lines) - 1}" if len(row.lines) > 1 else ""
        head = render.join(render.ours(f"{mark} ", GRAVE[row.grave]), render.said(title))
        told = [render.ends(head, render.ours(f"{count}{more}"), width)]
        words, starts = render.ours(row.words, GRAVE[row.grave]), render.ours(f"  {time}", render.MUTED)
        if not wide and starts.cell_length + 2 + words.cell_length <= width:
            return render.stack([*told, render.ends(starts, words, width)])
        told += [render.join("  ", w) for w in render.wrapped(words, width - 2, 2)]
        cost = render.ours(money.written(row.total), render.MUTED) if wide else render.BLANK
        told.append(render.ends(starts, cost, width))
        return render.stack(told)

    return draw


def crew(row: CrewBooking) -> Draw:
    """Who goes where, when."""

    def draw(width: int) -> Content:
        who = render.said(row.who, width=render.MOST_NAME)
        told = [
            render.ends(
                render.join(who, "  ", render.said(row.title, render.MUTED)), render.ours(f"{row.seats}"), width
            ),
            render.cut(render.ours(f"  {row.time}", render.MUTED), width),
        ]
        return render.stack(told)

    return draw
