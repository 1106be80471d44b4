"""A trip: its state, what can be done to it (`decide`) and what that changes (`evolve`).

Both are pure. The server runs them to accept a change, a terminal to paint it before the answer comes.
Applying an event costs the same however long the history and however large the crew (bench/growth).
"""

from __future__ import annotations  # rpds maps can't be subscripted when running

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType
from rpds import HashTrieMap

from roadcrew_domain import crew, hotels, polls, text
from roadcrew_domain.crew import EndedInvite, Invite, Member
from roadcrew_domain.events import Event, Fact
from roadcrew_domain.hotels import Hotel, HotelVoting
from roadcrew_domain.polls import Poll
from roadcrew_domain.refusals import Refused
from roadcrew_domain.values import Value

EndReason = Literal["deleted", "empty", "expired"]

MAX_TRIP_NAME = 80
MAX_DESTINATION = 80
RECENT = 30
"""Happenings that the state itself carries, for "since you left"."""
WARNING = timedelta(days=7)
"""How long before its end a trip says so, or a quarter of its life if that is shorter (T7)."""
LONGEST_TRIP = timedelta(days=366)


class Bounds(Value, frozen=True):
    """What the server's catalogue allows (T1): people are no more than a discount's measure."""

    max_discount_percent: int = 15
    default_discount_percent: int = 10
    min_required_members: int = 2
    max_required_members: int = 50
    default_required_members: int = 4


class Recent(Value, frozen=True):
    """One thing that happened, short enough to be kept in the state. `subject` is a poll's question, a
    hotel's or a person's name; `name` is who did it, as they were called then."""

    seq: int
    at: datetime
    type: str
    by: str | None
    name: str | None
    subject: str | None


class Trip(Value, frozen=True):
    """The state of a trip. `keep_for` is in seconds, counted from the last change that a person made."""

    id: str
    name: str
    destination: str | None
    starts_on: date | None
    ends_on: date | None
    required_members: int
    discount_percent: int
    bounds: Bounds
    organiser: str
    created_at: datetime
    changed_at: datetime
    keep_for: int
    members: HashTrieMap[str, Member] = HashTrieMap()
    polls: HashTrieMap[str, Poll] = HashTrieMap()
    hotels: HashTrieMap[str, Hotel] = HashTrieMap()
    voting: HotelVoting = HotelVoting()
    invite: Invite | None = None
    ended_invites: tuple[EndedInvite, ...] = ()
    discount_announced: bool = False
    end_announced: datetime | None = None
    ended: EndReason | None = None
    recent: tuple[Recent, ...] = ()

    @property
    def discount_unlocked(self) -> bool:
        """T3."""
        return len(self.members) >= self.required_members

    @property
    def ends_at(self) -> datetime:
        """When the trip will be removed if nobody changes anything (T7)."""
        return self.changed_at + timedelta(seconds=self.keep_for)

    @property
    def warns_at(self) -> datetime:
        """When its end is announced."""
        return self.ends_at - min(WARNING, timedelta(seconds=self.keep_for) / 4)


# --- facts ---------------------------------------------------------------------------------------


class TripCreated(Fact, frozen=True):
    """Who created it is the event's `by`; the trip's id is the event's command."""

    name: str
    organiser_name: str
    required_members: int
    discount_percent: int
    bounds: Bounds
    keep_for: int
    invite: Invite
    destination: str | None = None
    starts_on: date | None = None
    ends_on: date | None = None


class TripEdited(Fact, frozen=True, omit_defaults=True):
    """Only what changed is there; None clears."""

    name: str | UnsetType = UNSET
    destination: str | UnsetType | None = UNSET
    starts_on: date | UnsetType | None = UNSET
    ends_on: date | UnsetType | None = UNSET
    required_members: int | UnsetType = UNSET
    discount_percent: int | UnsetType = UNSET


class DiscountUnlocked(Fact, frozen=True):
    """Announced once in a trip's life (T3)."""

    members: int
    discount_percent: int


class TripEndAnnounced(Fact, frozen=True):
    ends_at: datetime


class TripEnded(Fact, frozen=True):
    reason: EndReason


# --- commands ------------------------------------------------------------------------------------


