"""What is allowed with orders: which of paid, lapsed and cancelled one is, the first of them in the log says. Pure.

What a payment did is the provider's to say; the seats of an order are pinned, sold and freed in the slots (seats.py).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from roadcrew_domain.cart_acts import (
    CancelOrder,
    CartCommand,
    ConfirmOrder,
    DeclinePayment,
    Lapsed,
    LapseOrder,
    MarkPaid,
    NoteRefund,
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
    SettleOrder,
    StartPayment,
)
from roadcrew_domain.cart_lines import expired, find, stands
from roadcrew_domain.cart_state import (
    AN_HOUR,
    KEPT,
    MAX_ATTEMPTS,
    MAX_ORDERS,
    ORDERS_AN_HOUR,
    Cart,
    Line,
    Order,
    OrderLine,
    TripDiscount,
)
from roadcrew_domain.events import Fact
from roadcrew_domain.prices import discount_on
from roadcrew_domain.refusals import Refused

RETURNED = timedelta(minutes=5)
"""For so long the seats of an order that came to nothing are held again."""


def placed(cart: Cart, act: PlaceOrder, now: datetime) -> Fact:
    """The lines as an order. Raises `Refused`: `unknown-line`, `hold-expired`, `cart-empty`, `order-too-early`,
    `currency-mix`, `too-many-orders`."""
    chosen = _chosen(cart, act.line_ids, now)
    if len({line.currency for line in chosen}) > 1:
        raise Refused("currency-mix", "conflict", "These are in different currencies. Order them one by one.")
    lately = [order.placed_at for order in cart.orders if now < order.placed_at + AN_HOUR]
    if len(lately) >= ORDERS_AN_HOUR:
        sentence = f"One person can place {ORDERS_AN_HOUR} orders within an hour. Try again later."
        raise Refused("too-many-orders", "full", sentence, limit=ORDERS_AN_HOUR, until=lately[0] + AN_HOUR)
    if len(cart.orders) >= MAX_ORDERS and not any(is_past(order, now) for order in cart.orders):
        raise Refused("too-many-orders", "full", f"One person can have {MAX_ORDERS} orders.", limit=MAX_ORDERS)
    discounts = {d.trip_id: d for d in act.discounts}
    lines = tuple(_ordered(line, discounts.get(line.trip_id or "")) for line in chosen)
    first = min(line.slot.starts_at for line in lines)
    pay_by = first if act.pays_later else min(first, now + timedelta(seconds=act.pay_within))
    total = sum(line.amount - line.discount for line in lines)
    return OrderPlaced(lines, chosen[0].currency, total, act.provider, act.pays_later, pay_by)


def _chosen(cart: Cart, line_ids: tuple[str, ...], now: datetime) -> list[Line]:
    """The lines with these ids, or else all that are held."""
    chosen = [find(cart, line_id) for line_id in dict.fromkeys(line_ids)]
    if not chosen:
        standing = [line for line in cart.lines if stands(line, now)]
        chosen = [line for line in standing if line.state == "held"] or standing
    if not chosen:
        raise expired() if cart.lines else Refused("cart-empty", "conflict", "There is nothing in your cart.")
    if any(not stands(line, now) for line in chosen):
        raise expired()
    if any(line.state == "adding" for line in chosen):
        raise Refused("order-too-early", "conflict", "Seats are being added still. Try again in a moment.")
    if any(_being_given_back(cart, line.id) for line in chosen):
        raise Refused("order-too-early", "conflict", "Another order gives these seats back. Try again in a moment.")
    return chosen


def _being_given_back(cart: Cart, line_id: str) -> bool:
    """Whether a slot may still take the line's seats for those of an order that came to nothing."""
    unsettled = (order for order in cart.orders if order.state == "rejected" and not order.settled)
    return any(line.id == line_id for order in unsettled for line in order.lines)


def _ordered(line: Line, discount: TripDiscount | None) -> OrderLine:
    percent, seq = (0, None) if discount is None else (discount.percent, discount.trip_seq)
    off = discount_on(line.amount, percent)
    return OrderLine(line.id, line.slot, line.tickets, line.trip_id, line.amount, percent, off, seq, line.limit)


def is_past(order: Order, now: datetime) -> bool:
    """Whether it may be forgotten: nothing is left to do for it, and its dates are long over, or it has neither seats
    nor payments, of which one may still come late. Those of the last hour are counted."""
    if unfinished(order) or now < order.placed_at + AN_HOUR:
        return False
    may_cost = order.attempts or (order.pays_later and order.total and order.state != "rejected")
    return not (order.has_seats or may_cost) or last_date(order) + KEPT < now


