"""What the tab of bookings says of a cart, of orders, and of what the crew has booked; and what of it needs a person.
Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from roadcrew_domain.cart import may_pay
from roadcrew_domain.cart_state import Cart, Line, Order, OrderLine, Ticket
from roadcrew_domain.money import Money
from roadcrew_domain.prices import prices
from roadcrew_domain.trip import Trip
from roadcrew_tui import when
from roadcrew_tui.booking_news import LAST
from roadcrew_tui.screens.book_model import off, slot_words
from roadcrew_tui.screens.overview_model import Decision, Need

if TYPE_CHECKING:
    from roadcrew_tui.snapshot import BookSnapshot

SOON = timedelta(minutes=5)
"""How long before a hold ends it needs somebody."""
SEEN = timedelta(days=2)
"""For so long an order that came to nothing stays in sight."""


# --- the cart ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CartRow:
    """`tickets` are people's words with their counts. `discount` is in `money`'s minor units. `ends` says how long the
    seats are held, `state` how grave that is."""

    id: str
    title: str
    time: str
    tickets: tuple[tuple[int, str], ...]
    total: Money
    percent: int
    discount: Money
    ends: str
    state: Literal["held", "last", "over", "adding"]
    longer: bool


def countdown(until: datetime, now: datetime) -> str:
    """`12:41`, `1:02:00`: minutes and seconds that are left."""
    seconds = max(0, int((until - now).total_seconds()))
    hours, rest = divmod(seconds, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def cart_rows(cart: Cart, trip: Trip, now: datetime) -> list[CartRow]:
    """The lines, oldest first."""
    costs = {p.line_id: p for p in prices(cart, {trip.id: off(trip)})}
    rows = []
    for line in cart.lines:
        cost = costs[line.id]
        state, ends = _held(line, now)
        rows.append(
            CartRow(
                line.id,
                line.slot.title,
                slot_words(line.slot, now),
                tickets_of(line.tickets),
                Money(cost.total, line.currency),
                cost.discount_percent,
                Money(cost.discount, line.currency),
                ends,
                state,
                line.state == "held" and line.until < line.limit,
            )
        )
    return rows


def tickets_of(tickets: Iterable[Ticket]) -> tuple[tuple[int, str], ...]:
    """How many of each kind."""
    return tuple((ticket.count, ticket.name) for ticket in tickets)


def _held(line: Line, now: datetime) -> tuple[Literal["held", "last", "over", "adding"], str]:
    left = line.until - now
    if left <= timedelta(0):
        return "over", "over: free again"
    if line.state == "adding":
        return "adding", "being held"
    if left <= LAST:
        return "last", f"ends in {countdown(line.until, now)}"
    return "held", f"held for {countdown(line.until, now)}"


def total(rows: Sequence[CartRow]) -> Money | None:
    """The sum of what is held; None for nothing. A cart is in one currency."""
    standing = [row.total for row in rows if row.state != "over"]
    return Money(sum(m.amount for m in standing), standing[0].currency) if standing else None


# --- orders --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OrderRow:
    """`words` say how it stands with it, `grave` whether it waits for this person, or came to nothing."""

    id: str
    number: str
    total: Money
    words: str
    grave: Literal["good", "warn", "muted"]
    lines: tuple[tuple[str, str, int], ...]
    """Title, time and seats of each."""


def order_rows(cart: Cart, now: datetime) -> list[OrderRow]:
    """My bookings, newest first; what came to nothing goes out of sight after a while."""
    return [_order_row(order, now) for order in reversed(cart.orders) if _in_sight(order, now)]


def _in_sight(order: Order, now: datetime) -> bool:
    if order.has_seats or any(refund.state == "owed" for refund in order.refunds):
        return True
    return order.state != "rejected" and now - order.changed_at < SEEN


def _order_row(order: Order, now: datetime) -> OrderRow:
    words, grave = order_words(order, now)
    lines = tuple((line.slot.title, slot_words(line.slot, now), line.seats) for line in order.lines)
    return OrderRow(order.id, order.number, Money(order.total, order.currency), words, grave, lines)


def order_words(order: Order, now: datetime) -> tuple[str, Literal["good", "warn", "muted"]]:
    """`paid`, `pay within 14:59`, `pay at the venue` …"""
    refund = next(iter(order.refunds), None)
    back = "" if refund is None else ", refund due" if refund.state == "owed" else ", paid back"
    if refund is not None and order.pays_later:
        back = ", the venue pays back"
    match order.state:
        case "placing":
            return "being placed", "muted"
        case "awaiting" if order.pays_later:
            return "pay at the venue", "good"
        case "awaiting":
            left = countdown(order.pay_by, now)
            return f"declined: {left} left" if order.attempts else f"pay within {left}", "warn"
        case "paying":
            return "payment under way", "warn"
        case "paid":
            return "paid" + back, "good"
        case "lapsed":
            return "not paid in time" + back, "muted"
        case "cancelled":
            return "cancelled" + back, "muted"
        case "rejected":
            return "some seats were gone", "muted"


# --- the crew ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CrewBooking:
    """Somebody of the crew goes there then."""

    id: str
    who: str
    title: str
    time: str
    seats: int


def crew_rows(trip: Trip, me: str, now: datetime) -> list[CrewBooking]:
    """What others of the trip have booked and is not over, first to last."""
    rows = [b for b in trip.bookings.values() if b.member_id != me and b.slot.ends_at > now]
    rows.sort(key=lambda b: (b.slot.starts_at, b.id))
    members = trip.members
    return [
        CrewBooking(
            b.id,
            members[b.member_id].name if b.member_id in members else "somebody who has left",
            b.slot.title,
            slot_words(b.slot, now),
            b.seats,
        )
        for b in rows
    ]


# --- for the overview ----------------------------------------------------------------------------


def needs(book: BookSnapshot) -> list[Need]:
    """What of the cart needs its person, most urgent first."""
    cart, now = book.cart, book.now()
    if cart is None:
        return []
    found: list[tuple[datetime, Need]] = []
    for line in cart.lines:
        if line.state == "held" and now < line.until <= now + SOON:
            words = f"{when.amount_of(line.until - now)} left"
            found.append((line.until, Need(f"book:{line.id}", "Your seats for {what}", words, line.slot.title)))
    for order in cart.orders:
        if may_pay(order, now):
            words = f"{when.amount_of(order.pay_by - now)} left"
            title = _first(order.lines).slot.title
            found.append((order.pay_by, Need(f"book:{order.id}", "Pay for {what}", words, title)))
    return [need for _, need in sorted(found, key=lambda pair: (pair[0], pair[1].target))]


def _first(lines: Sequence[OrderLine]) -> OrderLine:
    return min(lines, key=lambda line: (line.slot.starts_at, line.id))


def plan(trip: Trip) -> Decision:
    """The line of the plan: what the crew has booked."""
    booked = trip.bookings.values()
    if not trip.bookings:
        return Decision("book", "Book", "nothing", "nothing yet")
    many, seats = len(trip.bookings), sum(b.seats for b in booked)
    words = f"{many} booking{'s' * (many > 1)}, {seats} seat{'s' * (seats > 1)}"
    return Decision("book", "Book", "decided", words)
