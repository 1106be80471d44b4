"""A trip counted anew from its whole log with plain dicts: slow, simple, and shares no code with `evolve`."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from roadcrew_domain.events import Event


@dataclass
class NaivePoll:
    opened_by: str
    options: list[str]
    deadline: datetime | None
    votes: dict[str, dict[str, str]] = field(default_factory=dict)
    closed: bool = False
    winners: list[str] | None = None
    outcomes: list[list[str]] = field(default_factory=list)


@dataclass
class NaiveTrip:
    members: dict[str, str] = field(default_factory=dict)
    organiser: str = ""
    required: int = 0
    polls: dict[str, NaivePoll] = field(default_factory=dict)
    hotels: dict[str, str] = field(default_factory=dict)
    hotel_votes: dict[str, str] = field(default_factory=dict)
    bookings: dict[str, tuple[str, int]] = field(default_factory=dict)
    runs: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    voting: bool = False
    announced: int = 0
    ended: bool = False

    def counts(self, poll: str) -> Counter[tuple[str, str]]:
        """How often each answer was given to each option."""
        return Counter(vote for ballot in self.polls[poll].votes.values() for vote in ballot.items())

    def leaders(self, poll: str) -> list[str]:
        """The options with most yes, then most maybe."""
        counts = self.counts(poll)
        scores = {o: (counts[o, "yes"], counts[o, "maybe"]) for o in self.polls[poll].options}
        best = max(scores.values())
        return [o for o, score in scores.items() if score == best and any(best)]


def recount(events: Iterable[Event]) -> NaiveTrip:
    """The trip after all these events, from what they say as JSON would."""
    trip = NaiveTrip()
    for e in events:
        _apply(trip, e, {f: getattr(e.data, f) for f in e.data.__struct_fields__})
    return trip


def _apply(trip: NaiveTrip, e: Event, data: dict[str, Any]) -> None:
    by = e.by or ""
    if e.type == "TripCreated":
        trip.members[by] = data["organiser_name"]
        trip.organiser, trip.required = by, data["required_members"]
    elif e.type == "TripEdited" and isinstance(data["required_members"], int):
        trip.required = data["required_members"]
    elif e.type in ("MemberJoined", "MemberRenamed"):
        trip.members[data["member_id"]] = data["name"]
    elif e.type in ("MemberLeft", "MemberRemoved"):
        del trip.members[data["member_id"]]
        for poll in trip.polls.values():
            if not poll.closed and (poll.deadline is None or e.at < poll.deadline):
                poll.votes.pop(data["member_id"], None)
        if trip.voting:
            trip.hotel_votes.pop(data["member_id"], None)
        trip.bookings = {b: booked for b, booked in trip.bookings.items() if booked[0] != data["member_id"]}
    elif e.type == "OrganiserChanged":
        trip.organiser = data["member_id"]
    elif e.type == "DiscountUnlocked":
        trip.announced += 1
    elif e.type == "TripEnded":
        trip.ended = True
    elif e.type == "TripRestored":
        trip.ended = False
    elif e.type == "MemberBooked":
        trip.bookings[data["booking_id"]] = (by, data["seats"])
    elif e.type == "BookingDropped":
        del trip.bookings[data["booking_id"]]
    elif e.type == "RunStarted":
        trip.runs[data["run_id"]] = (by, None)
    elif e.type == "RunEnded":
        trip.runs[data["run_id"]] = (trip.runs[data["run_id"]][0], data["ended"])
    elif "poll_id" in data:
        _apply_to_poll(trip, e, data)
    else:
        _apply_to_hotels(trip, e, data)


def _apply_to_poll(trip: NaiveTrip, e: Event, data: dict[str, Any]) -> None:
    by, poll = e.by or "", data["poll_id"]
    if e.type == "PollOpened":
        trip.polls[poll] = NaivePoll(by, [o.id for o in data["options"]], data["closes_at"])
    elif e.type == "VoteCast":
        trip.polls[poll].votes[by] = dict(data["ballot"])
        if not data["ballot"]:
            del trip.polls[poll].votes[by]
    elif e.type == "PollClosed":
        trip.polls[poll].closed = True
        trip.polls[poll].winners = list(data["outcome"].winners)
        trip.polls[poll].outcomes.append(list(data["outcome"].winners))
    else:
        assert e.type == "PollTieSettled"
        trip.polls[poll].winners = [data["option_id"]]
        trip.polls[poll].outcomes.append([data["option_id"]])


def _apply_to_hotels(trip: NaiveTrip, e: Event, data: dict[str, Any]) -> None:
    if e.type == "HotelShortlisted":
        trip.hotels[data["hotel_id"]] = data["name"]
    elif e.type == "HotelRestored":
        trip.hotels[data["hotel"].id] = data["hotel"].name
    elif e.type == "HotelUnshortlisted":
        del trip.hotels[data["hotel_id"]]
        trip.hotel_votes = {m: h for m, h in trip.hotel_votes.items() if h in trip.hotels}
    elif e.type == "HotelVotingOpened":
        trip.voting, trip.hotel_votes = True, {}
    elif e.type == "HotelVoteCast":
        trip.hotel_votes[e.by or ""] = data["hotel_id"]
        if data["hotel_id"] is None:
            del trip.hotel_votes[e.by or ""]
    elif e.type == "HotelVotingClosed":
        trip.voting = False
