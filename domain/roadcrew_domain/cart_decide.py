"""What is allowed in a cart: `decide` turns a command into facts or refuses it. Pure.

Whether seats are free is the slot's to say (seats.py), and what a payment did the provider's; here is what a person may
hold and order, and which of paid, lapsed and cancelled an order is: the first of them in the log.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from roadcrew_domain.cart_acts import (
    AddFailed,
    AddStarted,
    CancelOrder,
    CartCommand,
    CartOpened,
    CartTick,
    ConfirmAdd,
    ConfirmOrder,
    DeclinePayment,
    DiscountNoted,
    FailAdd,
    Lapsed,
    LineExtended,
    LineHeld,
    LineRemoved,
    MarkPaid,
    NoteDiscount,
    NoteExtension,
    NoteRefund,
    OpenCart,
    OrderCancelled,
    OrderConfirmed,
    OrderPlaced,
    OrderRejected,
    OrderSettled,
    Paid,
    PaymentDeclined,
    PaymentStarted,
    PlaceOrder,
    Refunded,
    RefundOwed,
    RejectOrder,
    RemoveLine,
    SettleOrder,
    StartAdd,
    StartPayment,
)
from roadcrew_domain.cart_state import (
    KEPT,
    MAX_ATTEMPTS,
    MAX_LINES,
    MAX_ORDERS,
    MAX_SEATS,
    TAKEN_UP,
    Cart,
    Line,
    Order,
    OrderLine,
    Ticket,
    TripDiscount,
)
from roadcrew_domain.events import Fact
from roadcrew_domain.money import checked_price
from roadcrew_domain.prices import discount_on
from roadcrew_domain.refusals import Refused

RETURNED = timedelta(minutes=5)
"""For so long the seats of an order that came to nothing are held again."""


def decide(cart: Cart | None, command: CartCommand, now: datetime) -> tuple[Fact, ...]:
    """What happens if `command` is accepted at `now`; nothing, if it changes nothing. `cart` None: it was never used.

    Raises `Refused`: `invalid`, `bad-tickets`, `slot-past`, `currency-mix`, `cart-full`, `too-many-seats`,
    `unknown-line`, `hold-expired`, `cart-empty`, `unknown-order`, `order-…`, `payment-under-way`, `pays-later`.
    """
    if cart is None:
        opened = (CartOpened(),)
        return opened if isinstance(command.act, OpenCart) else (*opened, *_decided(Cart(""), command, now))
    return _decided(cart, command, now)


def _decided(cart: Cart, command: CartCommand, now: datetime) -> tuple[Fact, ...]:
    match command.act:
        case StartAdd() as act:
            return _start_add(cart, command.id, act, now)
        case ConfirmAdd(line_id=line_id):
            line = _line(cart, line_id)
            return (LineHeld(line_id),) if line.state == "adding" else ()
        case FailAdd(line_id=line_id, code=code):
            adding = any(line.id == line_id and line.state == "adding" for line in cart.lines)
            return (AddFailed(line_id, code),) if adding else ()
        case NoteExtension(line_id=line_id, until=until, extensions=extensions):
            line = _line(cart, line_id)
            return (LineExtended(line_id, until, extensions),) if extensions > line.extensions else ()
        case RemoveLine(line_id=line_id):
            return (LineRemoved(_line(cart, line_id).id, "removed"),)
        case NoteDiscount(discount=new):
            old = cart.discount(new.trip_id)
            newer = old is None or (new.percent != old.percent and new.trip_seq > old.trip_seq)
            return (DiscountNoted(new),) if newer else ()
        case PlaceOrder() as act:
            return (_placed(cart, command.id, act, now),)
        case CartTick():
            return _tick(cart, now)
        case OpenCart():
            return ()
        case _:
            return _of_order(cart, command, now)


def _start_add(cart: Cart, line_id: str, act: StartAdd, now: datetime) -> tuple[Fact, ...]:
    if cart.line(line_id) is not None or cart.ended_as(line_id) is not None:
        return ()
    slot, bounds = act.slot, act.bounds
    if now >= slot.starts_at:
        raise Refused("slot-past", "gone", "This time slot has begun already.", startsAt=slot.starts_at)
    seats = _checked_seats(act.tickets)
    lines = [line for line in cart.lines if stands(line, now)]
    if len(lines) >= MAX_LINES:
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
    until = min(now + timedelta(seconds=bounds.hold.hold_for), slot.starts_at)
    limit = max(until, min(now + timedelta(seconds=bounds.hold.longest), slot.starts_at))
    return (AddStarted(slot, act.tickets, act.trip_id, until, limit),)


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


def _line(cart: Cart, line_id: str) -> Line:
    line = cart.line(line_id)
    if line is not None:
        return line
    if cart.ended_as(line_id) == "expired":
        raise _expired()
    raise Refused("unknown-line", "missing", "That is not in your cart.")


def _expired() -> Refused:
    return Refused("hold-expired", "gone", "The time for these seats ran out before that. They were not booked.")


# --- orders --------------------------------------------------------------------------------------


def _placed(cart: Cart, order_id: str, act: PlaceOrder, now: datetime) -> Fact:
    if cart.order(order_id) is not None:
        raise Refused("id-taken", "conflict", "There is an order with this id already.")
    chosen = [_line(cart, line_id) for line_id in dict.fromkeys(act.line_ids)]
    if not chosen:
        chosen = [line for line in cart.lines if line.state == "held" and stands(line, now)]
    if not chosen:
        raise _expired() if cart.lines else Refused("cart-empty", "conflict", "There is nothing in your cart.")
    if any(not stands(line, now) for line in chosen):
        raise _expired()
    if any(line.state == "adding" for line in chosen):
        raise Refused("order-too-early", "conflict", "Seats are being added still. Try again in a moment.")
    if len(cart.orders) >= MAX_ORDERS and not any(is_past(order, now) for order in cart.orders):
        raise Refused("too-many-orders", "full", f"One person can have {MAX_ORDERS} orders.", limit=MAX_ORDERS)
    discounts = {d.trip_id: d for d in act.discounts}
    lines = tuple(_ordered(line, discounts.get(line.trip_id or "")) for line in chosen)
    first = min(line.slot.starts_at for line in lines)
    pay_by = first if act.pays_later else min(first, now + timedelta(seconds=act.pay_within))
    total = sum(line.amount - line.discount for line in lines)
    return OrderPlaced(lines, chosen[0].currency, total, act.provider, act.pays_later, pay_by)


def _ordered(line: Line, discount: TripDiscount | None) -> OrderLine:
    percent, seq = (0, None) if discount is None else (discount.percent, discount.trip_seq)
    off = discount_on(line.amount, percent)
    return OrderLine(line.id, line.slot, line.tickets, line.trip_id, line.amount, percent, off, seq, line.limit)


def is_past(order: Order, now: datetime) -> bool:
    """Whether it may be forgotten: nothing is left to do for it, and its dates are long over or it has none."""
    if not order.settled or order.open_attempt or any(r.state == "owed" for r in order.refunds):
        return False
    return not order.has_seats or last_date(order) + KEPT < now


def last_date(order: Order) -> datetime:
    """When the last of its slots ends."""
    return max(line.slot.ends_at for line in order.lines)


def _order(cart: Cart, order_id: str) -> Order:
    order = cart.order(order_id)
    if order is None:
        raise Refused("unknown-order", "missing", "There is no such order.")
    return order


def _of_order(cart: Cart, command: CartCommand, now: datetime) -> tuple[Fact, ...]:
    match command.act:
        case ConfirmOrder(order_id=order_id):
            return _confirmed(_order(cart, order_id))
        case RejectOrder(order_id=order_id, lost=lost):
            rejectable = _order(cart, order_id).state == "placing"
            return (OrderRejected(order_id, lost, now + RETURNED),) if rejectable else ()
        case StartPayment(order_id=order_id, method=method):
            return _start_payment(_order(cart, order_id), command.id, method, now)
        case DeclinePayment(order_id=order_id, attempt_id=attempt_id, code=code, detail=detail):
            known = any(a.id == attempt_id and a.state == "open" for a in _order(cart, order_id).attempts)
            return (PaymentDeclined(order_id, attempt_id, code, detail),) if known else ()
        case MarkPaid(order_id=order_id, attempt_id=attempt_id, payment=payment):
            return _paid(_order(cart, order_id), attempt_id, payment)
        case CancelOrder(order_id=order_id):
            return _cancelled(_order(cart, order_id), now)
        case NoteRefund(order_id=order_id, payment=payment, reference=reference):
            owed = any(r.payment == payment and r.state == "owed" for r in _order(cart, order_id).refunds)
            return (Refunded(order_id, payment, reference),) if owed else ()
        case SettleOrder(order_id=order_id, state=state):
            order = _order(cart, order_id)
            return (OrderSettled(order_id, state),) if order.state == state and not order.settled else ()
        case _:
            raise AssertionError(f"no rule for {command.act}")


def _confirmed(order: Order) -> tuple[Fact, ...]:
    if order.state != "placing":
        return ()
    confirmed = OrderConfirmed(order.id)
    return (confirmed,) if order.total else (confirmed, Paid(order.id, None, ""))


def _start_payment(order: Order, attempt_id: str, method: str, now: datetime) -> tuple[Fact, ...]:
    if any(attempt.id == attempt_id for attempt in order.attempts):
        return ()
    match order.state:
        case "placing":
            raise _too_early()
        case "paid":
            raise Refused("order-paid", "conflict", "This order is paid already.")
        case "paying":
            raise _under_way()
        case "lapsed" | "cancelled" | "rejected":
            raise _over(order)
    if order.pays_later:
        raise Refused("pays-later", "conflict", "This order is paid at the venue.")
    if now >= order.pay_by:
        raise Refused("order-lapsed", "gone", "This order was not paid in time.", payBy=order.pay_by)
    if len(order.attempts) >= MAX_ATTEMPTS:
        raise Refused("too-many-payments", "full", "This order was tried too often. Cancel it and book again.")
    return (PaymentStarted(order.id, method),)


def _paid(order: Order, attempt_id: str | None, payment: str) -> tuple[Fact, ...]:
    """The first of paid, lapsed and cancelled holds; money that comes for anything else goes back."""
    if order.state == "placing":
        raise _too_early()
    if order.state in ("awaiting", "paying"):
        return (Paid(order.id, attempt_id, payment),)
    if payment == order.payment or any(refund.payment == payment for refund in order.refunds):
        return ()
    return (RefundOwed(order.id, attempt_id, payment),)


def _cancelled(order: Order, now: datetime) -> tuple[Fact, ...]:
    match order.state:
        case "placing":
            raise _too_early()
        case "paying":
            raise _under_way()
        case "cancelled":
            return ()
        case "lapsed" | "rejected":
            raise _over(order)
    if now >= min(line.slot.starts_at for line in order.lines):
        raise Refused("slot-past", "gone", "It has begun already, so it can't be cancelled.")
    cancelled = OrderCancelled(order.id)
    if order.state == "paid" and order.total:
        succeeded = next((a.id for a in order.attempts if a.state == "succeeded"), None)
        return (cancelled, RefundOwed(order.id, succeeded, order.payment))
    return (cancelled,)


def _too_early() -> Refused:
    return Refused("order-too-early", "conflict", "This order is being placed still. Try again in a moment.")


def _under_way() -> Refused:
    return Refused("payment-under-way", "conflict", "A payment of this order is under way. Wait for its end.")


def _over(order: Order) -> Refused:
    return Refused(f"order-{order.state}", "gone", "This order is over. Its seats are free again.", state=order.state)


# --- time ----------------------------------------------------------------------------------------


def _tick(cart: Cart, now: datetime) -> tuple[Fact, ...]:
    expired = (LineRemoved(n.id, "expired") for n in cart.lines if n.state == "held" and not stands(n, now))
    # One that is being paid does not lapse: first the provider is asked what became of the payment.
    lapsed = (Lapsed(order.id) for order in cart.orders if order.state == "awaiting" and now >= order.pay_by)
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


def unfinished(order: Order) -> bool:
    """Whether there is something left to do elsewhere: in slots, at the provider, in trips."""
    owed = any(refund.state == "owed" for refund in order.refunds)
    return order.state == "placing" or not order.settled or owed or order.open_attempt is not None