class CreateTrip(Value, frozen=True):
    """`invite`, `bounds` and `keep_for` (seconds) come from the server."""

    name: str
    organiser_name: str
    invite: Invite
    bounds: Bounds
    keep_for: int
    destination: str | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    required_members: int | None = None
    discount_percent: int | None = None


class EditTrip(Value, frozen=True):
    name: str | UnsetType = UNSET
    destination: str | UnsetType | None = UNSET
    starts_on: date | UnsetType | None = UNSET
    ends_on: date | UnsetType | None = UNSET
    required_members: int | UnsetType = UNSET
    discount_percent: int | UnsetType = UNSET


class DeleteTrip(Value, frozen=True):
    pass


class Tick(Value, frozen=True):
    """Time has passed: announce what is due. Sent by the server's timer, by nobody else."""


TripAct = (
    CreateTrip
    | EditTrip
    | DeleteTrip
    | Tick
    | crew.JoinTrip
    | crew.RenameMember
    | crew.LeaveTrip
    | crew.RemoveMember
    | crew.HandOver
    | crew.RenewInvite
    | crew.RevokeInvite
    | polls.OpenPoll
    | polls.CastVote
    | polls.ClosePoll
    | hotels.ShortlistHotel
    | hotels.UnshortlistHotel
    | hotels.VoteHotel
    | hotels.OpenHotelVoting
    | hotels.CloseHotelVoting
)


class Command(Value, frozen=True):
    """Who (`by`, None for the timer) wants what, under an id that makes it safe to send twice."""

    id: str
    by: str | None
    act: TripAct


# --- decide --------------------------------------------------------------------------------------


def decide(trip: Trip | None, command: Command, now: datetime) -> tuple[Fact, ...]:
    """What happens if `command` is accepted at `now`; nothing, if it changes nothing.

    Raises `Refused`. The rules of polls, hotels and crew say which codes; from here come `unknown-trip`,
    `trip-ended`, `not-a-member`, `not-organiser`, `trip-exists`, `bad-dates`, `bad-limit`.
    """
    match command.act:
        case CreateTrip() as act:
            if trip is not None:
                raise Refused("trip-exists", "conflict", "There is a trip with this id already.")
            return (_create(act),)
        case Tick():
            return _tick(trip, now) if trip is not None and trip.ended is None else ()
    if trip is None:
        raise Refused("unknown-trip", "missing", "There is no such trip.")
    if trip.ended is not None:
        raise Refused("trip-ended", "gone", "This trip has ended.", reason=trip.ended)
    if command.by is None:
        raise Refused("not-a-member", "forbidden", "You are not in this trip.")
    if isinstance(command.act, crew.JoinTrip):
        joined = crew.join(trip.members, trip.invite, trip.ended_invites, command.by, command.act, now)
        return () if joined is None else (joined, *_unlocked(trip, len(trip.members) + 1, trip.required_members))
    member = trip.members.get(command.by)
    if member is None:
        raise Refused("not-a-member", "forbidden", "You are not in this trip.")
    return _by_member(trip, command, member, now)


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
            fact = polls.open_poll(trip.polls, command.id, act, now)
        case polls.CastVote() as act:
            fact = polls.cast_vote(_poll(trip, act.poll_id), member.id, act, now)
        case polls.ClosePoll() as act:
            fact = polls.close_poll(_poll(trip, act.poll_id), member.id, act, chair=chair)
        case hotels.ShortlistHotel() as act:
            fact = hotels.shortlist(trip.hotels, command.id, act)
        case hotels.UnshortlistHotel() as act:
            hotel = trip.hotels.get(act.hotel_id)
            if hotel is None:
                raise Refused("unknown-hotel", "missing", "That hotel is not on the shortlist.")
            fact = hotels.unshortlist(hotel, member.id, chair=chair)
        case hotels.VoteHotel() as act:
            fact = hotels.vote(trip.voting, trip.hotels, member.id, act)
        case hotels.OpenHotelVoting() as act:
            fact = hotels.open_voting(trip.voting, trip.hotels, act)
        case hotels.CloseHotelVoting() as act:
            fact = hotels.close_voting(trip.voting, trip.hotels, member.id, act, chair=chair)
        case _:
            fact = _by_organiser(trip, command.act, member, now, chair=chair)
    return () if fact is None else (fact,)


