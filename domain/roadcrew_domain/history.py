"""What happened in a trip, in short: of one event as it happens, and of a part of the log that is read again. Pure.

Names are those of then as far as they are known. Not for sentences: those are the screen's.
"""

from __future__ import annotations  # rpds maps can't be subscripted when running

from collections.abc import Iterable

from msgspec import UNSET

from roadcrew_domain import bookings, crew, dropped, hotels, polls, runs
from roadcrew_domain.events import Event
from roadcrew_domain.runs import RunNote
from roadcrew_domain.trip_state import Recent, Trip, TripCreated, TripEdited, TripEnded, TripRestored


class Names:
    """What people, polls, hotels and all else in a trip are called, as its state says."""

    def __init__(self, trip: Trip | None) -> None:
        self._trip = trip

    def member(self, id: str | None) -> str | None:  # noqa: A002
        """A person; None for nobody, and for somebody who is not in the crew."""
        member = self._trip.members.get(id or "") if self._trip else None
        return member.name if member else None

    def poll(self, id: str) -> str | None:  # noqa: A002
        """The question of a poll."""
        poll = self._trip.polls.get(id) if self._trip else None
        return poll.question if poll else None

    def option(self, poll: str, id: str) -> str | None:  # noqa: A002
        """An option of a poll."""
        asked = self._trip.polls.get(poll) if self._trip else None
        return next((o.text for o in asked.options if o.id == id), None) if asked else None

    def hotel(self, id: str | None) -> str | None:  # noqa: A002
        """A hotel, also one that was taken off lately."""
        if self._trip is None or id is None:
            return None
        if (hotel := self._trip.hotels.get(id)) is not None:
            return hotel.name
        gone = self._trip.dropped.get(id)
        return gone.hotel.name if gone else None

    def booking(self, id: str) -> str | None:  # noqa: A002
        """What was booked."""
        booking = self._trip.bookings.get(id) if self._trip else None
        return booking.slot.title if booking else None

    def run(self, id: str) -> tuple[str, str | None] | None:  # noqa: A002
        """The kind of a run, and its name."""
        run: RunNote | None = self._trip.runs.get(id) if self._trip else None
        return (run.kind, run.name) if run else None


class _NamesRead(Names):
    """Names that the log has said so far; of what it has not, the state's."""

    def __init__(self, trip: Trip | None) -> None:
        super().__init__(trip)
        self._said: dict[str, str] = {}
        self._runs: dict[str, tuple[str, str | None]] = {}

    def member(self, id: str | None) -> str | None:  # noqa: A002
        return self._said.get(id or "") or super().member(id)

    def poll(self, id: str) -> str | None:  # noqa: A002
        return self._said.get(id) or super().poll(id)

    def option(self, poll: str, id: str) -> str | None:  # noqa: A002
        return self._said.get(id) or super().option(poll, id)

    def hotel(self, id: str | None) -> str | None:  # noqa: A002
        return self._said.get(id or "") or super().hotel(id)

    def booking(self, id: str) -> str | None:  # noqa: A002
        return self._said.get(id) or super().booking(id)

    def run(self, id: str) -> tuple[str, str | None] | None:  # noqa: A002
        return self._runs.get(id) or super().run(id)

    def read(self, event: Event) -> None:
        """What later events will need."""
        match event.data:
            case TripCreated(organiser_name=name):
                self._said[event.by or ""] = name
            case crew.MemberJoined(member_id=id_, name=name) | crew.MemberRenamed(member_id=id_, name=name):
                self._said[id_] = name
            case polls.PollOpened(poll_id=id_, question=name, options=options):
                self._said[id_] = name
                self._said |= {option.id: option.text for option in options}
            case hotels.HotelShortlisted(hotel_id=id_, name=name):
                self._said[id_] = name
            case dropped.HotelRestored(hotel=hotel):
                self._said[hotel.id] = hotel.name
            case bookings.MemberBooked(booking_id=id_, slot=slot):
                self._said[id_] = slot.title
            case runs.RunStarted(run_id=id_, kind=kind, name=run_name):
                self._runs[id_] = (kind, run_name)


def tell(trip: Trip, events: Iterable[Event]) -> tuple[Recent, ...]:
    """What happened, one for each of `events`, which are a part of the trip's log, oldest first. What they do not say
    themselves (who somebody was, what a poll asked) is looked up in `trip`, as it is now."""
    known = {recent.seq: recent for recent in trip.recent}
    names = _NamesRead(trip)
    told: list[Recent] = []
    for event in events:
        told.append(known.get(event.seq) or happened(names, event))
        names.read(event)
    return tuple(told)


def happened(names: Names, event: Event) -> Recent:
    """One event in short; `names` are those of just before it."""
    name = names.member(event.by)
    subject: str | None = None
    kind: str | None = None
    detail: str | None = None
    match event.data:
        case TripCreated(organiser_name=name, name=subject):
            pass
        case TripEdited() as edited:
            kind, detail = _edited(edited)
        case TripEnded(reason=kind):
            pass
        case TripRestored(name=subject):
            pass
        case crew.MemberJoined(name=joined):
            name = subject = joined
        case crew.MemberRenamed(name=subject):
            pass
        case crew.MemberRemoved(member_id=member) | crew.OrganiserChanged(member_id=member):
            subject = names.member(member)
        case polls.PollOpened(question=subject):
            pass
        case polls.VoteCast(poll_id=poll):
            subject = names.poll(poll)
        case polls.PollClosed(poll_id=poll, outcome=ended_with):
            subject, winners = names.poll(poll), ended_with.winners
            kind = "won" if len(winners) == 1 else "tie" if winners else "no-votes"
            detail = names.option(poll, winners[0]) if kind == "won" else None
        case polls.PollTieSettled(poll_id=poll, option_id=option):
            subject, detail = names.poll(poll), names.option(poll, option)
        case hotels.HotelShortlisted(name=subject):
            pass
        case dropped.HotelRestored(hotel=hotel):
            subject = hotel.name
        case hotels.HotelUnshortlisted(hotel_id=hotel_id) | hotels.HotelVoteCast(hotel_id=hotel_id):
            subject = names.hotel(hotel_id)
        case hotels.HotelVotingClosed(outcome=outcome):
            subject = names.hotel(outcome.winner_id)
        case bookings.MemberBooked(slot=slot):
            subject = slot.title
        case bookings.BookingDropped(booking_id=booking):
            subject = names.booking(booking)
        case runs.RunStarted(kind=kind, name=subject):
            pass
        case runs.RunEnded(run_id=run_id, ended=ended, best_of=best_of):
            run, run_name = names.run(run_id) or (None, None)
            kind = None if run is None else f"{run}-{ended}"
            subject = run_name if run == "import" else best_of
    return Recent(event.seq, event.at, event.type, event.by, name, subject, kind, detail)


def _edited(edited: TripEdited) -> tuple[str, str | None]:
    """Which fields were changed; and what they are now, where that is one thing."""
    now = {f: v for f in edited.__struct_fields__ if (v := getattr(edited, f)) is not UNSET}
    one = len(now) == 1 or set(now) == {"starts_on", "ends_on"}
    cleared = all(v is None for v in now.values())
    return " ".join(now), " ".join(str(v or "-") for v in now.values()) if one and not cleared else None
