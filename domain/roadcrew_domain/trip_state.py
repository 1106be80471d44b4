"""A trip as a value: its state, what can happen to it (facts) and what can be asked (commands).

What is allowed is for trip_decide.py, what a fact changes for trip_evolve.py.
"""

from __future__ import annotations  # rpds maps can't be subscripted when running

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType
from rpds import HashTrieMap

from roadcrew_domain import bookings, crew, dropped, hotels, polls, runs
from roadcrew_domain.bookings import Booking
from roadcrew_domain.crew import EndedInvite, Invite, Member
from roadcrew_domain.dropped import RESTORABLE, DroppedHotel
from roadcrew_domain.events import Fact
from roadcrew_domain.hotels import Hotel, HotelVoting
from roadcrew_domain.polls import Poll
from roadcrew_domain.runs import RunNote
from roadcrew_domain.values import Moment, Value

EndReason = Literal["deleted", "empty", "expired"]

MAX_TRIP_NAME = 80
MAX_DESTINATION = 80
RECENT = 30
"""Happenings that the state itself carries, for "since you left"."""
WARNING = timedelta(days=7)
"""How long before its end a trip says so, or a quarter of its life if that is shorter (T7)."""
LONGEST_TRIP = timedelta(days=366)
LONGEST_KEPT = 100 * 366 * 24 * 3600
"""Seconds; bounds a setting of the server's, so that dates stay in the calendar."""
Kept = Annotated[int, msgspec.Meta(gt=0, le=LONGEST_KEPT)]
"""For how many seconds a trip is kept; checked when read."""

_NEVER = datetime.max.replace(tzinfo=UTC)


class Bounds(Value, frozen=True):
    """What the server's catalogue allows (T1): people are no more than a discount's measure."""

    max_discount_percent: int = 15
    default_discount_percent: int = 10
    min_required_members: int = 2
    max_required_members: int = 50
    default_required_members: int = 4


class Recent(Value, frozen=True):
    """One thing that happened, short enough to be kept in the state. `subject` is a poll's question, a hotel's or
    person's name, the title of what was booked, the name of a run, or whose price was lowest at its end; `name` is who
    did it, as they were called then; `kind` is a run's, with how it ended at its end (`stay`, `stay-finished`), how a
    poll ended (`won`, `tie`, `no-votes`), why a trip did, or which fields of it were changed (`starts_on ends_on`).
    `detail` is what won, or what those fields are now, days as `2027-05-21` or `-`; None if that is not one thing."""

    seq: int
    at: Moment
    type: str
    by: str | None
    name: str | None
    subject: str | None
    kind: str | None = None
    detail: str | None = None


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
    created_at: Moment
    changed_at: Moment
    keep_for: Kept
    members: HashTrieMap[str, Member] = HashTrieMap()
    polls: HashTrieMap[str, Poll] = HashTrieMap()
    hotels: HashTrieMap[str, Hotel] = HashTrieMap()
    voting: HotelVoting = HotelVoting()
    invite: Invite | None = None
    ended_invites: tuple[EndedInvite, ...] = ()
    discount_announced: bool = False
    end_announced: Moment | None = None
    ended: EndReason | None = None
    recent: tuple[Recent, ...] = ()
    bookings: HashTrieMap[str, Booking] = HashTrieMap()
    runs: HashTrieMap[str, RunNote] = HashTrieMap()
    dropped: HashTrieMap[str, DroppedHotel] = HashTrieMap()

    @property
    def discount_unlocked(self) -> bool:
        """T3."""
        return len(self.members) >= self.required_members

    @property
    def ends_at(self) -> datetime:
        """When the trip will be removed if nobody changes anything (T7): never before it was announced."""
        try:
            end = self.changed_at + timedelta(seconds=self.keep_for)
        except OverflowError:
            return _NEVER
        return end if self.end_announced is None else max(end, self.end_announced)

    @property
    def warning(self) -> timedelta:
        """How long before its end that is announced, at the least."""
        return min(WARNING, timedelta(seconds=self.keep_for) / 4)

    @property
    def warns_at(self) -> datetime:
        """When its end is announced."""
        return self.ends_at - self.warning

    @property
    def end_said(self) -> bool:
        """True when the end as it stands has been announced; without that a trip doesn't expire."""
        return self.end_announced is not None and self.end_announced == self.ends_at

    def over(self, now: datetime) -> EndReason | None:
        """Why nothing can be done any more; also once it has expired and that is not said yet."""
        return self.ended or ("expired" if self.end_said and now >= self.ends_at else None)

    @property
    def restorable_until(self) -> datetime | None:
        """From when on its organiser can't bring it back; None unless it was deleted, which was its last change."""
        return self.changed_at + RESTORABLE if self.ended == "deleted" else None

    def restorable_by(self, who: str | None, now: datetime) -> bool:
        """True while this person can bring it back."""
        until = self.restorable_until
        return until is not None and now < until and who == self.organiser


# --- facts ---------------------------------------------------------------------------------------


class TripCreated(Fact, frozen=True):
    """Who created it is the event's `by`; the trip's id is the event's command."""

    name: str
    organiser_name: str
    required_members: int
    discount_percent: int
    bounds: Bounds
    keep_for: Kept
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
    ends_at: Moment


class TripEnded(Fact, frozen=True):
    reason: EndReason


class TripRestored(Fact, frozen=True):
    """A deleted trip is there again, with all that it had."""

    name: str


# --- commands ------------------------------------------------------------------------------------


class CreateTrip(Value, frozen=True):
    """`invite`, `bounds` and `keep_for` (seconds) come from the server."""

    name: str
    organiser_name: str
    invite: Invite
    bounds: Bounds
    keep_for: Kept
    destination: str | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    required_members: int | None = None
    discount_percent: int | None = None


class EditTrip(Value, frozen=True):
    """None clears; of the group's size and the discount it makes the catalogue's default."""

    name: str | UnsetType = UNSET
    destination: str | UnsetType | None = UNSET
    starts_on: date | UnsetType | None = UNSET
    ends_on: date | UnsetType | None = UNSET
    required_members: int | UnsetType | None = UNSET
    discount_percent: int | UnsetType | None = UNSET


class DeleteTrip(Value, frozen=True):
    pass


class RestoreTrip(Value, frozen=True):
    """Bring back a trip that was deleted."""


class Tick(Value, frozen=True):
    """Time has passed: announce what is due. Sent by the server's timer, by nobody else."""


TripAct = (
    CreateTrip
    | EditTrip
    | DeleteTrip
    | RestoreTrip
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
    | dropped.RestoreHotel
    | hotels.VoteHotel
    | hotels.OpenHotelVoting
    | hotels.CloseHotelVoting
    | bookings.NoteBooking
    | bookings.DropBooking
    | runs.NoteRun
    | runs.NoteRunEnd
)


class Command(Value, frozen=True):
    """Who (`by`, None for the timer) wants what, under an id that makes it safe to send twice."""

    id: str
    by: str | None
    act: TripAct
