"""What a change is about, in the names of the moment in which it was made: whoever reads of it later may have no trip
at hand to look them up in. Pure. Not for sentences: those are the screen's."""

from __future__ import annotations

from roadcrew_domain import crew, dropped, hotels, polls
from roadcrew_domain.polls import Poll
from roadcrew_domain.trip import EditTrip, Trip, TripAct
from roadcrew_domain.values import Value


class About(Value, frozen=True):
    """People's words, all of them. `what` is a poll's question, or a hotel's or a member's name; `choices` are the
    options of a vote with the answer to each. Empty where nothing was known."""

    trip: str = ""
    what: str = ""
    choices: tuple[tuple[str, str], ...] = ()


def about(trip: Trip | None, act: TripAct) -> About:
    """What `act` is about, in a trip as it is drawn."""
    name = "" if trip is None else trip.name
    match act:
        case polls.OpenPoll(question=question):
            return About(name, question)
        case hotels.ShortlistHotel(name=hotel):
            return About(name, hotel)
        case EditTrip(name=str() as new):
            return About(name, new)
    if trip is None:
        return About()
    match act:
        case polls.CastVote(poll_id=poll_id):
            given = act.answers or tuple((i, "yes") for i in act.option_ids)
            return _of_poll(name, trip.polls.get(poll_id), given)
        case polls.ClosePoll(poll_id=poll_id, option_id=option):
            return _of_poll(name, trip.polls.get(poll_id), () if option is None else ((option, "yes"),))
        case hotels.UnshortlistHotel(hotel_id=hotel_id) | hotels.VoteHotel(hotel_id=str() as hotel_id):
            return About(name, _hotel(trip, hotel_id))
        case dropped.RestoreHotel(hotel_id=hotel_id):
            gone = trip.dropped.get(hotel_id)
            return About(name, _hotel(trip, hotel_id) if gone is None else gone.hotel.name)
        case hotels.CloseHotelVoting(winner_id=str() as winner):
            return About(name, _hotel(trip, winner))
        case crew.RemoveMember(member_id=member) | crew.HandOver(member_id=member):
            return About(name, trip.members[member].name if member in trip.members else "")
    return About(name)


def _of_poll(name: str, poll: Poll | None, given: tuple[tuple[str, str], ...]) -> About:
    if poll is None:
        return About(name)
    texts = {option.id: option.text for option in poll.options}
    return About(name, poll.question, tuple((texts[i], answer) for i, answer in given if i in texts))


def _hotel(trip: Trip, hotel_id: str) -> str:
    hotel = trip.hotels.get(hotel_id)
    return "" if hotel is None else hotel.name
