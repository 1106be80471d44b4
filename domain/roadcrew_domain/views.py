"""A trip as others get it: the JSON of the HTTP contract, which is also the snapshot in the store.

`to_view` and `from_view` are inverse to each other, so a terminal that is handed the state goes on folding
exactly where the server is.
"""

from __future__ import annotations  # rpds maps can't be subscripted when running

from datetime import date
from typing import Literal

import msgspec
from rpds import HashTrieMap

from roadcrew_domain.bookings import Booking
from roadcrew_domain.crew import EndedInvite, Invite, Member
from roadcrew_domain.dropped import DroppedHotel
from roadcrew_domain.hotels import Hotel, HotelOutcome, HotelVoting, TieRule, votes_by_hotel
from roadcrew_domain.money import Money
from roadcrew_domain.polls import Answer, Ballot, Option, Outcome, Poll, PollKind, tally
from roadcrew_domain.runs import RunNote
from roadcrew_domain.trip_state import Bounds, EndReason, Kept, Recent, Trip
from roadcrew_domain.values import Moment, Value

SNAPSHOT_VERSION = 1

Role = Literal["organiser", "member"]


class MemberView(Value, frozen=True):
    id: str
    name: str
    role: Role
    joined_at: Moment


class OptionView(Value, frozen=True):
    """`votes`: member ids, or for yes / maybe / no a map from member id to answer."""

    id: str
    text: str
    votes: list[str] | dict[str, Answer]


class PollView(Value, frozen=True):
    id: str
    question: str
    kind: PollKind
    options: list[OptionView]
    opened_by: str
    opened_at: Moment
    closes_at: Moment | None
    closed_at: Moment | None
    closed: bool
    outcome: Outcome | None


class HotelView(Value, frozen=True):
    id: str
    name: str
    city: str
    stars: int
    price_per_night: Money
    url: str | None
    added_by: str
    added_at: Moment
    votes: list[str]


class HotelVotingView(Value, frozen=True):
    open: bool
    tie_rule: TieRule
    opened_by: str | None
    winner_id: str | None
    outcome: HotelOutcome | None


class TripView(Value, frozen=True):
    """The shape `trip` of the contract. Lists are in the order in which people see them."""

    id: str
    name: str
    destination: str | None
    starts_on: date | None
    ends_on: date | None
    required_members: int
    discount_percent: int
    is_discount_unlocked: bool
    organiser: str
    members: list[MemberView]
    polls: list[PollView]
    hotels: list[HotelView]
    hotel_voting: HotelVotingView
    invite: Invite | None
    ended_invites: list[EndedInvite]
    bounds: Bounds
    created_at: Moment
    changed_at: Moment
    ends_at: Moment
    keep_for: Kept
    discount_announced: bool
    end_announced: Moment | None
    ended: EndReason | None
    recent: list[Recent]
    bookings: tuple[Booking, ...] = ()
    runs: tuple[RunNote, ...] = ()
    dropped: tuple[DroppedHotel, ...] = ()
    v: int = SNAPSHOT_VERSION


def crew_order(trip: Trip) -> list[Member]:
    """Members by when they joined."""
    return sorted(trip.members.values(), key=lambda m: (m.joined_at, m.id))


def poll_order(trip: Trip) -> list[Poll]:
    """Polls by when they were opened."""
    return sorted(trip.polls.values(), key=lambda p: (p.opened_at, p.id))


def hotel_order(trip: Trip) -> list[Hotel]:
    """Hotels by when they were added."""
    return sorted(trip.hotels.values(), key=lambda h: (h.added_at, h.id))


def hotel_ranking(trip: Trip) -> list[Hotel]:
    """Hotels as people read them: the one that won, then those with the most votes, then by when they were added."""
    voting, votes = trip.voting, votes_by_hotel(trip.voting, trip.hotels)
    winner = voting.outcome.winner_id if voting.outcome is not None and not voting.open else None
    return sorted(hotel_order(trip), key=lambda h: (h.id != winner, -len(votes.get(h.id, ()))))


def booking_order(trip: Trip) -> list[Booking]:
    """Bookings by when they begin."""
    return sorted(trip.bookings.values(), key=lambda b: (b.slot.starts_at, b.booked_at, b.id))


def run_order(trip: Trip) -> list[RunNote]:
    """Quote runs and imports by when they began."""
    return sorted(trip.runs.values(), key=lambda run: (run.at, run.id))


def dropped_order(trip: Trip) -> list[DroppedHotel]:
    """Hotels that were taken off, the newest first."""
    return sorted(trip.dropped.values(), key=lambda d: (d.at, d.hotel.id), reverse=True)