def _by_organiser(trip: Trip, act: TripAct, member: Member, now: datetime, *, chair: bool) -> Fact | None:
    if not chair:
        raise Refused("not-organiser", "forbidden", "Only the organiser can do that.", organiser=trip.organiser)
    match act:
        case DeleteTrip():
            return TripEnded("deleted")
        case crew.RemoveMember():
            return crew.remove(trip.members, member.id, act)
        case crew.HandOver():
            return crew.hand_over(trip.members, trip.organiser, act)
        case crew.RenewInvite():
            return crew.renew(act, now)
        case crew.RevokeInvite():
            return None if trip.invite is None else crew.InviteRevoked(trip.invite.code)
        case _:
            raise AssertionError(f"no rule for {act}")


def _poll(trip: Trip, poll_id: str) -> Poll:
    poll = trip.polls.get(poll_id)
    if poll is None:
        raise Refused("unknown-poll", "missing", "There is no such poll in this trip.")
    return poll


def _create(c: CreateTrip) -> Fact:
    required = c.bounds.default_required_members if c.required_members is None else c.required_members
    percent = c.bounds.default_discount_percent if c.discount_percent is None else c.discount_percent
    _check_bounds(c.bounds, required, percent)
    _check_dates(c.starts_on, c.ends_on)
    return TripCreated(
        name=text.checked(c.name, field="trip's name", limit=MAX_TRIP_NAME),
        organiser_name=crew.person_name(c.organiser_name),
        destination=text.checked_or_none(c.destination, field="destination", limit=MAX_DESTINATION),
        starts_on=c.starts_on,
        ends_on=c.ends_on,
        required_members=required,
        discount_percent=percent,
        bounds=c.bounds,
        keep_for=c.keep_for,
        invite=c.invite,
    )


def _edit(trip: Trip, c: EditTrip) -> tuple[Fact, ...]:
    wanted: dict[str, object] = {f: v for f in c.__struct_fields__ if (v := getattr(c, f)) is not UNSET}
    if "name" in wanted:
        wanted["name"] = text.checked(str(c.name), field="trip's name", limit=MAX_TRIP_NAME)
    if isinstance(c.destination, str):
        wanted["destination"] = text.checked_or_none(c.destination, field="destination", limit=MAX_DESTINATION)
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
    if starts is not None and ends is not None and not starts <= ends <= starts + LONGEST_TRIP:
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
    if now >= trip.ends_at:
        return (TripEnded("expired"),)
    closed = tuple(polls.close_overdue(trip.polls.values(), now))
    if now >= trip.warns_at and trip.end_announced != trip.ends_at:
        return (*closed, TripEndAnnounced(trip.ends_at))
    return closed


def next_due(trip: Trip) -> datetime | None:
    """When the next `Tick` has something to announce."""
    if trip.ended is not None:
        return None
    deadlines = [p.closes_at for p in trip.polls.values() if p.closes_at is not None and not p.closed]
    return min([trip.warns_at if trip.end_announced != trip.ends_at else trip.ends_at, *deadlines])


# --- evolve --------------------------------------------------------------------------------------


