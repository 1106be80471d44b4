"""What each fact changes in a cart: `evolve` gives the next state. Pure."""

from __future__ import annotations

from datetime import datetime

import msgspec

from roadcrew_domain.cart_acts import (
    AddFailed,
    AddStarted,
    CartOpened,
    DiscountNoted,
    Lapsed,
    LineExtended,
    LineHeld,
    LineRemoved,
    OrderCancelled,
    OrderConfirmed,
    OrderPlaced,
    OrderRejected,
    OrderSettled,
    Paid,
    PaymentDeclined,
    PaymentStarted,
    Refunded,
    RefundOwed,
)
from roadcrew_domain.cart_orders import is_past
from roadcrew_domain.cart_state import (
    ENDED_KEPT,
    MAX_LINES,
    MAX_ORDERS,
    Attempt,
    Cart,
    EndedLine,
    Line,
    Order,
    OrderLine,
    OrderState,
    Refund,
    TripDiscount,
)
from roadcrew_domain.events import Event


def evolve(cart: Cart | None, event: Event) -> Cart:
    """The state after `event`. Raises `ValueError` for an event that can't follow this state."""
    if isinstance(event.data, CartOpened):
        if cart is not None:
            raise ValueError("a cart is opened once")
        return Cart(event.topic.partition(":")[2])
    if cart is None:
        raise ValueError(f"a cart begins with CartOpened, not {event.type}")
    match event.data:
        case AddStarted() as f:
            line = Line(event.command, f.slot, f.tickets, f.trip_id, "adding", f.until, f.limit, event.at)
            return msgspec.structs.replace(cart, lines=(*cart.lines, line))
        case LineHeld(line_id=line_id):
            return _line_changed(cart, line_id, state="held")
        case LineExtended(line_id=line_id, until=until, extensions=extensions):
            return _line_changed(cart, line_id, until=until, extensions=extensions)
        case AddFailed(line_id=line_id, code=code):
            return _line_ended(cart, line_id, code, event.at)
        case LineRemoved(line_id=line_id, because=because):
            return _line_ended(cart, line_id, because, event.at)
        case DiscountNoted(discount=discount):
            return msgspec.structs.replace(cart, discounts=_noted(cart, discount))
        case OrderPlaced() as placed:
            return _placed(cart, event, placed)
        case _:
            return _order_changed(cart, event)


def _line_changed(cart: Cart, line_id: str, **changes: object) -> Cart:
    if cart.line(line_id) is None:
        raise ValueError(f"no line {line_id}")
    lines = tuple(msgspec.structs.replace(n, **changes) if n.id == line_id else n for n in cart.lines)
    return msgspec.structs.replace(cart, lines=lines)


def _line_ended(cart: Cart, line_id: str, code: str, at: datetime) -> Cart:
    ended = cart.line(line_id)
    if ended is None:
        raise ValueError(f"no line {line_id}")
    lines = tuple(line for line in cart.lines if line is not ended)
    return msgspec.structs.replace(cart, lines=lines, ended=_ended(cart, ended, code, at))


def _ended(cart: Cart, line: Line | OrderLine, code: str, at: datetime) -> tuple[EndedLine, ...]:
    return (*cart.ended[1 - ENDED_KEPT :], EndedLine(line.id, code, line.slot.slot_id, at))


def _noted(cart: Cart, discount: TripDiscount) -> tuple[TripDiscount, ...]:
    used = {line.trip_id for line in cart.lines}
    others = [d for d in cart.discounts if d.trip_id != discount.trip_id and d.trip_id in used]
    return (*others[1 - MAX_LINES :], discount)


