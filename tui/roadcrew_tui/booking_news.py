"""What is said of a cart when it has changed, or is about to, in sentences. Pure, without Textual."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from roadcrew_domain.cart_state import Cart, Line, Order
from roadcrew_domain.money import Money
from roadcrew_tui import money, plain

LAST = timedelta(minutes=2)
"""How long before a hold ends that is said."""
Told = tuple[str, str]
"""Words, and how grave they are."""


def ending(cart: Cart | None, now: datetime) -> list[Line]:
    """The holds that end soon and have not ended."""
    held = () if cart is None else cart.lines
    return [line for line in held if line.state == "held" and timedelta(0) < line.until - now <= LAST]


def warning(line: Line, now: datetime) -> str:
    """`Your seats for Fado, a life are yours for 2 min more. Press x in Book to keep them longer.`"""
    seconds = int((line.until - now).total_seconds())
    left = f"{seconds} s" if seconds < 60 else f"{round(seconds / 60)} min"
    longer = " Press x in Book to keep them longer." if line.until < line.limit else " Check out with p in Book."
    return plain.sentence("Your seats for {title} are yours for {left} more.", title=line.slot.title, left=left) + (
        longer
    )


def next_warning(cart: Cart | None, now: datetime) -> float | None:
    """Seconds until the next hold has so little time left; None if none will."""
    left = [line.until - now for line in (() if cart is None else cart.lines)]
    ahead = [(span - LAST).total_seconds() for span in left if span > LAST]
    return min(ahead, default=None)


def told(before: Cart, after: Cart) -> Iterator[Told]:
    """What has happened between two states of one person's cart, and is worth a toast."""
    if before.user != after.user:
        return
    for line in before.lines:
        if after.line(line.id) is None and after.ended_as(line.id) == "expired":
            words = "The time for your seats at {title} ran out. They are free again."
            yield plain.sentence(words, title=line.slot.title), "warning"
    known = {order.id: order for order in before.orders}
    for order in after.orders:
        yield from _of_order(known.get(order.id), order)


def _of_order(was: Order | None, order: Order) -> Iterator[Told]:
    number, cost = order.number, money.written(Money(order.total, order.currency))
    if was is None or was.state != order.state:
        words = _STATES.get(order.state)
        if words is not None:
            yield plain.sentence(words[0], number=number, sum=cost), words[1]
    tried = {attempt.id: attempt.state for attempt in was.attempts} if was is not None else {}
    for attempt in order.attempts:
        if attempt.state == "declined" and tried.get(attempt.id) != "declined":
            detail = plain.safe(attempt.detail) or "The payment was declined. Nothing was charged."
            yield f"{detail} Press p in Book to try again.", "warning"
    refunded = {refund.payment: refund.state for refund in was.refunds} if was is not None else {}
    for refund in order.refunds:
        if refund.state == "done" and refunded.get(refund.payment) != "done":
            here = "{sum} of order {number} went back to you."
            back = "Order {number} was {sum}. The venue pays it back." if order.pays_later else here
            yield plain.sentence(back, number=number, sum=cost), "information"


_STATES = {
    "paid": ("Order {number} is paid: {sum}.", "information"),
    "lapsed": ("Order {number} was not paid in time. Its seats are free again.", "warning"),
    "cancelled": ("Order {number} is cancelled. Its seats are free again.", "information"),
    "rejected": ("Some of those seats were gone. What is left of them is in your cart again.", "warning"),
}
