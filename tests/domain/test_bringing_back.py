"""What was taken off or deleted comes back as it was, for whom and for how long that is so."""

from datetime import timedelta

import pytest
from tests.domain.booking_play import slot_info
from tests.domain.playing import ANA, BEN, CARLA, CODE, DAY, DEV, Play, crew_of

from roadcrew_domain.bookings import DropBooking, NoteBooking
from roadcrew_domain.crew import HandOver, JoinTrip, LeaveTrip
from roadcrew_domain.dropped import MAX_DROPPED, RESTORABLE, RestoreHotel
from roadcrew_domain.hotels import OpenHotelVoting, UnshortlistHotel, VoteHotel
from roadcrew_domain.polls import CastVote
from roadcrew_domain.runs import NoteRun, NoteRunEnd
from roadcrew_domain.trip import DeleteTrip, RestoreTrip, fold
from roadcrew_domain.views import decode_trip, encode_trip


def dropped(by: str = BEN) -> tuple[Play, str]:
    """A trip of three in which a hotel was voted for and taken off."""
    play = crew_of(BEN, CARLA)
    casa = play.hotel("Casa Azul", by=BEN)
    play.do(ANA, OpenHotelVoting("cheapest"))
    play.do(CARLA, VoteHotel(casa))
    play.do(by, UnshortlistHotel(casa))
    return play, casa


# R: T5
def test_a_hotel_that_was_taken_off_comes_back_as_it_was_without_its_votes():
    play, casa = dropped()
    there = play.trip.dropped[casa]
    assert (there.by, there.name, there.at) == (BEN, "Ben", play.now)
    play.do(BEN, RestoreHotel(casa))
    assert play.trip.hotels[casa] == there.hotel
    assert play.trip.hotels[casa].added_by == BEN
    assert casa not in play.trip.dropped
    assert len(play.trip.voting.ballots) == 0
    assert play.trip.recent[-1].subject == "Casa Azul"
    play.do(CARLA, VoteHotel(casa))
    assert play.do(BEN, RestoreHotel(casa)) == []


# R: T5 T8
def test_a_hotel_is_brought_back_by_the_organiser_and_by_who_took_it_off_alone():
    for who, code in ((ANA, None), (BEN, None), (CARLA, "not-yours-to-restore"), (DEV, "not-a-member")):
        play, casa = dropped()
        if code is None:
            assert [e.type for e in play.do(who, RestoreHotel(casa))] == ["HotelRestored"]
        else:
            assert play.refusal(who, RestoreHotel(casa)) == code
    play, casa = dropped(by=ANA)
    assert play.refusal(BEN, RestoreHotel(casa)) == "not-yours-to-restore"  # who added it did not take it off


# R: T5
def test_a_hotel_comes_back_for_thirty_days_and_not_a_moment_longer():
    for early, late in ((timedelta(microseconds=1), False), (timedelta(0), True)):
        play, casa = dropped()
        play.wait_until(play.now + RESTORABLE - early)
        if late:
            assert play.refusal(BEN, RestoreHotel(casa)) == "unknown-hotel"
        else:
            play.do(BEN, RestoreHotel(casa))
        assert play.refusal(BEN, RestoreHotel("nowhere")) == "unknown-hotel"


# R: T5
def test_a_hotel_whose_like_was_added_meanwhile_or_for_which_there_is_no_room_does_not_come_back(
    monkeypatch: pytest.MonkeyPatch,
):
    play, casa = dropped()
    again = play.hotel("casa azul", by=CARLA)
    assert play.refusal(BEN, RestoreHotel(casa)) == "hotel-listed"
    play.do(CARLA, UnshortlistHotel(again))
    play.hotel("Vila Verde")
    monkeypatch.setattr("roadcrew_domain.hotels.MAX_HOTELS", 1)
    assert play.refusal(BEN, RestoreHotel(casa)) == "too-many-hotels"


# R: T5
def test_a_trip_remembers_the_fifty_hotels_that_were_taken_off_last_and_forgets_the_old():
    play = crew_of()
    ids = [play.hotel(f"Hotel {n}") for n in range(MAX_DROPPED + 5)]
    for hotel in ids:
        play.do(ANA, UnshortlistHotel(hotel))
    assert set(play.trip.dropped) == set(ids[5:])
    last = play.hotel("The last")
    play.wait_until(play.now + RESTORABLE)
    play.do(ANA, UnshortlistHotel(last))
    assert set(play.trip.dropped) == {last}