def last_date(order: Order) -> datetime:
    """When the last of its slots ends."""
    return max(line.slot.ends_at for line in order.lines)


def _order(cart: Cart, order_id: str) -> Order:
    order = cart.order(order_id)
    if order is None:
        raise Refused("unknown-order", "missing", "There is no such order.")
    return order


def of_order(cart: Cart, command: CartCommand, now: datetime) -> tuple[Fact, ...]:
    """What becomes of an order that was placed. Raises `Refused`: `unknown-order`, `order-…`, `payment-under-way`,
    `pays-later`, `slot-past`, `too-many-payments`."""
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
        case LapseOrder(order_id=order_id):
            return (Lapsed(order_id),) if unpaid_in_time(_order(cart, order_id), now) else ()
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


def may_pay(order: Order, now: datetime) -> bool:
    """Whether a payment of it can be started."""
    waits = order.state == "awaiting" and not order.pays_later and now < order.pay_by
    return waits and len(order.attempts) < MAX_ATTEMPTS


def may_cancel(order: Order, now: datetime) -> bool:
    """Whether it can be given up: until the first of its slots begins."""
    return order.state in ("awaiting", "paid") and now < _first_date(order)


def _first_date(order: Order) -> datetime:
    return min(line.slot.starts_at for line in order.lines)


def _start_payment(order: Order, attempt_id: str, method: str, now: datetime) -> tuple[Fact, ...]:
    if any(attempt.id == attempt_id for attempt in order.attempts):
        return ()
    if not may_pay(order, now):
        raise _why_not_paid(order, now)
    return (PaymentStarted(order.id, method),)


def _why_not_paid(order: Order, now: datetime) -> Refused:
    match order.state:
        case "placing":
            return _too_early()
        case "paid":
            return Refused("order-paid", "conflict", "This order is paid already.")
        case "paying":
            return _under_way()
        case "lapsed" | "cancelled" | "rejected":
            return _over(order)
    if order.pays_later:
        return Refused("pays-later", "conflict", "This order is paid at the venue.")
    if now >= order.pay_by:
        return Refused("order-lapsed", "gone", "This order was not paid in time.", payBy=order.pay_by)
    return Refused("too-many-payments", "full", "This order was tried too often. Cancel it and book again.")


def _paid(order: Order, attempt_id: str | None, payment: str) -> tuple[Fact, ...]:
    """The first of paid, lapsed and cancelled holds; money that comes for anything else goes back."""
    if order.state == "placing":
        raise _too_early()
    if order.state in ("awaiting", "paying"):
        return (Paid(order.id, attempt_id, payment),)
    is_this_one = order.state == "paid" and order.payment == payment
    if is_this_one or any(refund.payment == payment for refund in order.refunds):
        return ()
    return (RefundOwed(order.id, attempt_id, payment),)


def _cancelled(order: Order, now: datetime) -> tuple[Fact, ...]:
    if order.state == "cancelled":
        return ()
    if not may_cancel(order, now):
        raise _why_not_cancelled(order)
    cancelled = OrderCancelled(order.id)
    if order.state == "paid" and order.total:
        refunded = {refund.attempt_id for refund in order.refunds}
        succeeded = next((a.id for a in order.attempts if a.state == "succeeded" and a.id not in refunded), None)
        return (cancelled, RefundOwed(order.id, succeeded, order.payment))
    return (cancelled,)


def _why_not_cancelled(order: Order) -> Refused:
    match order.state:
        case "placing":
            return _too_early()
        case "paying":
            return _under_way()
        case "lapsed" | "rejected":
            return _over(order)
    return Refused("slot-past", "gone", "It has begun already, so it can't be cancelled.")


def _too_early() -> Refused:
    return Refused("order-too-early", "conflict", "This order is being placed still. Try again in a moment.")


def _under_way() -> Refused:
    return Refused("payment-under-way", "conflict", "A payment of this order is under way. Wait for its end.")


def _over(order: Order) -> Refused:
    sentence = "This order is over. Its seats are free again."
    match order.state:
        case "cancelled":
            return Refused("order-cancelled", "gone", sentence)
        case "rejected":
            return Refused("order-rejected", "gone", sentence)
        case _:
            return Refused("order-lapsed", "gone", sentence, payBy=order.pay_by)


def unpaid_in_time(order: Order, now: datetime) -> bool:
    """Whether it is at its end, unless it is known by then that it was paid."""
    return order.state == "awaiting" and now >= order.pay_by


def unfinished(order: Order) -> bool:
    """Whether there is something left to do elsewhere: in slots, at the provider, in trips."""
    owed = any(refund.state == "owed" for refund in order.refunds)
    return order.state == "placing" or not order.settled or owed or order.open_attempt is not None
