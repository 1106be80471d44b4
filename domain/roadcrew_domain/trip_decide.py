"""What is allowed in a trip: `decide` turns a command into facts or refuses it. Pure.

The rules of polls, hotels and crew stand in their own modules; here is who may ask, and what is the trip's own.
"""

from __future__ import annotations  # rpds maps can't be subscripted when running

from datetime import date, datetime, timedelta

import msgspec
from msgspec import UNSET

from roadcrew_domain import bookings, crew, dropped, hotels, polls, runs, text
from roadcrew_domain.crew import Member
from roadcrew_domain.events import Fact
from roadcrew_domain.polls import Poll
from roadcrew_domain.refusals import Refused
from roadcrew_domain.trip_state import (
    LONGEST_KEPT,
    LONGEST_TRIP,
    MAX_DESTINATION,
    MAX_TRIP_NAME,
    Bounds,
    Command,
    CreateTrip,
    DeleteTrip,
    DiscountUnlocked,
    EditTrip,
    EndReason,
    RestoreTrip,
    Tick,
    Trip,
    TripAct,
    TripCreated,
    TripEdited,
    TripEndAnnounced,
    TripEnded,
    TripRestored,
)


def decide(trip: Trip | None, command: Command, now: datetime) -> tuple[Fact, ...]:
    """What happens if `command` is accepted at `now`; nothing, if it changes nothing.

    Raises `Refused`. The rules of polls, hotels and crew say which codes; from here come `unknown-trip`,
    `trip-ended`, `not-a-member`, `not-organiser`, `trip-exists`, `bad-dates`, `bad-limit`.
    """
    match command.act:
        case CreateTrip() as act:
            if trip is not None:
                raise Refused("trip-exists", "conflict", "There is a trip with this id already.")
            if command.by is None:
                raise Refused("not-a-member", "forbidden", "Somebody creates a trip.")
            return _create(act, now)
        case Tick():
            return _tick(trip, now) if trip is not None and trip.ended is None else ()
    if trip is None:
        raise Refused("unknown-trip", "missing", "There is no such trip.")
    if (reason := trip.over(now)) is not None:
        return _after_its_end(trip, command, reason, now)
    if isinstance(command.act, runs.NoteRunEnd):
        ended = runs.note_end(trip.runs, command.act)
        return () if ended is None else (ended,)
    if command.by is None:
        raise Refused("not-a-member", "forbidden", "You are not in this trip.")
    if isinstance(command.act, crew.JoinTrip):
        joined = crew.join(trip.members, trip.invite, trip.ended_invites, command.by, command.act, now)
        return () if joined is None else (joined, *_unlocked(trip, len(trip.members) + 1, trip.required_members))
    member = trip.members.get(command.by)
    if member is None:
        raise Refused("not-a-member", "forbidden", "You are not in this trip.")
    return _by_member(trip, command, member, now)


def _after_its_end(trip: Trip, command: Command, reason: EndReason, now: datetime) -> tuple[Fact, ...]:
    """A deleted trip may come back, so it takes in what the server has to tell it: runs that end, and bookings."""
    fact: Fact | None
    match command.act:
        case RestoreTrip() if trip.restorable_by(command.by, now):
            fact = TripRestored(trip.name)
        case runs.NoteRunEnd() as act if reason == "deleted":
            fact = runs.note_end(trip.runs, act)
        case bookings.NoteBooking() as act if reason == "deleted" and (command.by or "") in trip.members:
            fact = bookings.note(trip.bookings, act)
        case bookings.DropBooking() as act if reason == "deleted":
            fact = bookings.drop(trip.bookings, command.by or "", act)
        case _:
            raise Refused("trip-ended", "gone", "This trip has ended.", reason=reason)
    return () if fact is None else (fact,)


