"""A person's cart as a value: what they hold, and what they ordered.

What can happen to it is in cart_acts.py, what is allowed in cart_decide.py, what a fact changes in cart_evolve.py,
prices are in prices.py.

The cart's log is where an order is decided: `Paid`, `Lapsed` or `OrderCancelled`, whichever comes first. What follows
from it in the slots is done by whoever comes next, until `OrderSettled` says that it was.
"""

from datetime import datetime, timedelta
from typing import Literal

from roadcrew_domain.exhibitions import SlotInfo
from roadcrew_domain.money import Money
from roadcrew_domain.seats_state import HoldBounds
from roadcrew_domain.values import Moment, Value

LineState = Literal["adding", "held"]
OrderState = Literal["placing", "awaiting", "paying", "paid", "lapsed", "cancelled", "rejected"]
AttemptState = Literal["open", "declined", "succeeded"]
RefundState = Literal["owed", "done"]

SNAPSHOT_VERSION = 1
MAX_LINES = 20
MAX_ORDERS = 100
"""Orders that a cart remembers; those for which nothing is left to do make room (`is_past`)."""
ORDERS_AN_HOUR = 30
"""Orders that a person can place within `AN_HOUR`: slots remember them for hours, also when they are over."""
AN_HOUR = timedelta(hours=1)
MAX_SEATS = 20
"""Of one line."""
MAX_ATTEMPTS = 20
"""Payments that one order may be tried with."""
ENDED_KEPT = 50
"""Lines that are gone and are remembered, so that a repetition is answered as the first one was."""
TAKEN_UP = timedelta(seconds=10)
"""What was begun and is not done by then has lost its process: whoever comes next goes on with it."""
KEPT = timedelta(days=30)
"""For so long after its last date an order is kept."""


class CartBounds(Value, frozen=True):
    """What a server allows one person: seats of one slot, orders or not; how long a hold may be; seats that nobody has
    paid for, of all slots together; and how far ahead a slot may begin."""

    max_seats_per_slot: int = 10
    hold: HoldBounds = HoldBounds()
    max_unpaid: int = 40
    book_ahead_days: int = 365

    def reach(self, starts_at: datetime, now: datetime) -> bool:
        """Whether a slot that begins then may be booked already."""
        return starts_at <= now + timedelta(days=self.book_ahead_days)


class Ticket(Value, frozen=True):
    """So many of one kind, at this price each."""

    kind: str
    name: str
    count: int
    price: Money


class Line(Value, frozen=True):
    """Seats in the cart. The server holds them `until` then, and never past `limit`."""

    id: str
    slot: SlotInfo
    tickets: tuple[Ticket, ...]
    trip_id: str | None
    state: LineState
    until: Moment
    limit: Moment
    added_at: Moment
    extensions: int = 0

    @property
    def seats(self) -> int:
        """How many."""
        return sum(ticket.count for ticket in self.tickets)

    @property
    def currency(self) -> str:
        """Of all its tickets."""
        return self.tickets[0].price.currency

    @property
    def amount(self) -> int:
        """Before any discount, in minor units."""
        return sum(ticket.count * ticket.price.amount for ticket in self.tickets)


class TripDiscount(Value, frozen=True):
    """What a trip gives off as of its event `trip_seq`; `percent` 0 while it is locked."""

    trip_id: str
    percent: int
    trip_seq: int


class EndedLine(Value, frozen=True):
    """A line that is no more: `removed`, `expired`, or the code with which its seats were refused; of which slot, and
    when, where that is known."""

    line_id: str
    code: str
    slot_id: str = ""
    at: Moment | None = None


class OrderLine(Value, frozen=True):
    """A line as it was ordered. `amount` is before the `discount`, which is in minor units as well; `trip_seq` is the
    trip's event that the percentage was read at."""

    id: str
    slot: SlotInfo
    tickets: tuple[Ticket, ...]
    trip_id: str | None
    amount: int
    discount_percent: int
    discount: int
    trip_seq: int | None
    limit: Moment

    @property
    def seats(self) -> int:
        """How many."""
        return sum(ticket.count for ticket in self.tickets)


class Attempt(Value, frozen=True):
    """One try to pay. While it is `open`, nobody knows yet whether money moved."""

    id: str
    method: str
    started_at: Moment
    state: AttemptState = "open"
    detail: str = ""


class Refund(Value, frozen=True):
    """A payment that must be given back, or was. `payment` is the provider's number of it."""

    attempt_id: str | None
    payment: str
    state: RefundState = "owed"
    reference: str = ""


class Order(Value, frozen=True):
    """`total` is what is to be paid, in minor units of `currency`; `changed_at` is when there was last something new to
    do for it; `settled` says that the slots and trips know of its state."""

    id: str
    lines: tuple[OrderLine, ...]
    currency: str
    total: int
    provider: str
    pays_later: bool
    state: OrderState
    placed_at: Moment
    changed_at: Moment
    pay_by: Moment
    attempts: tuple[Attempt, ...] = ()
    refunds: tuple[Refund, ...] = ()
    payment: str = ""
    lost: tuple[str, ...] = ()
    returned_until: Moment | None = None
    settled: bool = True

    @property
    def number(self) -> str:
        """Short, for people."""
        return self.id.replace("-", "")[-8:].upper()

    @property
    def open_attempt(self) -> Attempt | None:
        """The payment of which it is not known what became of it."""
        return next((attempt for attempt in self.attempts if attempt.state == "open"), None)

    @property
    def has_seats(self) -> bool:
        """Whether seats are taken for it, or may be."""
        return self.state in ("placing", "awaiting", "paying", "paid")


class Cart(Value, frozen=True):
    """Oldest first, all of them."""

    user: str
    lines: tuple[Line, ...] = ()
    orders: tuple[Order, ...] = ()
    discounts: tuple[TripDiscount, ...] = ()
    ended: tuple[EndedLine, ...] = ()
    v: int = SNAPSHOT_VERSION

    def line(self, line_id: str) -> Line | None:
        """The line with this id."""
        return next((line for line in self.lines if line.id == line_id), None)

    def order(self, order_id: str) -> Order | None:
        """The order with this id."""
        return next((order for order in self.orders if order.id == order_id), None)

    def was_ordered(self, line_id: str) -> bool:
        """Whether the line has gone into an order that is remembered."""
        return any(line.id == line_id for order in self.orders for line in order.lines)

    def ended_as(self, line_id: str) -> str | None:
        """How a line ended, if it did and that is remembered."""
        ending = self.ending(line_id)
        return None if ending is None else ending.code

    def ending(self, line_id: str) -> EndedLine | None:
        """The end of the line with this id."""
        return next((ended for ended in self.ended if ended.line_id == line_id), None)

    def discount(self, trip_id: str | None) -> TripDiscount | None:
        """What is known of a trip's discount."""
        return next((d for d in self.discounts if d.trip_id == trip_id), None)
