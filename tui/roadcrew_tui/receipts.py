"""An order on paper, and in a calendar. Pure: what is said follows from the order and from how it is paid.

What a server has sent is somebody's text, and is cleaned here. Not for where a receipt is shown or kept.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import chain
from typing import TYPE_CHECKING

from roadcrew_domain.booking_ids import charge_of, reference_of
from roadcrew_domain.cart import Order, OrderLine
from roadcrew_domain.exhibitions import SlotInfo
from roadcrew_domain.money import Money
from roadcrew_domain.text import cleaned
from roadcrew_tui import money
from roadcrew_tui.when import DAYS, at_venue, shown_time, whole_day

if TYPE_CHECKING:
    from icalendar import Event

OVER = {
    "lapsed": "It was not paid in time. Its seats are free again.",
    "cancelled": "It was cancelled.",
    "rejected": "It was not placed: seats of it were gone.",
}
"""What is said of orders that came to nothing."""
STATES = {
    "placing": "being placed",
    "awaiting": "to be paid",
    "paying": "payment under way",
    "paid": "paid",
    "lapsed": "not paid in time",
    "cancelled": "cancelled",
    "rejected": "not placed",
}
WIDTH = 60
"""Columns of the text."""
LONGEST = 400
"""Characters of a server's text that are looked at."""


# --- words ---------------------------------------------------------------------------------------


def safe(text: str) -> str:
    """A server's text on one line, with nothing in it that a terminal or a calendar obeys."""
    return cleaned(text[:LONGEST]) or "(nameless)"


def number(order: Order) -> str:
    """What people call an order."""
    return safe(order.number)


def date_words(moment: datetime) -> str:
    """`Tue 5 Jan 2027, 10:00`, by the moment's own clock."""
    return f"{day_words(moment)}, {shown_time(moment)}"


def day_words(day: date) -> str:
    """`Tue 5 Jan 2027`."""
    return f"{DAYS[day.weekday()]} {whole_day(day)}"


def _there(moment: datetime, order: Order) -> str:
    """By the clock of the first venue: `Tue 5 Jan 2027, 10:00 (Europe/Lisbon)`."""
    local = at_venue(moment, order.lines[0].slot.time_zone)
    return f"{date_words(local)} ({local.tzinfo})"


def slot_words(slot: SlotInfo) -> str:
    """When a slot is, by the clock of its venue: `Tue 5 Jan 2027, 10:00 to 11:30 (Europe/Lisbon)`."""
    starts, ends = at_venue(slot.starts_at, slot.time_zone), at_venue(slot.ends_at, slot.time_zone)
    until = shown_time(ends) if ends.date() == starts.date() else date_words(ends)
    return f"{date_words(starts)} to {until} ({starts.tzinfo})"


def place_words(slot: SlotInfo) -> str:
    """Where it is: venue and city."""
    return f"{safe(slot.venue)}, {safe(slot.city)}"


def payment_words(order: Order, way: str = "") -> str:
    """How the order was paid, or what is to be paid, where and until when. `way` is what the provider is called."""
    way = safe(way or order.provider)
    owed = money.written(Money(order.total, order.currency))
    until = _there(order.pay_by, order)
    match order.state:
        case "placing":
            return "It is being placed."
        case "awaiting" if order.pays_later:
            return f"{owed} to be paid at the venue, until {until}."
        case "awaiting":
            return f"{owed} to be paid until {until}: {way}."
        case "paying":
            return f"A payment is under way: {way}."
        case "paid" if order.total == 0:
            return "Nothing is to be paid."
        case "paid":
            return f"Paid: {way}, number {safe(order.payment)}." if order.payment else f"Paid: {way}."
        case _:
            return OVER[order.state]


# --- a text --------------------------------------------------------------------------------------


def as_text(user: str, order: Order, way: str = "") -> str:
    """The user's order on paper, line by line. `way` is what its provider is called."""
    head = [f"Order {number(order)}: {STATES[order.state]}"]
    rows = chain(
        head,
        [f"Placed {_there(order.placed_at, order)}"],
        *(_line_rows(line, order.currency) for line in order.lines),
        ["", _sum("Total", order.total, order.currency), payment_words(order, way)],
        _box_office_rows(user, order),
        _refund_rows(order),
    )
    return "\n".join(rows)


def _line_rows(line: OrderLine, currency: str) -> list[str]:
    rows = ["", safe(line.slot.title), f"  {place_words(line.slot)}", f"  {slot_words(line.slot)}"]
    for ticket in line.tickets:
        each = money.written(ticket.price)
        rows.append(
            _sum(f"  {ticket.count} {safe(ticket.name)}, {each} each", ticket.count * ticket.price.amount, currency)
        )
    if line.discount:
        rows.append(_sum(f"  Group discount, {line.discount_percent} %", -line.discount, currency))
    return rows


def _sum(words: str, amount: int, currency: str) -> str:
    written = money.written(Money(amount, currency))
    return f"{words:<{WIDTH - len(written) - 1}} {written}"


def _box_office_rows(user: str, order: Order) -> list[str]:
    """By what the box office says that it is paid (docs/operating.md). Nobody but the user can work that out."""
    if order.state != "awaiting" or not order.pays_later:
        return []
    # A line each: both are copied, and in one row with their names they are wider than a terminal.
    told = charge_of(user, order.id), safe(reference_of(user, order.id))
    return ["For the box office, charge and reference:", *(f"  {word}" for word in told)]


def _refund_rows(order: Order) -> list[str]:
    amount = money.written(Money(order.total, order.currency))
    if order.pays_later:
        return [f"It was {amount}. The venue pays it back." for _ in order.refunds]
    return [
        f"{amount} was paid back: {safe(refund.reference)}."
        if refund.state == "done"
        else f"{amount} will be paid back."
        for refund in order.refunds
    ]


# --- a calendar ----------------------------------------------------------------------------------


def as_calendar(order: Order, way: str = "") -> bytes:
    """The order as an `.ics` file: an entry for each line, in UTC. An entry keeps its id whatever becomes of the
    order, so that a later file changes what an earlier one has put into a calendar."""
    from icalendar import Calendar  # noqa: PLC0415 - only when somebody wants one

    calendar = Calendar()
    calendar.add("prodid", "-//Roadcrew//Receipts//EN")
    calendar.add("version", "2.0")
    for line in order.lines:
        calendar.add_component(_entry(order, line, way))
    written: bytes = calendar.to_ical()
    return written


def _entry(order: Order, line: OrderLine, way: str) -> Event:
    from icalendar import Event  # noqa: PLC0415 - as above

    status, sequence = _status(order)
    tickets = ", ".join(f"{ticket.count} {safe(ticket.name)}" for ticket in line.tickets)
    entry = Event()
    entry.add("uid", f"{safe(line.id)}@roadcrew")
    entry.add("dtstamp", order.changed_at.astimezone(UTC))
    entry.add("sequence", sequence)
    entry.add("status", status)
    entry.add("dtstart", line.slot.starts_at.astimezone(UTC))
    entry.add("dtend", line.slot.ends_at.astimezone(UTC))
    entry.add("summary", safe(line.slot.title))
    entry.add("location", place_words(line.slot))
    entry.add("description", f"{tickets}\nOrder {number(order)}. {payment_words(order, way)}")
    return entry


def _status(order: Order) -> tuple[str, int]:
    """What a calendar calls the order's state, and which of its entries is the newer one."""
    if not order.has_seats:
        return "CANCELLED", 2
    stands = order.state == "paid" or (order.state == "awaiting" and order.pays_later)
    return ("CONFIRMED", 1) if stands else ("TENTATIVE", 0)