def _by_member(trip: Trip, command: Command, member: Member, now: datetime) -> tuple[Fact, ...]:
    chair = trip.organiser == member.id
    fact: Fact | None
    match command.act:
        case EditTrip() as act:
            return _edit(trip, act)
        case crew.RenameMember() as act:
            fact = crew.rename(member, act)
        case crew.LeaveTrip():
            return _leave(trip, member)
        case polls.OpenPoll() as act:
            fact = polls.open_poll(trip.polls, command.id, member.id, act, now)
        case polls.CastVote() as act:
            fact = polls.cast_vote(_poll(trip, act.poll_id), member.id, act, now)
        case polls.ClosePoll() as act:
            fact = polls.close_poll(_poll(trip, act.poll_id), member.id, act, now, chair=chair)
        case hotels.ShortlistHotel() as act:
            fact = hotels.shortlist(trip.hotels, command.id, member.id, act)
        case hotels.UnshortlistHotel() as act:
            hotel = trip.hotels.get(act.hotel_id)
            if hotel is None:
                raise Refused("unknown-hotel", "missing", "That hotel is not on the shortlist.")
            fact = hotels.unshortlist(hotel, member.id, chair=chair)
        case dropped.RestoreHotel() as act:
            fact = dropped.restore(trip.dropped, trip.hotels, member.id, act, now, chair=chair)
        case hotels.VoteHotel() as act:
            fact = hotels.vote(trip.voting, trip.hotels, member.id, act)
        case hotels.OpenHotelVoting() as act:
            fact = hotels.open_voting(trip.voting, trip.hotels, act)
        case hotels.CloseHotelVoting() as act:
            fact = hotels.close_voting(trip.voting, trip.hotels, member.id, act, chair=chair)
        case bookings.NoteBooking() as act:
            fact = bookings.note(trip.bookings, act)
        case bookings.DropBooking() as act:
            fact = bookings.drop(trip.bookings, member.id, act)
        case runs.NoteRun() as act:
            fact = runs.note(trip.runs, act)
        case _:
            return _by_organiser(trip, command.act, member, now, chair=chair)
    return () if fact is None else (fact,)


def _by_organiser(trip: Trip, act: TripAct, member: Member, now: datetime, *, chair: bool) -> tuple[Fact, ...]:
    if not chair:
        raise Refused("not-organiser", "forbidden", "Only the organiser can do that.", organiser=trip.organiser)
    fact: Fact | None
    match act:
        case DeleteTrip():
            fact = TripEnded("deleted")
        case RestoreTrip():
            fact = None  # it is there
        case crew.RemoveMember():
            return tuple(crew.remove(trip.members, trip.invite, member.id, act))
        case crew.HandOver():
            fact = crew.hand_over(trip.members, trip.organiser, act)
        case crew.RenewInvite():
            fact = crew.renew(trip.invite, act, now)
        case crew.RevokeInvite():
            fact = None if trip.invite is None else crew.InviteRevoked(trip.invite.code)
        case _:
            raise AssertionError(f"no rule for {act}")
    return () if fact is None else (fact,)


def _poll(trip: Trip, poll_id: str) -> Poll:
    poll = trip.polls.get(poll_id)
    if poll is None:
        raise Refused("unknown-poll", "missing", "There is no such poll in this trip.")
    return poll


def _create(c: CreateTrip, now: datetime) -> tuple[Fact, ...]:
    required = c.bounds.default_required_members if c.required_members is None else c.required_members
    percent = c.bounds.default_discount_percent if c.discount_percent is None else c.discount_percent
    _check_bounds(c.bounds, required, percent)
    _check_dates(c.starts_on, c.ends_on)
    if not 0 < c.keep_for <= LONGEST_KEPT:
        raise Refused("bad-limit", "invalid", "A trip is kept for a second to a hundred years.", field="keepFor")
    created = TripCreated(
        name=text.checked(c.name, field="trip's name", limit=MAX_TRIP_NAME),
        organiser_name=crew.person_name(c.organiser_name),
        destination=text.checked_or_none(c.destination, field="destination", limit=MAX_DESTINATION),
        starts_on=c.starts_on,
        ends_on=c.ends_on,
        required_members=required,
        discount_percent=percent,
        bounds=c.bounds,
        keep_for=c.keep_for,
        invite=crew.new_invite(c.invite.code, c.invite.expires_at, c.invite.max_uses, now),
    )
    # A server may allow a discount for one: then it is unlocked, and said, from the start.
    return (created,) if required > 1 else (created, DiscountUnlocked(1, percent))