def to_view(trip: Trip) -> TripView:
    """The trip as JSON shapes."""
    by_hotel = votes_by_hotel(trip.voting, trip.hotels)
    outcome = trip.voting.outcome
    return TripView(
        id=trip.id,
        name=trip.name,
        destination=trip.destination,
        starts_on=trip.starts_on,
        ends_on=trip.ends_on,
        required_members=trip.required_members,
        discount_percent=trip.discount_percent,
        is_discount_unlocked=trip.discount_unlocked,
        organiser=trip.organiser,
        members=[
            MemberView(m.id, m.name, "organiser" if m.id == trip.organiser else "member", m.joined_at)
            for m in crew_order(trip)
        ],
        polls=[_poll_view(p) for p in poll_order(trip)],
        hotels=[
            HotelView(
                h.id,
                h.name,
                h.city,
                h.stars,
                h.price_per_night,
                h.url,
                h.added_by,
                h.added_at,
                sorted(by_hotel.get(h.id, ())),
            )
            for h in hotel_order(trip)
        ],
        hotel_voting=HotelVotingView(
            trip.voting.open,
            trip.voting.tie_rule,
            trip.voting.opened_by,
            outcome.winner_id if outcome else None,
            outcome,
        ),
        invite=trip.invite,
        ended_invites=list(trip.ended_invites),
        bounds=trip.bounds,
        created_at=trip.created_at,
        changed_at=trip.changed_at,
        ends_at=trip.ends_at,
        keep_for=trip.keep_for,
        discount_announced=trip.discount_announced,
        end_announced=trip.end_announced,
        ended=trip.ended,
        recent=list(trip.recent),
        bookings=tuple(booking_order(trip)),
        runs=tuple(run_order(trip)),
        dropped=tuple(dropped_order(trip)),
    )


def _poll_view(poll: Poll) -> PollView:
    options: list[OptionView] = []
    for t in tally(poll):
        votes: list[str] | dict[str, Answer]
        if poll.kind == "yes-maybe-no":
            sides: list[tuple[tuple[str, ...], Answer]] = [(t.yes, "yes"), (t.maybe, "maybe"), (t.no, "no")]
            votes = dict(sorted((member, answer) for members, answer in sides for member in members))
        else:
            votes = sorted(t.yes)
        options.append(OptionView(t.option.id, t.option.text, votes))
    return PollView(
        poll.id,
        poll.question,
        poll.kind,
        options,
        poll.opened_by,
        poll.opened_at,
        poll.closes_at,
        poll.closed_at,
        poll.closed,
        poll.outcome,
    )


def from_view(view: TripView) -> Trip:
    """The trip that a view was made of."""
    return Trip(
        id=view.id,
        name=view.name,
        destination=view.destination,
        starts_on=view.starts_on,
        ends_on=view.ends_on,
        required_members=view.required_members,
        discount_percent=view.discount_percent,
        bounds=view.bounds,
        organiser=view.organiser,
        created_at=view.created_at,
        changed_at=view.changed_at,
        keep_for=view.keep_for,
        members=HashTrieMap({m.id: Member(m.id, m.name, m.joined_at) for m in view.members}),
        polls=HashTrieMap({p.id: _poll(p) for p in view.polls}),
        hotels=HashTrieMap(
            {
                h.id: Hotel(h.id, h.name, h.city, h.stars, h.price_per_night, h.url, h.added_by, h.added_at)
                for h in view.hotels
            }
        ),
        voting=HotelVoting(
            view.hotel_voting.open,
            view.hotel_voting.tie_rule,
            view.hotel_voting.opened_by,
            view.hotel_voting.outcome,
            HashTrieMap({member: h.id for h in view.hotels for member in h.votes}),
        ),
        invite=view.invite,
        ended_invites=tuple(view.ended_invites),
        discount_announced=view.discount_announced,
        end_announced=view.end_announced,
        ended=view.ended,
        recent=tuple(view.recent),
        bookings=HashTrieMap({b.id: b for b in view.bookings}),
        runs=HashTrieMap({run.id: run for run in view.runs}),
        dropped=HashTrieMap({d.hotel.id: d for d in view.dropped}),
    )


def _poll(view: PollView) -> Poll:
    ballots: dict[str, Ballot] = {}
    for option in view.options:
        votes: dict[str, Answer] = (
            option.votes if isinstance(option.votes, dict) else dict.fromkeys(option.votes, "yes")
        )
        for member, answer in votes.items():
            ballots[member] = (*ballots.get(member, ()), (option.id, answer))
    return Poll(
        id=view.id,
        question=view.question,
        kind=view.kind,
        options=tuple(Option(o.id, o.text) for o in view.options),
        opened_by=view.opened_by,
        opened_at=view.opened_at,
        closes_at=view.closes_at,
        closed_at=view.closed_at,
        outcome=view.outcome,
        ballots=HashTrieMap(ballots),
    )


class BadView(ValueError):
    """Bytes that are not a trip as we write it."""


_decoder = msgspec.json.Decoder(TripView)


def encode_trip(trip: Trip) -> bytes:
    """The trip's JSON."""
    return msgspec.json.encode(to_view(trip))


def decode_trip(body: bytes | str | msgspec.Raw) -> Trip:
    """A trip from its JSON. Raises `BadView`, also for a version that is newer than ours."""
    try:
        view = _decoder.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise BadView(f"not a trip: {error}") from error
    if view.v > SNAPSHOT_VERSION:
        raise BadView(f"a trip of version {view.v}; this version reads up to {SNAPSHOT_VERSION}")
    return from_view(view)
