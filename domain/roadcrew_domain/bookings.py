"""What the members of a trip have booked, told to the others: "sit with us". Pure.

The seats themselves are the slot's (seats.py), and an order is a person's own (cart.py); here is only who goes where.
"""

from __future__ import annotations  # rpds maps can't be subscripted when running

from rpds import HashTrieMap

from roadcrew_domain.events import Fact
from roadcrew_domain.exhibitions import SlotInfo
from roadcrew_domain.refusals import Refused
from roadcrew_domain.values import Moment, Value

MAX_BOOKINGS = 500
"""Of one trip."""


class Booking(Value, frozen=True):
    """Somebody of the crew goes there then, with so many seats."""

    id: str
    member_id: str
    slot: SlotInfo
    seats: int
    booked_at: Moment


class MemberBooked(Fact, frozen=True):
    """Who booked is the event's `by`."""

    booking_id: str
    slot: SlotInfo
    seats: int


class BookingDropped(Fact, frozen=True):
    booking_id: str


class NoteBooking(Value, frozen=True):
    """Sent by the server when an order stands, by nobody else."""

    booking_id: str
    slot: SlotInfo
    seats: int


class DropBooking(Value, frozen=True):
    """Sent by the server when an order is over."""

    booking_id: str


def note(bookings: HashTrieMap[str, Booking], act: NoteBooking) -> MemberBooked | None:
    """The fact, None if it is noted. Raises `Refused` (`too-many-bookings`)."""
    if act.booking_id in bookings:
        return None
    if len(bookings) >= MAX_BOOKINGS:
        raise Refused("too-many-bookings", "full", f"A trip shows {MAX_BOOKINGS} bookings.", limit=MAX_BOOKINGS)
    return MemberBooked(act.booking_id, act.slot, act.seats)


def drop(bookings: HashTrieMap[str, Booking], member: str, act: DropBooking) -> BookingDropped | None:
    """The fact; None if there is no such booking of this member."""
    booking = bookings.get(act.booking_id)
    return None if booking is None or booking.member_id != member else BookingDropped(act.booking_id)


def without(bookings: HashTrieMap[str, Booking], member: str) -> HashTrieMap[str, Booking]:
    """The bookings of all but one."""
    for booking in bookings.values():
        if booking.member_id == member:
            bookings = bookings.remove(booking.id)
    return bookings
