"""What each fact changes in a trip: `evolve` gives the next state. Pure.

Applying an event costs the same however long the history, and nearly the same however large the crew
(bench/growth.py). Two rare ones cost more: a leaving looks at every poll, a hotel taken off at every ballot.
"""

from __future__ import annotations  # rpds maps can't be subscripted when running

from collections.abc import Iterable
from datetime import datetime

import msgspec
from msgspec import UNSET
from rpds import HashTrieMap

from roadcrew_domain import bookings, crew, dropped, hotels, polls, runs
from roadcrew_domain.bookings import Booking
from roadcrew_domain.crew import Invite, Member
from roadcrew_domain.events import Event
from roadcrew_domain.history import Names, happened
from roadcrew_domain.hotels import Hotel, HotelVoting
from roadcrew_domain.trip_state import (
    RECENT,
    DiscountUnlocked,
    Trip,
    TripCreated,
    TripEdited,
    TripEndAnnounced,
    TripEnded,
    TripRestored,
)


def evolve(trip: Trip | None, event: Event) -> Trip:
    """The state after `event`. Raises `ValueError` for an event that can't follow this state."""
    if isinstance(event.data, TripCreated):
        if trip is not None:
            raise ValueError("a trip is created once")
        return _created(event, event.data)
    if trip is None:
        raise ValueError(f"a trip begins with TripCreated, not {event.type}")
    try:
        changes = _changes(trip, event)
    except KeyError as error:
        raise ValueError(f"{event.type} of something that is not there: {error}") from error
    if event.by is not None and (trip.ended is None or "ended" in changes):  # what a deleted trip is told is no change
        changes["changed_at"] = event.at
    changes["recent"] = (*trip.recent[1 - RECENT :], happened(Names(trip), event))
    return msgspec.structs.replace(trip, **changes)


def fold(trip: Trip | None, events: Iterable[Event]) -> Trip | None:
    """The state after all `events`."""
    for event in events:
        trip = evolve(trip, event)
    return trip


def _created(event: Event, f: TripCreated) -> Trip:
    if event.by is None:
        raise ValueError("somebody creates a trip")
    return Trip(
        id=event.command,
        name=f.name,
        destination=f.destination,
        starts_on=f.starts_on,
        ends_on=f.ends_on,
        required_members=f.required_members,
        discount_percent=f.discount_percent,
        bounds=f.bounds,
        organiser=event.by,
        created_at=event.at,
        changed_at=event.at,
        keep_for=f.keep_for,
        members=HashTrieMap({event.by: Member(event.by, f.organiser_name, event.at)}),
        invite=f.invite,
        recent=(happened(Names(None), event),),
    )


