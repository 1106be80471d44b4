"""What the hub must know of a kind of topic: its rules, its JSON, who may read it, when it is due.

Another kind is another class, and nothing else in the hub.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol

from roadcrew_domain import crew, trip
from roadcrew_domain.events import Event, Fact
from roadcrew_domain.ids import is_id
from roadcrew_domain.views import decode_trip, encode_trip
from roadcrew_server.problems import Problem

STORE_GRACE = timedelta(days=1)
"""The store's own expiry comes this much after a topic's end, as a net."""
HISTORY = 2_000
"""The newest events of a trip that can be read again: what happened there, and what an undo needs."""


Closed = Literal["forbidden", "ended", "unknown"]
"""Why somebody may not read a topic."""
Record = tuple[str, str, bytes]
"""Kind, key and value of a record in the store."""


class Kind(Protocol):
    """The rules of one kind of topic, over a state that only the kind understands."""

    prefix: str
    """What its topics' names begin with. Of feeds, whose names end with a channel, `feed:CHANNEL`."""
    presence: bool
    """Whether who follows it is told who else does."""
    keeps: int | None
    """How many of its newest events stay when older ones make room for a snapshot. None: they do not, and the topic is
    its whole history."""

    def decide(self, state: Any, command: Any, now: datetime) -> tuple[Fact, ...]: ...
    def evolve(self, state: Any, event: Event) -> Any: ...
    def encode(self, state: Any) -> bytes: ...
    def shown(self, state: Any) -> bytes:
        """The JSON that readers get: of what they may know."""

    def told(self, state: Any, event: Event) -> Event:
        """An event as readers are told it, now that the state is this one: what it said may have been taken back."""

    def decode(self, body: bytes) -> Any: ...
    def tick(self, command_id: str) -> Any | None:
        """The command that announces what is due; None where that takes more than a command."""

    async def opening(self, rest: str, user: str, command_id: str, now: datetime) -> Any | None:
        """The command that gives birth to a topic because this person looks at it; None where looking is not enough.
        Raises `TopicMissing` where it is closed to them."""

    def next_due(self, state: Any) -> datetime | None: ...
    def keep_until(self, state: Any, now: datetime) -> datetime: ...
    def records(self, state: Any) -> tuple[Record, ...]:
        """What the store must keep for as long as the topic: kind, key and value of each record."""

    def names(self, rest: str) -> bool:
        """True if a topic may be called this, after the kind's prefix."""

    def guard(self, state: Any) -> str | None:
        """The topic whose readers alone may read this one; None where `closed_to` says all."""

    def closed_to(self, state: Any, user: str, now: datetime) -> Closed | None:
        """Why this person may not read; None if they may."""

    def problem(self, closed: Closed) -> Problem:
        """What they are told of it."""

    def expels(self, event: Event, user: str) -> str | None:
        """`removed` or `ended` if this event is the last that this person may see."""


def kind_of(kinds: Mapping[str, Kind], name: str) -> Kind | None:
    """The kind of a topic, among those of each prefix; None if it is of none of them."""
    prefix, _, rest = name.partition(":")
    return kinds.get(prefix) or kinds.get(f"{prefix}:{rest.rpartition(':')[2]}")


class TripKind:
    """Trips: read by their members."""

    prefix = "trip"
    presence = True
    keeps: int | None = HISTORY

    def decide(self, state: trip.Trip | None, command: trip.Command, now: datetime) -> tuple[Fact, ...]:
        return trip.decide(state, command, now)

    def evolve(self, state: trip.Trip | None, event: Event) -> trip.Trip:
        return trip.evolve(state, event)

    def encode(self, state: trip.Trip) -> bytes:
        return encode_trip(state)

    def shown(self, state: trip.Trip) -> bytes:
        return encode_trip(state)

    def told(self, state: trip.Trip, event: Event) -> Event:
        return event

    def decode(self, body: bytes) -> trip.Trip:
        return decode_trip(body)

    def tick(self, command_id: str) -> trip.Command:
        return trip.Command(command_id, None, trip.Tick())

    async def opening(self, rest: str, user: str, command_id: str, now: datetime) -> None:
        """A trip is created."""
        return

    def next_due(self, state: trip.Trip) -> datetime | None:
        return trip.next_due(state)

    def keep_until(self, state: trip.Trip, now: datetime) -> datetime:
        """One that was deleted is there as long as it can be brought back."""
        end = (state.restorable_until or now) if state.ended else state.ends_at
        return end + STORE_GRACE

    def records(self, state: trip.Trip) -> tuple[Record, ...]:
        """Where its invites lead; also those that have ended, so that this can be said."""
        codes = [] if state.invite is None else [state.invite.code]
        return tuple(invite_record(code, state.id) for code in (*codes, *(e.code for e in state.ended_invites)))

    def names(self, rest: str) -> bool:
        return is_id(rest)

    def guard(self, state: trip.Trip) -> None:
        """It has members of its own."""
        return

    @staticmethod
    def closed_to(state: trip.Trip, user: str, now: datetime) -> Closed | None:
        if state.over(now) is not None:
            return "ended"
        return None if user in state.members else "forbidden"

    @staticmethod
    def problem(closed: Closed) -> Problem:
        match closed:
            case "forbidden":
                return Problem(403, "not-a-member", "You are not in this trip.")
            case "ended":
                return Problem(410, "trip-ended", "This trip has ended.")
            case "unknown":
                return Problem(404, "unknown-trip", "There is no such trip.")

    def expels(self, event: Event, user: str) -> str | None:
        match event.data:
            case crew.MemberRemoved(member_id=member) | crew.MemberLeft(member_id=member) if member == user:
                return "removed"
            case trip.TripEnded():
                return "ended"
        return None


def invite_record(code: str, trip_id: str) -> Record:
    """The record that says to which trip an invite code leads."""
    return "invite", code, trip_id.encode()


def trip_topic(trip_id: str) -> str:
    """The topic of a trip."""
    return f"trip:{trip_id}"
