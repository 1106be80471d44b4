"""What is allowed with the lines of a cart: seats that somebody wants, within what one person may have. Pure.

Whether they are free is the slot's to say (seats.py).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from roadcrew_domain.cart_acts import AddStarted, StartAdd
from roadcrew_domain.cart_state import MAX_LINES, MAX_SEATS, Cart, Line, Ticket
from roadcrew_domain.events import Fact
from roadcrew_domain.money import checked_price
from roadcrew_domain.refusals import Refused, slot_past


def start_add(cart: Cart, line_id: str, act: StartAdd, now: datetime) -> tuple[Fact, ...]:
    """The fact, none if the line was begun before. Raises `Refused`: `slot-past`, `slot-too-far`, `bad-tickets`,
    `bad-price`, `currency-mix`, `cart-full`, `too-many-seats`."""
    if cart.line(line_id) is not None or cart.ended_as(line_id) is not None or cart.was_ordered(line_id):
        return ()
    slot, bounds = act.slot, act.bounds
    if now >= slot.starts_at:
        raise slot_past(startsAt=slot.starts_at)
    if not bounds.reach(slot.starts_at, now):
        days = bounds.book_ahead_days
        sentence = f"Time slots can be booked {days} days ahead. This one is further away."
        raise Refused("slot-too-far", "conflict", sentence, limit=days)
    seats = _checked_seats(act.tickets)
    lines = [line for line in cart.lines if stands(line, now)]
    # What is being ordered comes back into the cart if its seats are gone.
    may_return = sum(len(order.lines) for order in cart.orders if order.state == "placing")
    if len(lines) + may_return >= MAX_LINES:
        raise Refused("cart-full", "full", f"A cart has room for {MAX_LINES} bookings.", limit=MAX_LINES)
    currency = act.tickets[0].price.currency
    if lines and lines[0].currency != currency:
        raise Refused(
            "currency-mix",
            "conflict",
            f"Your cart is in {lines[0].currency}, and this is in {currency}. Check out first, or empty it.",
        )
    ordered = [line for order in cart.orders if order.has_seats for line in order.lines]
    had = sum(line.seats for line in lines if line.slot.slot_id == slot.slot_id)
    had += sum(line.seats for line in ordered if line.slot.slot_id == slot.slot_id)
    if had + seats > bounds.max_seats_per_slot:
        most = bounds.max_seats_per_slot
        raise Refused("too-many-seats", "conflict", f"One person can have {most} seats of a time slot.", limit=most)
    _check_unpaid(cart, lines, seats, bounds.max_unpaid, now)
    until = min(now + timedelta(seconds=bounds.hold.hold_for), slot.starts_at)
    limit = max(until, min(now + timedelta(seconds=bounds.hold.longest), slot.starts_at))
    return (AddStarted(slot, act.tickets, act.trip_id, until, limit),)


def _check_unpaid(cart: Cart, lines: list[Line], seats: int, most: int, now: datetime) -> None:
    """Seats that cost nothing count as well, or anybody could empty a house by them."""
    ordered = [line for order in cart.orders if order.has_seats and not order.payment for line in order.lines]
    unpaid = sum(line.seats for line in lines) + sum(line.seats for line in ordered if now < line.slot.starts_at)
    if unpaid + seats > most:
        sentence = f"One person can have {most} seats that nobody has paid for."
        raise Refused("too-many-seats", "conflict", sentence, limit=most, unpaid=unpaid)


def _checked_seats(tickets: tuple[Ticket, ...]) -> int:
    counts = [ticket.count for ticket in tickets]
    if not counts or min(counts) < 1 or sum(counts) > MAX_SEATS:
        raise Refused("bad-tickets", "invalid", f"Choose 1 to {MAX_SEATS} tickets.", field="tickets", limit=MAX_SEATS)
    if len({ticket.kind for ticket in tickets}) < len(tickets):
        raise Refused("bad-tickets", "invalid", "Each kind of ticket has one count.", field="tickets")
    if len({checked_price(ticket.price, field="ticket").currency for ticket in tickets}) > 1:
        raise Refused("currency-mix", "conflict", "These tickets are in different currencies.", field="tickets")
    return sum(counts)


def stands(line: Line, now: datetime) -> bool:
    """Whether the line is held still, or may come to be, whatever has been announced."""
    return now < line.until


def find(cart: Cart, line_id: str) -> Line:
    """The line. Raises `Refused`: `unknown-line`, `hold-expired`."""
    line = cart.line(line_id)
    if line is not None:
        return line
    if cart.ended_as(line_id) == "expired":
        raise expired()
    raise Refused("unknown-line", "missing", "That is not in your cart.")


def expired() -> Refused:
    """The refusal for a line that has run out."""
    return Refused("hold-expired", "gone", "The time for these seats ran out before that. They were not booked.")