def _edit(trip: Trip, c: EditTrip) -> tuple[Fact, ...]:
    wanted: dict[str, object] = {f: v for f in c.__struct_fields__ if (v := getattr(c, f)) is not UNSET}
    if "name" in wanted:
        wanted["name"] = text.checked(
            c.name if isinstance(c.name, str) else "", field="trip's name", limit=MAX_TRIP_NAME
        )
    if isinstance(c.destination, str):
        wanted["destination"] = text.checked_or_none(c.destination, field="destination", limit=MAX_DESTINATION)
    if c.required_members is None:
        wanted["required_members"] = trip.bounds.default_required_members
    if c.discount_percent is None:
        wanted["discount_percent"] = trip.bounds.default_discount_percent
    changed = {f: v for f, v in wanted.items() if v != getattr(trip, f)}
    if not changed:
        return ()
    after: Trip = msgspec.structs.replace(trip, **changed)
    _check_bounds(after.bounds, after.required_members, after.discount_percent)
    _check_dates(after.starts_on, after.ends_on)
    edited: Fact = msgspec.structs.replace(TripEdited(), **changed)
    return (edited, *_unlocked(after, len(trip.members), after.required_members))


def _check_bounds(bounds: Bounds, required: int, percent: int) -> None:
    if not 0 <= percent <= bounds.max_discount_percent:
        raise Refused(
            "bad-limit",
            "invalid",
            f"This server gives group discounts of at most {bounds.max_discount_percent} %.",
            field="discountPercent",
        )
    if not bounds.min_required_members <= required <= bounds.max_required_members:
        raise Refused(
            "bad-limit",
            "invalid",
            f"A group discount is for {bounds.min_required_members} to {bounds.max_required_members} people.",
            field="requiredMembers",
        )


def _check_dates(starts: date | None, ends: date | None) -> None:
    if starts is not None and ends is not None and not timedelta(0) <= ends - starts <= LONGEST_TRIP:
        raise Refused(
            "bad-dates", "invalid", "The trip ends before it starts, or lasts more than a year.", field="endsOn"
        )


def _unlocked(trip: Trip, members: int, required: int) -> tuple[Fact, ...]:
    if trip.discount_announced or members < required:
        return ()
    return (DiscountUnlocked(members, trip.discount_percent),)


def _leave(trip: Trip, member: Member) -> tuple[Fact, ...]:
    left = tuple(crew.leave(trip.members, trip.organiser, member.id))
    return (*left, TripEnded("empty")) if len(trip.members) == 1 else left


def _tick(trip: Trip, now: datetime) -> tuple[Fact, ...]:
    if trip.over(now):
        return (TripEnded("expired"),)
    closed = tuple(polls.close_overdue(trip.polls.values(), now))
    if now >= trip.warns_at and not trip.end_said:
        # A server that was away when it was time to say so puts the end off: nobody was warned (T7).
        return (*closed, TripEndAnnounced(max(trip.ends_at, now + trip.warning)))
    return closed


def next_due(trip: Trip) -> datetime | None:
    """When the next `Tick` has something to announce."""
    if trip.ended is not None:
        return None
    deadlines = [p.closes_at for p in trip.polls.values() if p.closes_at is not None and not p.closed]
    return min([trip.ends_at if trip.end_said else trip.warns_at, *deadlines])
