"""What takes back my last change, and why there is nothing that does. That it always does what it should, whatever a
crowd does, is walked through in test_random_commands.py."""

import pytest
from tests.domain.booking_play import slot_info
from tests.domain.playing import ANA, BEN, CARLA, Play, crew_of

from roadcrew_domain.bookings import NoteBooking
from roadcrew_domain.crew import HandOver, JoinTrip, LeaveTrip, RemoveMember, RenameMember, RenewInvite, RevokeInvite
from roadcrew_domain.dropped import RestoreHotel
from roadcrew_domain.hotels import (
    CloseHotelVoting,
    OpenHotelVoting,
    UnshortlistHotel,
    VoteHotel,
)
from roadcrew_domain.polls import Ballot, CastVote, ClosePoll
from roadcrew_domain.runs import NoteRun
from roadcrew_domain.trip import DeleteTrip, EditTrip, RestoreTrip, TripAct
from roadcrew_domain.undoing import NotUndone, undo_of


def undo(play: Play, who: str, events: slice = slice(None)) -> TripAct:
    return undo_of(play.trip, play.events[events], who)


def not_undone(play: Play, who: str, events: slice = slice(None)) -> NotUndone:
    with pytest.raises(NotUndone) as no:
        undo(play, who, events)
    assert no.value.detail.endswith(".")
    return no.value


def hotels_open(*people: str) -> tuple[Play, str, str]:
    """A vote on two hotels of Ana's."""
    play = crew_of(*people)
    casa, vila = play.hotel("Casa Azul"), play.hotel("Vila Verde")
    play.do(ANA, OpenHotelVoting("cheapest"))
    return play, casa, vila


# R: T4
def test_a_vote_is_taken_back_to_the_vote_before_it_and_that_can_be_undone_too():
    play = crew_of(BEN)
    poll = play.poll("Wed", "Thu")
    play.vote(BEN, poll, 0)
    play.vote(BEN, poll, 1)
    play.vote(ANA, poll, 1)
    assert undo(play, BEN) == CastVote(poll, (f"{poll}.0",))
    play.do(BEN, undo(play, BEN))
    assert undo(play, BEN) == CastVote(poll, (f"{poll}.1",))
    assert undo(play, ANA) == CastVote(poll)


# R: T4
def test_answers_come_back_as_answers():
    play = crew_of()
    poll = play.poll(kind="yes-maybe-no")
    first: Ballot = ((f"{poll}.0", "maybe"), (f"{poll}.1", "no"))
    play.do(ANA, CastVote(poll, answers=first))
    play.do(ANA, CastVote(poll, answers=((f"{poll}.0", "yes"),)))
    assert undo(play, ANA) == CastVote(poll, answers=first)


# R: T4
def test_votes_of_who_left_and_came_back_are_not_brought_back():
    play = crew_of(BEN)
    poll = play.poll()
    play.vote(BEN, poll, 0)
    play.do(BEN, LeaveTrip())
    play.join(BEN)
    play.vote(BEN, poll, 1)
    assert undo(play, BEN) == CastVote(poll)


# R: T4
def test_a_poll_that_has_ended_keeps_its_votes():
    play = crew_of(BEN)
    poll = play.poll()
    play.vote(BEN, poll, 0)
    play.do(ANA, ClosePoll(poll))
    assert not_undone(play, BEN).code == "cannot-undo"


# R: T5
def test_a_vote_for_a_hotel_goes_back_to_the_former_one_unless_that_was_off_in_between():
    play, casa, vila = hotels_open(BEN)
    play.do(BEN, VoteHotel(casa))
    play.do(BEN, VoteHotel(vila))
    assert undo(play, BEN) == VoteHotel(casa)
    play.do(ANA, UnshortlistHotel(casa))
    assert "Casa Azul" in not_undone(play, BEN).detail
    play.do(ANA, RestoreHotel(casa))
    assert undo(play, BEN) == VoteHotel(casa)
    other, casa, vila = hotels_open(BEN)
    other.do(BEN, VoteHotel(casa))
    other.do(ANA, UnshortlistHotel(casa))
    other.do(ANA, RestoreHotel(casa))
    other.do(BEN, VoteHotel(vila))
    assert undo(other, BEN) == VoteHotel(None)


# R: T5
def test_a_vote_for_a_hotel_is_not_undone_when_others_took_the_hotel_off_or_began_the_vote_anew():
    play, casa, _ = hotels_open(BEN)
    play.do(BEN, VoteHotel(casa))
    play.do(ANA, CloseHotelVoting())
    assert not_undone(play, BEN).code == "cannot-undo"
    play.do(ANA, OpenHotelVoting("cheapest"))
    no = not_undone(play, BEN)
    assert (no.code, no.facts["name"], no.facts["by"]) == ("changed-since", "Ana", ANA)
    play.do(BEN, VoteHotel(casa))
    play.do(ANA, UnshortlistHotel(casa))
    no = not_undone(play, BEN)
    assert (no.code, no.detail) == (
        "changed-since",
        "Ana has taken off Casa Azul since. Your change was not undone.",
    )