def evolve(trip: Trip | None, event: Event) -> Trip:
    """The state after `event`. Raises `ValueError` for an event that can't follow this state."""
    if isinstance(event.data, TripCreated):
        return _created(event, event.data)
    if trip is None:
        raise ValueError(f"a trip begins with TripCreated, not {event.type}")
    changes = _changes(trip, event)
    if event.by is not None:
        changes["changed_at"] = event.at
    changes["recent"] = (*trip.recent[1 - RECENT :], _recent(trip, event))
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
        recent=(Recent(event.seq, event.at, event.type, event.by, f.organiser_name, f.name),),
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
        case crew.MemberJoined(member_id=member, name=name):
            used = trip.invite and msgspec.structs.replace(trip.invite, uses=trip.invite.uses + 1)
            return {"members": trip.members.insert(member, Member(member, name, event.at)), "invite": used}
        case crew.MemberRenamed(member_id=member, name=name):
            renamed = msgspec.structs.replace(trip.members[member], name=name)
            return {"members": trip.members.insert(member, renamed)}
        case crew.MemberLeft(member_id=member) | crew.MemberRemoved(member_id=member):
            return _gone(trip, member)
        case crew.OrganiserChanged(member_id=member):
            return {"organiser": member}
        case crew.InviteRenewed(code=code, expires_at=expires, max_uses=uses):
            ended = crew.remembered(trip.ended_invites, trip.invite, event.at)
            return {"invite": Invite(code, expires, uses), "ended_invites": ended}
        case crew.InviteRevoked():
            return {"invite": None, "ended_invites": crew.remembered(trip.ended_invites, trip.invite, event.at)}
        case polls.PollOpened() as f:
            return {"polls": trip.polls.insert(f.poll_id, polls.opened(f, by, event.at))}
        case polls.VoteCast(poll_id=poll, ballot=ballot):
            return _poll_changed(trip, poll, ballots=polls.voted(trip.polls[poll], by, ballot))
        case polls.PollClosed(poll_id=poll, outcome=outcome):
            return _poll_changed(trip, poll, closed_at=event.at, outcome=outcome)
        case polls.PollTieSettled(poll_id=poll, option_id=option):
            before = trip.polls[poll].outcome
            return _poll_changed(trip, poll, outcome=before and polls.settled(before, option, event.by))
        case hotels.HotelShortlisted() as f:
            hotel = Hotel(f.hotel_id, f.name, f.city, f.stars, f.price_per_night, f.url, by, event.at)
            return {"hotels": trip.hotels.insert(f.hotel_id, hotel)}
        case hotels.HotelUnshortlisted(hotel_id=hotel_id):
            return {"hotels": trip.hotels.discard(hotel_id)}
        case hotels.HotelVotingOpened(tie_rule=rule):
            return {"voting": HotelVoting(open=True, tie_rule=rule, opened_by=by)}
        case hotels.HotelVoteCast(hotel_id=choice):
            old = trip.voting.ballots
            return _voting_changed(trip, ballots=old.insert(by, choice) if choice else old.discard(by))
        case hotels.HotelVotingClosed(outcome=result):
            return _voting_changed(trip, open=False, outcome=result)
        case _:
            raise ValueError(f"no rule for {event.type}")


def _poll_changed(trip: Trip, poll: str, **changes: object) -> dict[str, object]:
    return {"polls": trip.polls.insert(poll, msgspec.structs.replace(trip.polls[poll], **changes))}


def _voting_changed(trip: Trip, **changes: object) -> dict[str, object]:
    return {"voting": msgspec.structs.replace(trip.voting, **changes)}


def _gone(trip: Trip, member: str) -> dict[str, object]:
    """Their votes leave what is still open; what is decided stays as it was decided."""
    remaining = trip.polls
    for poll in trip.polls.values():
        if not poll.closed and member in poll.ballots:
            remaining = remaining.insert(poll.id, msgspec.structs.replace(poll, ballots=poll.ballots.remove(member)))
    changes: dict[str, object] = {"members": trip.members.discard(member), "polls": remaining}
    if trip.voting.open:
        changes |= _voting_changed(trip, ballots=trip.voting.ballots.discard(member))
    return changes


def _recent(trip: Trip, event: Event) -> Recent:
    by = trip.members.get(event.by or "")
    name = by.name if by else None
    subject: str | None = None
    match event.data:
        case crew.MemberJoined(name=joined):
            name = subject = joined
        case crew.MemberRenamed(name=renamed):
            subject = renamed
        case crew.MemberRemoved(member_id=member) | crew.OrganiserChanged(member_id=member):
            subject = trip.members[member].name if member in trip.members else None
        case polls.PollOpened(question=question):
            subject = question
        case polls.VoteCast(poll_id=poll) | polls.PollClosed(poll_id=poll) | polls.PollTieSettled(poll_id=poll):
            subject = trip.polls[poll].question
        case hotels.HotelShortlisted(name=hotel_name):
            subject = hotel_name
        case hotels.HotelUnshortlisted(hotel_id=hotel) | hotels.HotelVoteCast(hotel_id=hotel):
            subject = _hotel_name(trip, hotel)
        case hotels.HotelVotingClosed(outcome=outcome):
            subject = _hotel_name(trip, outcome.winner_id)
    return Recent(event.seq, event.at, event.type, event.by, name, subject)


def _hotel_name(trip: Trip, hotel_id: str | None) -> str | None:
    hotel = trip.hotels.get(hotel_id or "")
    return hotel.name if hotel else None
