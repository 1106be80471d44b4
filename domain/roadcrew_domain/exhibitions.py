"""Exhibitions as values: what is shown where, on which days, at what times, for what price. Pure.

Not for seats, which are seats.py's, and not for reading a catalogue's file or its time zones, which is the server's.
"""

import re
from datetime import date
from typing import Annotated

import msgspec

from roadcrew_domain.money import Money
from roadcrew_domain.values import Moment, Value

MAX_CAPACITY = 10_000
"""Seats of one time slot."""

Weekday = Annotated[int, msgspec.Meta(ge=0, le=6)]
"""0 is Monday, as `date.weekday` has it."""
ClockTime = Annotated[str, msgspec.Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", max_length=5)]
"""A time of day at the venue, such as `09:30`."""


class TicketKind(Value, frozen=True):
    """One kind of ticket; each takes one seat. `kind` is for programs (`adult`), `name` for people."""

    kind: str
    name: str
    price: Money


class Exhibition(Value, frozen=True):
    """What a catalogue says. It is open on `weekdays` from `starts_on` to `ends_on`, both included, but for the days
    in `closed_on`; a slot of `minutes` with `capacity` seats begins at each of `times`, by the clock of `time_zone`
    (an IANA name)."""

    id: str
    title: str
    venue: str
    city: str
    description: str
    starts_on: date
    ends_on: date
    weekdays: tuple[Weekday, ...]
    closed_on: tuple[date, ...]
    times: tuple[ClockTime, ...]
    minutes: int
    time_zone: str
    capacity: int
    tickets: tuple[TicketKind, ...]

    def open_on(self, day: date) -> bool:
        """Whether there are slots on that day."""
        return self.starts_on <= day <= self.ends_on and day.weekday() in self.weekdays and day not in self.closed_on


class SlotInfo(Value, frozen=True):
    """A time slot as a cart and a receipt remember it, whatever the catalogue says later."""

    slot_id: str
    exhibition_id: str
    title: str
    venue: str
    city: str
    starts_at: Moment
    ends_at: Moment
    time_zone: str


_SLOT_ID = re.compile(r"([a-z0-9-]{1,40})\.([0-9]{8})\.([0-9]{2})([0-9]{2})")


def slot_id(exhibition_id: str, day: date, time: str) -> str:
    """The id of a slot: `EXHIBITION.20260521.0930`."""
    return f"{exhibition_id}.{day:%Y%m%d}.{time.replace(':', '')}"


def in_slot_id(text: str) -> tuple[str, date, str] | None:
    """The exhibition, the day and the time that a slot's id is made of; None for any text that is no such id."""
    found = _SLOT_ID.fullmatch(text)
    if found is None:
        return None
    try:
        return found[1], date.fromisoformat(found[2]), f"{found[3]}:{found[4]}"
    except ValueError:  # it is not in the calendar
        return None
