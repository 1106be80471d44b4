"""The seats of one time slot: held for a while, pinned by an order, sold, free again. Pure.

The log of a slot names nobody: a hold and an order are opaque ids, so it can be shown to anybody. Whose they are, and
how many one person may hold, is the cart's to know (cart.py). Not for prices.
"""

from __future__ import annotations  # rpds maps can't be subscripted when running

from datetime import datetime, timedelta
from itertools import takewhile

import msgspec

from roadcrew_domain.events import Fact
from roadcrew_domain.exhibitions import MAX_CAPACITY
from roadcrew_domain.refusals import Refused, seats_gone, slot_past
from roadcrew_domain.seats_evolve import evolve
from roadcrew_domain.seats_state import (
    MOST_FREED,
    PIN_WITHIN,
    REMEMBERED,
    CapacityChanged,
    ExtendHold,
    FreedBecause,
    FreeHold,
    Hold,
    HoldBounds,
    HoldExtended,
    HoldSeats,
    HoldState,
    OpenSlot,
    PinHold,
    ReleaseHold,
    SeatsFreed,
    SeatsHeld,
    SeatsPinned,
    SeatsSold,
    SeatsUnpinned,
    SellHold,
    Slot,
    SlotAct,
    SlotCommand,
    SlotOpened,
    SlotTick,
    UnpinHold,
)

__all__ = [
    "MOST_FREED",
    "PIN_WITHIN",
    "REMEMBERED",
    "CapacityChanged",
    "ExtendHold",
    "FreeHold",
    "FreedBecause",
    "Hold",
    "HoldBounds",
    "HoldExtended",
    "HoldSeats",
    "HoldState",
    "OpenSlot",
    "PinHold",
    "ReleaseHold",
    "SeatsFreed",
    "SeatsHeld",
    "SeatsPinned",
    "SeatsSold",
    "SeatsUnpinned",
    "SellHold",
    "Slot",
    "SlotAct",
    "SlotCommand",
    "SlotOpened",
    "SlotTick",
    "UnpinHold",
    "decide",
    "evolve",
    "left_at",
    "next_due",
]


def decide(slot: Slot | None, command: SlotCommand, now: datetime) -> tuple[Fact, ...]:
    """What happens if `command` is accepted at `now`: first what has run out (the oldest of it) is said to be free.

    Raises `Refused`: `unknown-slot`, `slot-past`, `seats-gone` (with `left`), `hold-gone`, `hold-limit`, `order-over`,
    `invalid`.
    """
    act = command.act
    if isinstance(act, OpenSlot):
        return _opened(slot, act)
    if isinstance(act, HoldSeats | PinHold):
        first = _opened(slot, act.slot)
        slot = _after(slot, first, act.slot)
    else:
        first = ()
    if slot is None:
        raise Refused("unknown-slot", "missing", "There is no such time slot.")
    overdue = _overdue(slot, now)[:MOST_FREED]
    slot = _without(slot, overdue)
    facts = _decided(slot, act, now)
    return (*first, *overdue, *facts) if facts or isinstance(act, SlotTick) else ()


def _decided(slot: Slot, act: SlotAct, now: datetime) -> tuple[Fact, ...]:
    match act:
        case HoldSeats():
            return _held(slot, act, now)
        case ExtendHold(hold_id=hold_id, bounds=bounds):
            return _extended(_standing(slot, hold_id, now), bounds, now)
        case ReleaseHold(hold_id=hold_id):
            hold = slot.holds.get(hold_id)
            if hold is None or hold.state != "held":
                return ()
            return (SeatsFreed(hold_id, hold.seats, "released"),)
        case PinHold():
            return _pinned(slot, act, now)
        case UnpinHold():
            return _unpinned(slot, act)
        case SellHold(hold_id=hold_id, order=order):
            hold = slot.holds.get(hold_id)
            if hold is None or hold.order != order:
                raise Refused("hold-gone", "gone", "This order has no seats here.")
            return () if hold.state == "sold" else (SeatsSold(hold_id),)
        case FreeHold(hold_id=hold_id, order=order, because=because):
            hold = slot.holds.get(hold_id)
            if hold is None or hold.order != order:
                return _ended(slot, hold_id, order, because)
            return (SeatsFreed(hold_id, hold.seats, because, order),)
        case _:
            return ()


def _opened(slot: Slot | None, act: OpenSlot) -> tuple[Fact, ...]:
    if not 0 < act.capacity <= MAX_CAPACITY:
        raise Refused("invalid", "invalid", f"A time slot has 1 to {MAX_CAPACITY} seats.", field="capacity")
    if slot is None:
        return (SlotOpened(act.capacity, act.starts_at, act.ends_at),)
    return () if slot.capacity == act.capacity else (CapacityChanged(act.capacity),)


