"""What is allowed in a cart: `decide` turns a command into facts or refuses it. Pure.

The rules of lines and orders stand in modules of their own; here is who gets which command, and what time brings.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from roadcrew_domain.cart_acts import (
    AddFailed,
    CartCommand,
    CartOpened,
    CartTick,
    ConfirmAdd,
    DiscountNoted,
    FailAdd,
    Lapsed,
    LineExtended,
    LineHeld,
    LineRemoved,
    NoteDiscount,
    NoteExtension,
    OpenCart,
    PlaceOrder,
    RemoveLine,
    StartAdd,
)
from roadcrew_domain.cart_lines import find, stands, start_add
from roadcrew_domain.cart_orders import of_order, placed, unfinished, unpaid_in_time
from roadcrew_domain.cart_state import TAKEN_UP, Cart, Line, Order
from roadcrew_domain.events import Fact


def decide(cart: Cart | None, command: CartCommand, now: datetime) -> tuple[Fact, ...]:
    """What happens if `command` is accepted at `now`; nothing, if it changes nothing. `cart` None: it was never used.

    Raises `Refused`: `bad-tickets`, `bad-price`, `slot-past`, `slot-too-far`, `currency-mix`, `cart-full`,
    `too-many-seats`, `unknown-line`, `hold-expired`, `cart-empty`, `too-many-orders`, `unknown-order`, `order-…`,
    `payment-under-way`, `pays-later`, `too-many-payments`.
    """
    if cart is None:
        facts = _decided(Cart(""), command, now)
        return (CartOpened(), *facts) if facts or isinstance(command.act, OpenCart) else ()
    return _decided(cart, command, now)


def _decided(cart: Cart, command: CartCommand, now: datetime) -> tuple[Fact, ...]:
    match command.act:
        case StartAdd() as act:
            return start_add(cart, command.id, act, now)
        case ConfirmAdd(line_id=line_id):
            if cart.line(line_id) is None and cart.was_ordered(line_id):
                return ()
            return (LineHeld(line_id),) if find(cart, line_id).state == "adding" else ()
        case FailAdd(line_id=line_id, code=code):
            adding = any(line.id == line_id and line.state == "adding" for line in cart.lines)
            return (AddFailed(line_id, code),) if adding else ()
        case NoteExtension(line_id=line_id, until=until, extensions=extensions):
            line = find(cart, line_id)
            return (LineExtended(line_id, until, extensions),) if extensions > line.extensions else ()
        case RemoveLine(line_id=line_id):
            return (LineRemoved(find(cart, line_id).id, "removed"),)
        case NoteDiscount(discount=new):
            old = cart.discount(new.trip_id)
            newer = old is None or (new.percent != old.percent and new.trip_seq > old.trip_seq)
            return (DiscountNoted(new),) if newer else ()
        case PlaceOrder() as act:
            return () if cart.order(command.id) is not None else (placed(cart, act, now),)
        case CartTick():
            return _tick(cart, now)
        case OpenCart():
            return ()
        case _:
            return of_order(cart, command, now)


def _tick(cart: Cart, now: datetime) -> tuple[Fact, ...]:
    expired = (LineRemoved(n.id, "expired") for n in cart.lines if n.state == "held" and not stands(n, now))
    # One that is being paid, or may have been at the venue, does not lapse by this: first the provider is asked.
    ended = (order for order in cart.orders if not order.pays_later and unpaid_in_time(order, now))
    lapsed = (Lapsed(order.id) for order in ended)
    return (*expired, *lapsed)


def next_due(cart: Cart) -> datetime | None:
    """When something runs out, or what was begun must be taken up by somebody else."""
    return min((*_lines_due(cart.lines), *_orders_due(cart.orders)), default=None)


def _lines_due(lines: Iterable[Line]) -> Iterable[datetime]:
    for line in lines:
        yield line.until if line.state == "held" else line.added_at + TAKEN_UP


def _orders_due(orders: Iterable[Order]) -> Iterable[datetime]:
    for order in orders:
        if order.state == "awaiting":
            yield order.pay_by
        if unfinished(order):
            yield order.changed_at + TAKEN_UP
