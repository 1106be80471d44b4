"""What the members of a trip have booked, as the others of the trip see it."""

import msgspec
import pytest
from tests.domain.booking_play import DAY, OPENS, slot_info
from tests.domain.playing import ANA, BEN, DEV, Play, crew_of

from roadcrew_domain.bookings import MAX_BOOKINGS, DropBooking, NoteBooking
from roadcrew_domain.crew import LeaveTrip, RemoveMember
from roadcrew_domain.events import decode_event, encode_event
from roadcrew_domain.trip import fold
from roadcrew_domain.views import booking_order, decode_trip, encode_trip


def noting(booking: str = "b1", seats: int = 2) -> NoteBooking:
    return NoteBooking(booking, slot_info(), seats)


@pytest.fixture
def play() -> Play:
    return crew_of(BEN)


# R: C1
def test_a_booking_is_shown_once_with_who_goes_where(play: Play):
    assert [e.type for e in play.do(BEN, noting())] == ["MemberBooked"]
    assert play.do(BEN, noting()) == []
    (booking,) = play.trip.bookings.values()
    assert (booking.id, booking.member_id, booking.slot, booking.seats) == ("b1", BEN, slot_info(), 2)
    assert (play.trip.recent[-1].name, play.trip.recent[-1].subject) == ("Ben", "Monet")


# R: C1
def test_a_booking_that_is_over_is_shown_no_more(play: Play):
    play.do(BEN, noting())
    assert [e.type for e in play.do(BEN, DropBooking("b1"))] == ["BookingDropped"]
    assert play.do(BEN, DropBooking("b1")) == []
    assert play.do(BEN, DropBooking("never")) == []
    assert not play.trip.bookings
    assert play.trip.recent[-1].subject == "Monet"


# R: C1 T12
def test_nobody_drops_or_takes_over_the_booking_of_another(play: Play):
    play.do(BEN, noting())
    assert play.do(ANA, DropBooking("b1")) == []
    assert play.do(ANA, noting("b1", 9)) == []
    assert play.trip.bookings["b1"].member_id == BEN


# R: C1 T12
def test_who_is_not_in_the_trip_shows_nothing_in_it(play: Play):
    assert play.refusal(DEV, noting()) == "not-a-member"
    assert play.refusal(None, noting()) == "not-a-member"


# R: C1
def test_bookings_go_with_who_leaves_or_is_removed(play: Play):
    play.join(DEV)
    for who, booking in ((ANA, "a"), (BEN, "b1"), (BEN, "b2"), (DEV, "d")):
        play.do(who, noting(booking))
    play.do(BEN, LeaveTrip())
    play.do(ANA, RemoveMember(DEV))
    assert set(play.trip.bookings) == {"a"}


def test_a_trip_shows_five_hundred_bookings(play: Play):
    for n in range(MAX_BOOKINGS):
        play.do(BEN, noting(f"b{n}"))
    assert play.refusal(BEN, noting("one more")) == "too-many-bookings"
    assert play.do(BEN, noting("b0")) == []
    play.do(BEN, DropBooking("b0"))
    assert play.do(BEN, noting("one more"))


# R: C1
def test_bookings_are_in_the_order_of_their_days(play: Play):
    for booking, starts_at in (("later", OPENS + DAY), ("sooner", OPENS)):
        play.do(BEN, NoteBooking(booking, slot_info(booking, starts_at), 1))
    assert [b.id for b in booking_order(play.trip)] == ["sooner", "later"]


def test_a_trip_with_bookings_reads_back_and_its_log_folds_to_it(play: Play):
    play.do(BEN, noting())
    assert decode_trip(encode_trip(play.trip)) == play.trip
    assert fold(None, [decode_event(encode_event(e)) for e in play.events]) == play.trip


def test_a_trip_that_was_kept_before_there_were_bookings_still_reads(play: Play):
    old = msgspec.json.decode(encode_trip(play.trip))
    del old["bookings"]
    assert decode_trip(msgspec.json.encode(old)) == play.trip
