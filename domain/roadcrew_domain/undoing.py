"""What takes back my last change to a trip: an act like any other, found in the log. Pure.

Not for changes that are not sent yet, nor for whether the act is allowed: that is decided like any act. What an undo
did is my last change in its turn, so undoing twice does it again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from msgspec import UNSET

from roadcrew_domain import bookings, crew, hotels, polls, runs
from roadcrew_domain.dropped import HotelRestored, RestoreHotel
from roadcrew_domain.events import Event, Fact
from roadcrew_domain.history import tell
from roadcrew_domain.hotels import HotelShortlisted, HotelUnshortlisted, HotelVoteCast, UnshortlistHotel, VoteHotel
from roadcrew_domain.polls import Ballot, CastVote, VoteCast
from roadcrew_domain.refusals import Refused
from roadcrew_domain.trip_state import (
    DiscountUnlocked,
    EditTrip,
    Recent,
    Trip,
    TripAct,
    TripCreated,
    TripEdited,
    TripRestored,
)

_NEVER_UNDONE: dict[type[Fact], str] = {
    TripCreated: "Creating a trip can't be undone. Delete it instead.",
    TripRestored: "Bringing a trip back can't be undone. Delete it again instead.",
    crew.MemberJoined: "Joining can't be undone. Leave the trip instead.",
    crew.MemberRenamed: "Your name is the same in all your trips. Change it again instead.",
    crew.MemberRemoved: "Removing somebody can't be undone. Invite them again instead.",
    crew.OrganiserChanged: "The trip was handed over: only its organiser can hand it back.",
    crew.InviteRenewed: "A new invite can't be undone: the former one has ended.",
    crew.InviteRevoked: "An invite that has ended can't be brought back. Make a new one instead.",
    polls.PollOpened: "A poll that was opened can't be taken back. End it instead.",
    polls.PollClosed: "A poll that has ended can't be opened again.",
    polls.PollTieSettled: "A tie that was settled stays settled.",
    hotels.HotelVotingOpened: "A vote on hotels that was opened can't be taken back. End it instead.",
    hotels.HotelVotingClosed: "A vote on hotels that has ended stays as it ended. Open a new one instead.",
    bookings.MemberBooked: "A booking is not undone here. Cancel it where it was made.",
    bookings.BookingDropped: "A booking that was given up can't be undone. Book again.",
    runs.RunStarted: "Asking for prices, or importing them, can't be undone.",
}
_DONE = {"HotelVoteCast": "voted for", "HotelUnshortlisted": "taken off", "HotelRestored": "brought back"}


class NotUndone(Refused):
    """There is no act that takes it back. Found here, before anything is asked of a server."""


@dataclass(frozen=True, slots=True)
class _Log:
    """The log around my last change: what was before it, newest first, and what others did after it, oldest first."""

    trip: Trip
    events: Sequence[Event]
    me: str
    mine: Event

    @property
    def before(self) -> Sequence[Event]:
        return [e for e in reversed(self.events) if e.seq < self.mine.seq]

    @property
    def since(self) -> Sequence[Event]:
        return [e for e in self.events if e.seq > self.mine.seq]

    def untouched(self, touches: Callable[[Fact], bool], what: str) -> None:
        """Raises `NotUndone` (`changed-since`) if somebody has touched it since."""
        there = next((e for e in self.since if touches(e.data)), None)
        if there is not None:
            told = _told(self, there)
            raise NotUndone(
                "changed-since",
                "conflict",
                f"{told.name or 'Somebody'} has {_DONE.get(there.type, 'changed')} {what} since."
                " Your change was not undone.",
                by=there.by,
                name=told.name,
                what=what,
                type=there.type,
            )


def undo_of(trip: Trip, events: Sequence[Event], me: str) -> TripAct:
    """The act that takes back what `me` did last. `events` are the newest of the trip's log without a gap, oldest
    first, and `trip` is what they lead to.

    Raises `NotUndone`: `nothing-to-undo`, `changed-since` (somebody has changed the same since), `cannot-undo`. Of the
    first and the last the fact `further` says whether more of the log, before these events, might tell more.
    """
    newest = next((e for e in reversed(events) if e.by == me), None)
    if newest is None:
        raise NotUndone("nothing-to-undo", "missing", "There is no change of yours to undo.", further=_more(events))
    # Of a command's facts the first is what was asked for, the others came with it.
    mine = next(e for e in events if e.command == newest.command)
    log = _Log(trip, events, me, mine)
    match mine.data:
        case VoteCast() as f:
            return _vote(log, f)
        case HotelVoteCast() as f:
            return _hotel_vote(log, f)
        case TripEdited() as f:
            return _edit(log, f)
        case HotelShortlisted(hotel_id=hotel_id) | HotelRestored(hotel=hotels.Hotel(id=hotel_id)):
            log.untouched(lambda fact: _of_hotel(fact) == hotel_id, _hotel_name(trip, hotel_id))
            return UnshortlistHotel(hotel_id)
        case HotelUnshortlisted(hotel_id=hotel_id):
            log.untouched(lambda fact: _of_hotel(fact) == hotel_id, _hotel_name(trip, hotel_id))
            return RestoreHotel(hotel_id)
        case DiscountUnlocked():  # it came with a change, which is before these events
            raise _forgotten(log)
    raise _cannot(_NEVER_UNDONE.get(type(mine.data), "That can't be undone."))


def _vote(log: _Log, f: VoteCast) -> CastVote:
    poll = log.trip.polls.get(f.poll_id)
    if poll is None or poll.closed:
        raise _cannot("That poll has ended: its votes stay as they are.")
    ballot = _former_ballot(log, f.poll_id)
    if poll.kind == "yes-maybe-no":
        return CastVote(poll.id, answers=ballot)
    return CastVote(poll.id, option_ids=tuple(option for option, _ in ballot))


def _former_ballot(log: _Log, poll_id: str) -> Ballot:
    for e in log.before:
        match e.data:
            case VoteCast(poll_id=poll, ballot=ballot) if poll == poll_id and e.by == log.me:
                return ballot
            case polls.PollOpened(poll_id=poll) if poll == poll_id:
                return ()
            case crew.MemberJoined(member_id=log.me):  # who left took their votes along
                return ()
    raise _forgotten(log)


def _hotel_vote(log: _Log, f: HotelVoteCast) -> VoteHotel:
    if not log.trip.voting.open:
        raise _cannot("The vote on hotels has ended: its votes stay as they are.")
    log.untouched(lambda fact: isinstance(fact, hotels.HotelVotingOpened), "the vote on hotels")
    log.untouched(
        lambda fact: isinstance(fact, HotelUnshortlisted) and fact.hotel_id == f.hotel_id,
        _hotel_name(log.trip, f.hotel_id),
    )
    former = _former_choice(log)
    if former is not None and former not in log.trip.hotels:
        raise _cannot(f"{_hotel_name(log.trip, former)}, for which you had voted, is not on the shortlist any more.")
    return VoteHotel(former)


def _former_choice(log: _Log) -> str | None:
    gone: set[str] = set()
    for e in log.before:
        match e.data:
            case HotelVoteCast(hotel_id=choice) if e.by == log.me:
                return None if choice in gone else choice
            case HotelUnshortlisted(hotel_id=hotel_id):
                gone.add(hotel_id)
            case hotels.HotelVotingOpened() | crew.MemberJoined(member_id=log.me):
                return None
    raise _forgotten(log)


def _edit(log: _Log, f: TripEdited) -> EditTrip:
    former: dict[str, Any] = {}
    for field in _set_by(f):
        log.untouched(lambda fact, field=field: field in _set_by(fact), _FIELDS[field])  # type: ignore[misc]
        former[field] = _former_field(log, field)
    return EditTrip(**former)


def _former_field(log: _Log, field: str) -> object:
    for e in log.before:
        if field in _set_by(e.data):
            return getattr(e.data, field)
    raise _forgotten(log)


_FIELDS = {
    "name": "the trip's name",
    "destination": "the destination",
    "starts_on": "the trip's first day",
    "ends_on": "the trip's last day",
    "required_members": "the group's size",
    "discount_percent": "the discount",
}


def _set_by(fact: Fact) -> tuple[str, ...]:
    """The fields of a trip that a fact sets."""
    match fact:
        case TripCreated():
            return tuple(_FIELDS)
        case TripEdited():
            return tuple(field for field in _FIELDS if getattr(fact, field) is not UNSET)
    return ()


def _of_hotel(fact: Fact) -> str | None:
    """The hotel that a fact takes off, brings back, votes for or decides on."""
    match fact:
        case HotelUnshortlisted(hotel_id=hotel_id) | HotelVoteCast(hotel_id=hotel_id):
            return hotel_id
        case HotelRestored(hotel=hotel):
            return hotel.id
        case hotels.HotelVotingClosed(outcome=outcome):
            return outcome.winner_id
    return None


def _hotel_name(trip: Trip, hotel_id: str | None) -> str:
    if hotel_id is None:
        return "the vote on hotels"
    if (hotel := trip.hotels.get(hotel_id)) is not None:
        return hotel.name
    return gone.hotel.name if (gone := trip.dropped.get(hotel_id)) is not None else "that hotel"


def _told(log: _Log, event: Event) -> Recent:
    upto = takewhile(lambda e: e.seq <= event.seq, log.events)
    return tell(log.trip, tuple(upto))[-1]


def _more(events: Sequence[Event]) -> bool:
    return bool(events) and events[0].seq > 0


def _cannot(why: str, *, further: bool = False) -> NotUndone:
    return NotUndone("cannot-undo", "conflict", why, further=further)


def _forgotten(log: _Log) -> NotUndone:
    return _cannot("What it was before is no longer known.", further=_more(log.events))
