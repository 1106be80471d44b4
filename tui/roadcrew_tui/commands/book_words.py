"""What the sub-commands about booking print for people: the same results as `--json`, line by line.

What a server has sent is cleaned (`receipts.safe`). Not for screens, which draw.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

import msgspec

from roadcrew_domain.bookings import Booking
from roadcrew_domain.cart import Cart, Line, Order, Ticket
from roadcrew_domain.exhibitions import Exhibition, SlotInfo
from roadcrew_domain.money import Money
from roadcrew_domain.prices import Priced, total
from roadcrew_tui import receipts, when
from roadcrew_tui.money import written
from roadcrew_tui.receipts import safe

OPEN_ORDERS = ("placing", "awaiting", "paying")


def told(result: Mapping[str, Any]) -> list[str]:
    """The lines of one result. Raises `ValueError` for what no sub-command gives."""
    match result:
        case {"exhibitions": exhibitions, "note": note}:
            return _exhibitions(msgspec.convert(exhibitions, tuple[Exhibition, ...]), note)
        case {"slots": slots, "date": said, "timeZone": zone}:
            day = receipts.day_words(date.fromisoformat(said))
            return [day, *(_slot(slot, zone) for slot in slots)] if slots else [f"It is closed on {day}."]
        case {"bookings": bookings, "members": members}:
            names = {member["id"]: safe(member["name"]) for member in members}
            return [_booking(b, names) for b in msgspec.convert(bookings, tuple[Booking, ...])] or ["Nothing yet."]
        case {"cart": cart, "orderId": order_id}:
            mine = msgspec.convert(cart, Cart)
            order = mine.order(order_id)
            return [] if order is None else receipts.as_text(mine.user, order).split("\n")
        case {"cart": cart, "prices": prices}:
            return _cart(msgspec.convert(cart, Cart), msgspec.convert(prices, tuple[Priced, ...]))
        case {"orders": orders}:
            return [order_row(order) for order in reversed(msgspec.convert(orders, tuple[Order, ...]))] or [
                "No orders."
            ]
        case {"text": text, "file": file}:
            return [*text.split("\n"), f"Kept for your calendar in {file}"]
        case {"text": text}:
            return list(text.split("\n"))
        case {"pending": None}:
            return ["No booking waits."]
        case {"pending": pending}:
            return [f"Dropped: {safe(pending['slot']['title'])}"]
        case {"bookingId": _}:
            return ["Noted as paid."]
        case _:
            raise ValueError(f"no words for a result of {', '.join(result)}")


def _exhibitions(exhibitions: Iterable[Exhibition], note: str) -> list[str]:
    rows = [safe(note), ""] if note else []
    for e in exhibitions:
        days = "daily" if len(e.weekdays) == 7 else " ".join(when.DAYS[day] for day in e.weekdays)
        first, last = receipts.day_words(e.starts_on), receipts.day_words(e.ends_on)
        tickets = ", ".join(f"{safe(t.kind)} {written(t.price)}" for t in e.tickets)
        rows += [
            f"{safe(e.title)}  {safe(e.venue)}, {safe(e.city)}  {safe(e.id)}",
            f"  {days} at {safe(' '.join(e.times))}, {first} to {last}: {tickets}",
        ]
    return rows or ["Nothing can be booked."]


def _slot(slot: Mapping[str, Any], zone: str) -> str:
    starts, ends = (when.at_venue(datetime.fromisoformat(slot[name]), zone) for name in ("startsAt", "endsAt"))
    left = {"past": "past", "sold-out": "sold out"}.get(
        slot["state"], f"{slot['seatsLeft']} of {slot['capacity']} left"
    )
    return f"{when.shown_time(starts)} to {when.shown_time(ends)}  {left}  {safe(slot['id'])}"


def _booking(booking: Booking, names: Mapping[str, str]) -> str:
    who = names.get(booking.member_id, "somebody who has left")
    seats = f"{booking.seats} seat{'s' * (booking.seats != 1)}"
    return f"{who}  {slot_row(booking.slot)}, {seats}  {safe(booking.id)}"


def _cart(cart: Cart, prices: Iterable[Priced]) -> list[str]:
    costs = {price.line_id: price for price in prices}
    rows = [row for n, line in enumerate(cart.lines, 1) for row in _line(n, line, costs.get(line.id))]
    if cart.lines:
        rows.append(f"Total {written(Money(total(costs.values()), cart.lines[0].currency))}")
    else:
        rows.append("Your cart is empty.")
    rows += [f"Order {order_row(order)}" for order in cart.orders if order.state in OPEN_ORDERS]
    return rows


def _line(number: int, line: Line, cost: Priced | None) -> list[str]:
    price = written(Money(line.amount if cost is None else cost.total, line.currency))
    if cost is not None and cost.discount:
        price += f" ({written(Money(cost.discount, line.currency))} less, {cost.discount_percent} %)"
    held = "being held" if line.state == "adding" else f"held until {when.clock(line.until, datetime.now(UTC))}"
    return [
        f"{number}  {slot_row(line.slot)}",
        f"   {_tickets(line.tickets)}: {price}, {held}",
    ]


def _tickets(tickets: Iterable[Ticket]) -> str:
    return ", ".join(f"{ticket.count} {safe(ticket.name)}" for ticket in tickets)


def slot_row(slot: SlotInfo) -> str:
    """What a time slot is and when: `Walls of Light, Tue 5 Jan 2027, 10:00 to 11:30 (Europe/Lisbon)`."""
    return f"{safe(slot.title)}, {receipts.slot_words(slot)}"


def order_row(order: Order) -> str:
    """An order in a list: by what it is named, how it stands, its sum, and what for."""
    titles = ", ".join(f"{safe(line.slot.title)} on {receipts.slot_words(line.slot)}" for line in order.lines)
    sum_ = written(Money(order.total, order.currency))
    return f"{receipts.number(order)}  {receipts.STATES[order.state]}, {sum_}  {titles}"