# R: F5
def test_a_snapshot_from_before_hotels_were_remembered_is_read_and_follows_one_that_comes_back():
    play, casa = dropped()
    old = encode_trip(play.trip)
    cut = old[: old.index(b',"dropped":')] + b',"v":1}'
    trip = decode_trip(cut)
    assert len(trip.dropped) == 0
    assert fold(trip, play.do(BEN, RestoreHotel(casa))) == play.trip


# R: T6
def test_a_deleted_trip_comes_back_with_all_that_it_had():
    play = crew_of(BEN, CARLA)
    poll = play.poll(by=BEN)
    play.vote(CARLA, poll, 0)
    casa = play.hotel("Casa Azul")
    play.do(ANA, OpenHotelVoting("cheapest"))
    play.do(BEN, VoteHotel(casa))
    before = play.trip
    play.do(ANA, DeleteTrip())
    assert play.trip.restorable_until == play.now + RESTORABLE
    assert play.refusal(BEN, CastVote(poll, (f"{poll}.0",))) == "trip-ended"
    assert [e.type for e in play.do(ANA, RestoreTrip())] == ["TripRestored"]
    after = play.trip
    for part in ("members", "polls", "hotels", "voting", "invite", "ended_invites", "organiser", "name", "ended"):
        assert getattr(after, part) == getattr(before, part), part
    assert after.changed_at == play.now
    assert after.restorable_until is None
    play.do(DEV, JoinTrip(CODE, "Dev"))
    assert play.do(ANA, RestoreTrip()) == []


# R: T6 T8
def test_a_deleted_trip_comes_back_by_its_organiser_alone_and_within_thirty_days():
    play = crew_of(BEN)
    assert play.refusal(BEN, RestoreTrip()) == "not-organiser"
    play.do(ANA, HandOver(BEN))
    play.do(BEN, DeleteTrip())
    deleted = play.now
    for who in (ANA, DEV, None):
        assert play.refusal(who, RestoreTrip()) == "trip-ended"
    play.wait_until(deleted + RESTORABLE)
    assert play.refusal(BEN, RestoreTrip()) == "trip-ended"
    play.wait_until(deleted + RESTORABLE - timedelta(microseconds=1))
    play.do(BEN, RestoreTrip())


# R: T7
def test_a_trip_that_ended_in_another_way_does_not_come_back():
    empty = crew_of()
    empty.do(ANA, LeaveTrip())
    assert empty.refusal(ANA, RestoreTrip()) == "trip-ended"
    over = crew_of()
    over.wait_until(over.trip.warns_at)
    assert over.tick() == ["TripEndAnnounced"]
    over.wait_until(over.trip.ends_at)
    assert over.refusal(ANA, RestoreTrip()) == "trip-ended"
    assert over.tick() == ["TripEnded"]
    assert over.refusal(ANA, RestoreTrip()) == "trip-ended"


# R: T4 T7
def test_time_goes_on_for_a_deleted_trip_and_its_life_begins_anew_when_it_comes_back():
    play = crew_of(BEN)
    poll = play.poll(closes_in=2 * DAY)
    play.wait_until(play.trip.warns_at)
    play.tick()
    play.do(ANA, DeleteTrip())
    play.now += 20 * DAY
    assert play.tick() == []
    play.do(ANA, RestoreTrip())
    assert play.trip.ends_at == play.now + timedelta(seconds=play.trip.keep_for)
    assert not play.trip.end_said
    assert play.trip.polls[poll].closed


# R: T6
def test_what_ends_while_a_trip_is_deleted_is_known_when_it_comes_back_and_puts_nothing_off():
    play = crew_of(BEN)
    play.do(BEN, NoteRun("r", "stay"))
    play.do(BEN, NoteBooking("kept", slot_info(), 2))
    play.do(BEN, NoteBooking("dropped", slot_info(), 2))
    play.do(ANA, DeleteTrip())
    until = play.trip.restorable_until
    play.do(None, NoteRunEnd("r", "finished", 3))
    play.do(BEN, DropBooking("dropped"))
    play.do(BEN, NoteBooking("paid since", slot_info(), 1))
    assert play.refusal(DEV, NoteBooking("a stranger's", slot_info(), 1)) == "trip-ended"
    assert play.refusal(BEN, NoteRun("r2", "stay")) == "trip-ended"
    assert play.trip.restorable_until == until
    play.do(ANA, RestoreTrip())
    assert set(play.trip.bookings) == {"kept", "paid since"}
    assert play.trip.runs["r"].ended == "finished"
