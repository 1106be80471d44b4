"""Orders: placed in the cart's log, then their seats pinned, sold or freed in the slots, and trips told.

Each order is brought on from the state that its log says, one step at a time, until nothing is left to do. So a crash
between any two steps leaves it where the next one who comes finds it.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import datetime

from roadcrew_domain import bookings, cart, seats
from roadcrew_domain.booking_ids import booking_of, hold_of, order_of, step_of
from roadcrew_domain.cart_acts import ConfirmOrder, RejectOrder, SettleOrder
from roadcrew_domain.refusals import Refused
from roadcrew_server.booking import paying
from roadcrew_server.booking.desk import Desk, left_if_it_fails
from roadcrew_server.booking.paying import Providers
from roadcrew_server.payments.base import PaymentTrouble

log = logging.getLogger(__name__)

MOST_STEPS = 12
"""That an order takes in one go, whatever happens to it meanwhile."""


async def advance(desk: Desk, providers: Providers, user: str, order_id: str, *, asks: bool = False) -> None:
    """Do what is left to do for an order. `asks`: also what became of a payment that is under way, which may be under
    way in another process."""
    done: set[tuple[str, str]] = set()
    for _ in range(MOST_STEPS):
        order = (await desk.cart(user)).order(order_id)
        step = None if order is None else _next(order, done, asks=asks)
        if order is None or step is None:
            return
        done.add((step, order.state))
        match step:
            case "pin":
                await _pin(desk, user, order)
            case "settle":
                await _settle(desk, providers, user, order)
            case "refund":
                await paying.refund(desk, providers, user, order)
            case "look":
                await paying.look(desk, providers, user, order)


def _next(order: cart.Order, done: set[tuple[str, str]], *, asks: bool) -> str | None:
    """The next step, unless it was just tried in vain."""
    wanted = (
        ("pin", order.state == "placing"),
        ("settle", not order.settled and order.state != "paying"),  # a no brings it back to be settled as awaiting
        ("refund", any(refund.state == "owed" for refund in order.refunds)),
        ("look", asks and order.open_attempt is not None),
    )
    return next((step for step, due in wanted if due and (step, order.state) not in done), None)


async def _pin(desk: Desk, user: str, order: cart.Order) -> None:
    lost = []
    for line in order.lines:
        hold, mark = hold_of(user, line.id), order_of(user, order.id, line.id)
        try:
            slot = await desk.opening(line.slot)
            act = seats.PinHold(hold, mark, line.seats, order.placed_at, line.limit, slot)
            await desk.slot_does(line.slot.slot_id, act, step_of(user, f"{order.id} {line.id}", "pin"))
        except Refused as refused:
            log.info("order %s can't have its seats: %s", order.number, refused.code)
            lost.append(line.id)
    if lost:
        await desk.cart_does(user, RejectOrder(order.id, tuple(lost)))
    else:
        await desk.cart_does(user, ConfirmOrder(order.id))


async def _settle(desk: Desk, providers: Providers, user: str, order: cart.Order) -> None:
    """Have slots and trips know of the order's state."""
    for line in order.lines:
        hold, mark = hold_of(user, line.id), order_of(user, order.id, line.id)
        act: seats.SlotAct | None = None
        match order.state:
            case "paid":
                act = seats.SellHold(hold, mark)
            case "lapsed" | "cancelled" as because:
                act = seats.FreeHold(hold, mark, because)
            case "rejected":
                returned = None if line.id in order.lost else order.returned_until
                act = seats.UnpinHold(hold, mark, returned) if returned else seats.FreeHold(hold, mark, "lapsed")
        if act is not None and not await _told(desk, user, order, line, act):
            return
    try:
        if order.state == "awaiting":
            await paying.begin_later(desk, providers, user, order)
        elif order.state in ("lapsed", "cancelled"):
            await paying.give_up(desk, providers, user, order)
    except PaymentTrouble as trouble:
        log.warning("order %s is not what it is at its provider yet: %s", order.number, trouble)
        return
    for line in order.lines:
        await _tell_trip(desk, user, order, line)
    after = await desk.cart_does(user, SettleOrder(order.id, order.state))
    now = after.order(order.id)
    if now is not None and now.state in ("lapsed", "cancelled") and now.state != order.state:
        for line in now.lines:  # it ended while the trip was being told of it, and that may have been later
            await _tell_trip(desk, user, now, line)


async def _told(desk: Desk, user: str, order: cart.Order, line: cart.OrderLine, act: seats.SlotAct) -> bool:
    step = step_of(user, f"{order.id} {line.id}", order.state)
    try:
        await desk.slot_does(line.slot.slot_id, act, step)
    except Refused as refused:
        if refused.code == "unknown-slot":
            return True  # the slot is long past, and forgotten
        after = (await desk.cart(user)).order(order.id)
        if after is not None and after.state == order.state:
            log.error("order %s is %s, and a slot says: %s", order.number, order.state, refused.code)
        return False
    return True


async def _tell_trip(desk: Desk, user: str, order: cart.Order, line: cart.OrderLine) -> None:
    if line.trip_id is None:
        return
    booking = booking_of(user, line.id)
    if order.state in ("awaiting", "paid"):
        await desk.trip_does(user, line.trip_id, bookings.NoteBooking(booking, line.slot, line.seats))
    elif order.state in ("lapsed", "cancelled"):
        await desk.trip_does(user, line.trip_id, bookings.DropBooking(booking))


async def take_up(desk: Desk, providers: Providers, user: str, now: datetime) -> None:
    """Bring on every order that time has ended, or whose process must have died, or that was paid and nobody heard."""
    for order in (await desk.cart(user)).orders:
        with left_if_it_fails(f"order {order.number}"):
            ends = order.pays_later and cart.unpaid_in_time(order, now)
            waits = order.settled and paying.heard_here(providers, order)
            if ends or waits:
                with suppress(PaymentTrouble):
                    await (paying.end if ends else paying.hear)(desk, providers, user, order)
            nobodys = order.state == "lapsed" or now >= order.changed_at + cart.TAKEN_UP
            if ends or waits or (cart.unfinished(order) and nobodys):
                await advance(desk, providers, user, order.id, asks=True)