# R: T1
def test_an_edit_goes_back_field_by_field_and_leaves_what_others_changed():
    play = crew_of(BEN)
    play.do(BEN, EditTrip(destination="Porto", required_members=4))
    play.do(ANA, EditTrip(name="Porto in May"))
    assert undo(play, BEN) == EditTrip(destination=None, required_members=3)
    play.do(BEN, undo(play, BEN))
    assert (play.trip.name, play.trip.destination, play.trip.required_members) == ("Porto in May", None, 3)
    play.do(ANA, EditTrip(required_members=5))
    no = not_undone(play, BEN)
    assert (no.code, no.facts["what"], no.facts["name"]) == ("changed-since", "the group's size", "Ana")


# R: T5
def test_a_hotel_that_i_added_is_taken_off_unless_somebody_has_voted_for_it():
    play, _, _ = hotels_open(BEN, CARLA)
    mine = play.hotel("Alfama", by=BEN)
    assert undo(play, BEN) == UnshortlistHotel(mine)
    play.do(BEN, undo(play, BEN))
    assert undo(play, BEN) == RestoreHotel(mine)
    play.do(BEN, undo(play, BEN))
    play.do(CARLA, VoteHotel(mine))
    assert not_undone(play, BEN).detail == "Carla has voted for Alfama since. Your change was not undone."


# R: T5
def test_a_hotel_that_i_took_off_comes_back_unless_somebody_has_brought_it_back():
    play, casa, _ = hotels_open(BEN)
    play.do(ANA, HandOver(BEN))
    play.do(BEN, UnshortlistHotel(casa))
    assert undo(play, BEN) == RestoreHotel(casa)
    play.do(BEN, HandOver(ANA))
    play.do(ANA, UnshortlistHotel(play.hotel("Alfama")))
    play.do(ANA, RestoreHotel(casa))
    assert not_undone(play, BEN).code == "cannot-undo"  # handing over was the last thing that they did


@pytest.mark.parametrize(
    "last",
    [
        lambda play: play.do(BEN, JoinTrip("K7QM-2D4F", "Ben")),
        lambda play: play.poll(),
        lambda play: play.do(ANA, ClosePoll(play.poll())),
        lambda play: play.do(ANA, RemoveMember(CARLA)),
        lambda play: play.do(ANA, HandOver(CARLA)),
        lambda play: play.do(ANA, RenameMember("Anna")),
        lambda play: play.do(ANA, RenewInvite("0000-0001")),
        lambda play: play.do(ANA, RevokeInvite()),
        lambda play: play.do(ANA, NoteBooking("b", slot_info(), 2)),
        lambda play: play.do(ANA, NoteRun("r", "stay")),
        lambda play: (play.do(ANA, DeleteTrip()), play.do(ANA, RestoreTrip())),
        lambda play: (play.hotel("Casa Azul"), play.do(ANA, OpenHotelVoting("cheapest"))),
    ],
)
def test_what_can_not_be_undone_says_why(last):
    play = crew_of(CARLA)
    last(play)
    no = not_undone(play, play.events[-1].by or "nobody")
    assert (no.code, no.facts["further"]) == ("cannot-undo", False)
    assert no.detail != "That can't be undone."


def test_who_has_changed_nothing_has_nothing_to_undo_and_is_told_whether_there_is_more_to_look_through():
    play = crew_of(BEN)
    poll = play.poll()
    play.vote(BEN, poll, 0)
    play.vote(ANA, poll, 0)
    assert not_undone(play, CARLA).facts == {"further": False}
    no = not_undone(play, BEN, slice(-1, None))
    assert (no.code, no.facts) == ("nothing-to-undo", {"further": True})
    no = not_undone(play, BEN, slice(-2, None))
    assert (no.code, no.facts) == ("cannot-undo", {"further": True})
    assert undo(play, BEN, slice(-3, None)) == CastVote(poll)
    assert not_undone(crew_of(), BEN, slice(0, 0)).facts == {"further": False}


def test_of_a_change_that_begins_before_what_is_looked_through_more_is_asked_for():
    play = crew_of(BEN)
    play.do(ANA, EditTrip(required_members=2))
    assert [e.type for e in play.events[-2:]] == ["TripEdited", "DiscountUnlocked"]
    assert not_undone(play, ANA, slice(-1, None)).facts == {"further": True}
    assert undo(play, ANA) == EditTrip(required_members=3)