def _changes(trip: Trip, event: Event) -> dict[str, object]:
    by = event.by or ""
    match event.data:
        case TripEdited() as f:
            return {n: v for n in f.__struct_fields__ if (v := getattr(f, n)) is not UNSET}
        case DiscountUnlocked():
            return {"discount_announced": True}
        case TripEndAnnounced(ends_at=at):
            return {"end_announced": at}
        case TripEnded(reason=reason):
            return {"ended": reason}
        case TripRestored():
            return {"ended": None}
        case crew.MemberJoined(member_id=member, name=name):
            used = trip.invite and msgspec.structs.replace(trip.invite, uses=trip.invite.uses + 1)
            return {"members": trip.members.insert(member, Member(member, name, event.at)), "invite": used}
        case crew.MemberRenamed(member_id=member, name=name):
            renamed = msgspec.structs.replace(trip.members[member], name=name)
            return {"members": trip.members.insert(member, renamed)}
        case crew.MemberLeft(member_id=member) | crew.MemberRemoved(member_id=member):
            return _gone(trip, member, event.at)
        case crew.OrganiserChanged(member_id=member):
            return {"organiser": trip.members[member].id}
        case crew.InviteRenewed(code=code, expires_at=expires, max_uses=uses):
            ended = crew.remembered(trip.ended_invites, trip.invite, event.at)
            return {"invite": Invite(code, expires, uses), "ended_invites": ended}
        case crew.InviteRevoked():
            return {"invite": None, "ended_invites": crew.remembered(trip.ended_invites, trip.invite, event.at)}
        case polls.PollOpened() as f:
            return {"polls": trip.polls.insert(f.poll_id, polls.opened(f, by, event.at))}
        case polls.VoteCast(poll_id=poll, ballot=ballot):
            return _poll_changed(trip, poll, ballots=polls.voted(trip.polls[poll], by, ballot))
        case polls.PollClosed(poll_id=poll) as f:
            return {"polls": trip.polls.insert(poll, polls.closed(trip.polls[poll], f, event.at))}
        case polls.PollTieSettled(poll_id=poll, option_id=option):
            before = trip.polls[poll].outcome
            return _poll_changed(trip, poll, outcome=before and polls.settled(before, option, event.by))
        case hotels.HotelShortlisted() as f:
            hotel = Hotel(f.hotel_id, f.name, f.city, f.stars, f.price_per_night, f.url, by, event.at)
            return {"hotels": trip.hotels.insert(f.hotel_id, hotel)}
        case hotels.HotelUnshortlisted(hotel_id=hotel_id):
            return _hotel_dropped(trip, hotel_id, by, event.at)
        case dropped.HotelRestored(hotel=hotel):
            return {"hotels": trip.hotels.insert(hotel.id, hotel), "dropped": trip.dropped.discard(hotel.id)}
        case hotels.HotelVotingOpened(tie_rule=rule):
            return {"voting": HotelVoting(open=True, tie_rule=rule, opened_by=by)}
        case hotels.HotelVoteCast(hotel_id=choice):
            old = trip.voting.ballots
            return _voting_changed(trip, ballots=old.insert(by, choice) if choice else old.discard(by))
        case hotels.HotelVotingClosed(outcome=result):
            return _voting_changed(trip, open=False, outcome=result)
        case bookings.MemberBooked(booking_id=booking, slot=slot, seats=seats):
            return {"bookings": trip.bookings.insert(booking, Booking(booking, by, slot, seats, event.at))}
        case bookings.BookingDropped(booking_id=booking):
            return {"bookings": trip.bookings.remove(booking)}
        case runs.RunStarted() as f:
            return {"runs": runs.started(trip.runs, f, by, event.at)}
        case runs.RunEnded() as f:
            return {"runs": runs.ended(trip.runs, f)}
        case _:
            raise ValueError(f"no rule for {event.type}")


def _poll_changed(trip: Trip, poll: str, **changes: object) -> dict[str, object]:
    return {"polls": trip.polls.insert(poll, msgspec.structs.replace(trip.polls[poll], **changes))}


def _voting_changed(trip: Trip, **changes: object) -> dict[str, object]:
    return {"voting": msgspec.structs.replace(trip.voting, **changes)}


def _hotel_dropped(trip: Trip, hotel_id: str, by: str, at: datetime) -> dict[str, object]:
    name = Names(trip).member(by) or ""
    return {
        "hotels": trip.hotels.discard(hotel_id),
        "voting": hotels.dropped(trip.voting, hotel_id),
        "dropped": dropped.remembered(trip.dropped, trip.hotels.get(hotel_id), by, name, at),
    }


def _gone(trip: Trip, member: str, at: datetime) -> dict[str, object]:
    """Their votes leave what still takes votes; what is decided stays as it was decided, also when it was
    decided by a deadline that no timer has announced yet."""
    remaining = trip.polls
    for poll in trip.polls.values():
        if poll.takes_votes(at) and member in poll.ballots:
            remaining = remaining.insert(poll.id, msgspec.structs.replace(poll, ballots=poll.ballots.remove(member)))
    changes: dict[str, object] = {
        "members": trip.members.remove(member),
        "polls": remaining,
        "bookings": bookings.without(trip.bookings, member),
    }
    if trip.voting.open:
        changes |= _voting_changed(trip, ballots=trip.voting.ballots.discard(member))
    return changes