def _placed(cart: Cart, event: Event, placed: OrderPlaced) -> Cart:
    order = Order(
        id=event.command,
        lines=placed.lines,
        currency=placed.currency,
        total=placed.total,
        provider=placed.provider,
        pays_later=placed.pays_later,
        state="placing",
        placed_at=event.at,
        changed_at=event.at,
        pay_by=placed.pay_by,
    )
    ordered = {line.id for line in placed.lines}
    lines = tuple(line for line in cart.lines if line.id not in ordered)
    return msgspec.structs.replace(cart, lines=lines, orders=(*_with_room(cart.orders, event.at), order))


def _with_room(orders: tuple[Order, ...], now: datetime) -> tuple[Order, ...]:
    """Room for one more, if there is one that may be forgotten."""
    if len(orders) < MAX_ORDERS:
        return orders
    oldest = next((order for order in orders if is_past(order, now)), None)
    return tuple(order for order in orders if order is not oldest)


def _order_changed(cart: Cart, event: Event) -> Cart:
    fact = event.data
    order = cart.order(getattr(fact, "order_id", ""))
    if order is None:
        raise ValueError(f"{event.type} of an order that is not there")
    match fact:
        case OrderConfirmed():
            changed = _moved(order, "awaiting", event.at)
        case OrderRejected(lost=lost, until=until):
            changed = _moved(order, "rejected", event.at, lost=lost, returned_until=until)
            cart = _returned(cart, changed, until)
        case PaymentStarted(method=method):
            attempt = Attempt(event.command, method, event.at)
            changed = msgspec.structs.replace(
                order, state="paying", changed_at=event.at, attempts=(*order.attempts, attempt)
            )
        case PaymentDeclined(attempt_id=attempt_id, detail=detail):
            changed = _attempted(order, attempt_id, state="declined", detail=detail)
            if order.state == "paying" and changed.open_attempt is None:
                changed = msgspec.structs.replace(changed, state="awaiting", changed_at=event.at)
        case Paid(attempt_id=attempt_id, payment=payment):
            changed = _moved(_attempted(order, attempt_id, state="succeeded"), "paid", event.at, payment=payment)
        case Lapsed():
            changed = _moved(order, "lapsed", event.at)
        case OrderCancelled():
            changed = _moved(order, "cancelled", event.at)
        case RefundOwed(attempt_id=attempt_id, payment=payment):
            owed = Refund(attempt_id, payment)
            order = _attempted(order, attempt_id, state="succeeded")
            changed = msgspec.structs.replace(order, refunds=(*order.refunds, owed), changed_at=event.at)
        case Refunded(payment=payment, reference=reference):
            done = (
                msgspec.structs.replace(r, state="done", reference=reference) if r.payment == payment else r
                for r in order.refunds
            )
            changed = msgspec.structs.replace(order, refunds=tuple(done))
        case OrderSettled():
            changed = msgspec.structs.replace(order, settled=True)
        case _:
            raise ValueError(f"no rule for {event.type}")
    return msgspec.structs.replace(cart, orders=tuple(changed if o.id == order.id else o for o in cart.orders))


def _moved(order: Order, state: OrderState, at: datetime, **changes: object) -> Order:
    """In another state, of which slots and trips do not know yet."""
    return msgspec.structs.replace(order, state=state, changed_at=at, settled=False, **changes)


def _attempted(order: Order, attempt_id: str | None, **changes: object) -> Order:
    attempts = tuple(msgspec.structs.replace(a, **changes) if a.id == attempt_id else a for a in order.attempts)
    return msgspec.structs.replace(order, attempts=attempts)


def _returned(cart: Cart, order: Order, until: datetime) -> Cart:
    """What the order could have had is in the cart again; the rest is gone."""
    back = tuple(
        Line(n.id, n.slot, n.tickets, n.trip_id, "held", min(until, n.limit), n.limit, order.placed_at)
        for n in order.lines
        if n.id not in order.lost
    )
    for lost in (line for line in order.lines if line.id in order.lost):
        cart = msgspec.structs.replace(cart, ended=_ended(cart, lost, "seats-gone", order.changed_at))
    return msgspec.structs.replace(cart, lines=(*cart.lines, *back))
