"""What each fact changes in a time slot: `evolve` gives the next state. Pure.

What runs out first is kept in order, so that no number of holds makes a step slow (tests/domain/test_growth.py).
"""

from __future__ import annotations  # rpds maps can't be subscripted when running

from bisect import bisect_left, bisect_right
from datetime import datetime

import msgspec

from roadcrew_domain.events import Event, Fact
from roadcrew_domain.seats_state import (
    REMEMBERED,
    CapacityChanged,
    End,
    Hold,
    HoldExtended,
    Over,
    SeatsFreed,
    SeatsHeld,
    SeatsPinned,
    SeatsSold,
    SeatsUnpinned,
    Slot,
    SlotOpened,
)


def evolve(slot: Slot | None, event: Event) -> Slot:
    """The state after `event`. Raises `ValueError` for an event that can't follow this state."""
    fact = event.data
    if isinstance(fact, SlotOpened):
        if slot is not None:
            raise ValueError("a slot is opened once")
        return Slot(event.topic.partition(":")[2], fact.capacity, fact.starts_at, fact.ends_at)
    if slot is None:
        raise ValueError(f"a slot begins with SlotOpened, not {event.type}")
    try:
        return _changed(slot, fact, event.at)
    except KeyError as error:
        raise ValueError(f"{event.type} of something that is not there: {error}") from error


def _changed(slot: Slot, fact: Fact, at: datetime) -> Slot:
    match fact:
        case CapacityChanged(capacity=capacity):
            return msgspec.structs.replace(slot, capacity=capacity)
        case SeatsHeld(hold_id=hold_id, seats=seats, until=until, limit=limit):
            return _with(slot, Hold(hold_id, seats, "held", until, limit), took=seats)
        case HoldExtended(hold_id=hold_id, until=until):
            hold = slot.holds[hold_id]
            return _with(slot, msgspec.structs.replace(hold, until=until, extensions=hold.extensions + 1))
        case SeatsPinned(hold_id=hold_id, order=order, seats=seats, took=took, limit=limit):
            hold = slot.holds.get(hold_id) or Hold(hold_id, seats, "pinned", at, limit or slot.starts_at)
            return _with(slot, msgspec.structs.replace(hold, state="pinned", order=order), took=took)
        case SeatsUnpinned(hold_id=hold_id, order=order, until=until):
            held = msgspec.structs.replace(slot.holds[hold_id], state="held", until=until, order=None)
            return _with(slot, held, over=_remembered(slot, order, at))
        case SeatsSold(hold_id=hold_id):
            return _with(slot, msgspec.structs.replace(slot.holds[hold_id], state="sold"))
        case SeatsFreed(hold_id=hold_id, seats=seats, order=order):
            over = slot.over if order is None else _remembered(slot, order, at)
            if not seats:
                return msgspec.structs.replace(slot, over=over)
            ends = _dropped(slot.ends, slot.holds[hold_id])
            holds = slot.holds.remove(hold_id)
            return msgspec.structs.replace(slot, holds=holds, taken=slot.taken - seats, over=over, ends=ends)
        case _:
            raise ValueError(f"no rule for {type(fact).__name__}")


def _with(slot: Slot, hold: Hold, *, took: int = 0, over: tuple[Over, ...] | None = None) -> Slot:
    before = slot.holds.get(hold.id)
    ends = slot.ends if before is None else _dropped(slot.ends, before)
    return msgspec.structs.replace(
        slot,
        holds=slot.holds.insert(hold.id, hold),
        taken=slot.taken + took,
        over=slot.over if over is None else over,
        ends=_added(ends, hold),
    )


def _added(ends: tuple[End, ...], hold: Hold) -> tuple[End, ...]:
    if hold.state != "held":
        return ends
    end = (hold.until, hold.id)
    at = bisect_left(ends, end)
    return (*ends[:at], end, *ends[at:])


def _dropped(ends: tuple[End, ...], hold: Hold) -> tuple[End, ...]:
    if hold.state != "held":
        return ends
    at = bisect_left(ends, (hold.until, hold.id))
    return (*ends[:at], *ends[at + 1 :])


def _remembered(slot: Slot, order: str, at: datetime) -> tuple[Over, ...]:
    forgotten = bisect_right(slot.over, at - REMEMBERED, key=lambda over: over[1])
    return (*slot.over[forgotten:], (order, at))
