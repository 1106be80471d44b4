"""Seats for a cart: added, kept longer, given back.

The cart's log is written first: whoever dies between it and the slot is followed by somebody who finishes. A hold that
nobody finishes ends by itself, so no seat is lost by it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta

from roadcrew_domain import cart, seats
from roadcrew_domain.booking_ids import hold_of, step_of
from roadcrew_domain.cart_acts import ConfirmAdd, FailAdd, NoteDiscount, NoteExtension
from roadcrew_domain.refusals import Refused, seats_gone, slot_past
from roadcrew_server.booking.desk import Desk, left_if_it_fails
from roadcrew_server.stores.base import StoreError

log = logging.getLogger(__name__)


async def finish_add(desk: Desk, user: str, line_id: str) -> None:
    """Take the seats of a line that was added, and say so in the cart; however often, by however many. Raises `Refused`
    if they can't be had."""
    now = await desk.cart(user)
    line = now.line(line_id)
    if line is None:
        await _say_why(desk, now.ending(line_id))
        return
    if line.state == "held":
        return
    hold = hold_of(user, line_id)
    try:
        slot = await desk.opening(line.slot)
        act = seats.HoldSeats(hold, line.seats, line.until, line.limit, slot)
        await desk.slot_does(line.slot.slot_id, act, step_of(user, line_id, "hold"))
    except Refused as refused:
        after = await desk.cart_does(user, FailAdd(line_id, refused.code))
        still = after.line(line_id)
        if still is not None and still.state == "held":  # another process was given them
            return
        raise
    try:
        await desk.cart_does(user, ConfirmAdd(line_id))
    except Refused:  # it was taken out of the cart meanwhile, or refused to who asked for it at the same time
        await desk.slot_does(line.slot.slot_id, seats.ReleaseHold(hold), step_of(user, line_id, "release"))
        await _say_why(desk, (await desk.cart(user)).ending(line_id))


async def _say_why(desk: Desk, ended: cart.EndedLine | None) -> None:
    """Refuse who asks again for what was refused before. What was in the cart and is there no more, the cart says."""
    if ended is None:
        return
    match ended.code:
        case "removed" | "expired":
            return
        case "seats-gone":
            raise await gone(desk, (ended.slot_id,))
        case "slot-past":
            raise slot_past()
        case "hold-gone":
            raise Refused("hold-gone", "gone", "These seats were not taken in time. Please try again.")
        case _:
            raise Refused("unknown-slot", "missing", "There is no such time slot any more.")


async def gone(desk: Desk, slot_ids: Iterable[str]) -> Refused:
    """The refusal for seats of these slots; `left` is the fewest that one of them has, as far as they are known."""
    now = desk.hub.store.now()
    known = [await desk.slot(slot_id) for slot_id in slot_ids if slot_id]
    left = [seats.left_at(slot, now) for slot in known if slot is not None]
    return seats_gone(left=min(left)) if left else seats_gone()


async def keep_longer(desk: Desk, user: str, line: cart.Line, bounds: seats.HoldBounds, command: str) -> NoteExtension:
    """Have the slot hold a line's seats for longer, once for each `command`. Raises `Refused`."""
    hold, step = hold_of(user, line.id), step_of(user, command, "extend")
    slot = await desk.slot_does(line.slot.slot_id, seats.ExtendHold(hold, bounds), step, key=step)
    standing = slot.holds.get(hold)
    if standing is None:
        raise Refused("hold-gone", "gone", "These seats are no longer held.")
    return NoteExtension(line.id, standing.until, standing.extensions)


async def give_back(desk: Desk, user: str, ended: cart.EndedLine) -> None:
    """Free the seats of a line that is no more. If that fails they are free when their time is up."""
    with suppress(Refused, StoreError):
        act = seats.ReleaseHold(hold_of(user, ended.line_id))
        await desk.slot_does(ended.slot_id, act, step_of(user, ended.line_id, "release"))


async def note_discounts(desk: Desk, user: str) -> None:
    """Have the cart know what the trips of its lines give off now."""
    state = await desk.cart(user)
    for trip_id in dict.fromkeys(line.trip_id for line in state.lines if line.trip_id is not None):
        known = state.discount(trip_id)
        now = await desk.discount(user, trip_id)
        if now is None and known is not None:  # they left, or it has ended: which was an event after that one
            now = cart.TripDiscount(trip_id, 0, known.trip_seq + 1)
        if now is not None and (known is None or known.percent != now.percent):
            await desk.cart_does(user, NoteDiscount(now))


async def take_up(desk: Desk, user: str, now: datetime, hold_for: timedelta) -> None:
    """Finish what was begun so long ago that its process must have died, and see to it that lines that ended lately
    have no seats: who ended one, or had its seats held for longer at its end, may have died before they were free.
    After `hold_for` a hold has ended by itself."""
    state = await desk.cart(user)
    for line in state.lines:
        if line.state == "adding" and now >= line.added_at + cart.TAKEN_UP:
            with left_if_it_fails("a line"), suppress(Refused):
                await finish_add(desk, user, line.id)
    for ended in state.ended:
        if ended.at is not None and now < ended.at + hold_for:
            with left_if_it_fails("a line that has ended"):
                slot = await desk.slot(ended.slot_id)
                if slot is not None and hold_of(user, ended.line_id) in slot.holds:
                    await give_back(desk, user, ended)