def _held(slot: Slot, act: HoldSeats, now: datetime) -> tuple[Fact, ...]:
    hold = slot.holds.get(act.hold_id)
    if hold is not None:
        return ()  # the same once more
    _check_to_come(slot, now)
    until, limit = min(act.until, slot.starts_at), min(act.limit, slot.starts_at)
    if now >= until:
        raise Refused("hold-gone", "gone", "These seats were not taken in time.")
    _check_left(slot, act.seats)
    return (SeatsHeld(act.hold_id, act.seats, until, limit),)


def _extended(hold: Hold, bounds: HoldBounds, now: datetime) -> tuple[Fact, ...]:
    until = min(now + timedelta(seconds=bounds.hold_for), hold.limit)
    if hold.extensions >= bounds.max_extensions or until <= hold.until:
        raise Refused("hold-limit", "conflict", "These seats can't be held any longer.", until=hold.until)
    return (HoldExtended(hold.id, until),)


def _pinned(slot: Slot, act: PinHold, now: datetime) -> tuple[Fact, ...]:
    hold = slot.holds.get(act.hold_id)
    if hold is not None and hold.order == act.order:
        return ()
    if _is_over(slot, act.order) or now > act.placed_at + PIN_WITHIN:
        raise Refused("order-over", "gone", "This order is over.")
    if hold is None:
        _check_to_come(slot, now)
        _check_left(slot, act.seats)
        limit = min(act.limit, slot.starts_at)
        return (SeatsPinned(act.hold_id, act.order, act.seats, took=act.seats, limit=limit),)
    if hold.state != "held" or hold.seats != act.seats:
        raise Refused("hold-gone", "gone", "These seats belong to another order.")
    return (SeatsPinned(act.hold_id, act.order, act.seats),)


def _unpinned(slot: Slot, act: UnpinHold) -> tuple[Fact, ...]:
    hold = slot.holds.get(act.hold_id)
    if hold is not None and hold.order == act.order:
        return (SeatsUnpinned(hold.id, act.order, min(act.until, hold.limit)),)
    if hold is not None and hold.order is None and not _is_over(slot, act.order):
        # Never pinned: its own time may be shorter than what the cart says since the order came to nothing.
        return (SeatsUnpinned(hold.id, act.order, max(hold.until, min(act.until, hold.limit))),)
    return _ended(slot, act.hold_id, act.order, "lapsed")


def _ended(slot: Slot, hold_id: str, order: str, because: FreedBecause) -> tuple[Fact, ...]:
    """An order that has nothing here can't come to have something any more."""
    return () if _is_over(slot, order) else (SeatsFreed(hold_id, 0, because, order),)


def _is_over(slot: Slot, order: str) -> bool:
    return any(over == order for over, _ in slot.over)


def _standing(slot: Slot, hold_id: str, now: datetime) -> Hold:
    hold = slot.holds.get(hold_id)
    if hold is None or hold.state != "held" or now >= hold.until:
        raise Refused("hold-gone", "gone", "These seats are no longer held.")
    return hold


def _check_to_come(slot: Slot, now: datetime) -> None:
    if now >= slot.starts_at:
        raise slot_past(startsAt=slot.starts_at)


def _check_left(slot: Slot, seats: int) -> None:
    if seats < 1:
        raise Refused("invalid", "invalid", "Hold at least one seat.", field="tickets")
    if seats > slot.left:
        raise seats_gone(left=slot.left)


def _overdue(slot: Slot, now: datetime) -> tuple[SeatsFreed, ...]:
    ended = takewhile(lambda end: end[0] <= now, slot.ends)
    return tuple(SeatsFreed(hold_id, slot.holds[hold_id].seats, "expired") for _, hold_id in ended)


def _without(slot: Slot, overdue: tuple[SeatsFreed, ...]) -> Slot:
    if not overdue:
        return slot
    holds = slot.holds
    for fact in overdue:
        holds = holds.remove(fact.hold_id)
    taken = slot.taken - sum(fact.seats for fact in overdue)
    return msgspec.structs.replace(slot, holds=holds, taken=taken, ends=slot.ends[len(overdue) :])


def _after(slot: Slot | None, opened: tuple[Fact, ...], act: OpenSlot) -> Slot:
    if slot is None:
        return Slot("", act.capacity, act.starts_at, act.ends_at)
    return msgspec.structs.replace(slot, capacity=act.capacity) if opened else slot


def next_due(slot: Slot) -> datetime | None:
    """When the next hold runs out."""
    return slot.ends[0][0] if slot.ends else None


def left_at(slot: Slot, now: datetime) -> int:
    """Seats that are free at `now`, also of holds whose end nobody has announced yet."""
    return _without(slot, _overdue(slot, now)).left
