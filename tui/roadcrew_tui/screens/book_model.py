"""What the tab of bookings says of what can be booked: days, time slots, tickets and what they cost. Pure.

What is in a cart, and what was ordered, is book_cart_model.py's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Literal

from roadcrew_domain.cart import MAX_SEATS
from roadcrew_domain.exhibitions import Exhibition, SlotInfo
from roadcrew_domain.money import Money
from roadcrew_domain.prices import discount_on
from roadcrew_domain.trip import Trip
from roadcrew_tui import when

if TYPE_CHECKING:
    from roadcrew_client import OfferedSlot, SlotList
    from roadcrew_domain.seats_views import SlotCount

NEAR = timedelta(days=300)
"""So far away, a weekday and a date need no year."""
SEARCHED = 800
"""Days in which a first open one is looked for."""


# --- days ----------------------------------------------------------------------------------------


def slot_words(slot: SlotInfo, now: datetime) -> str:
    """`Thu 21 May 09:30`, by the venue's clock."""
    starts = when.at_venue(slot.starts_at, slot.time_zone)
    return f"{day_words(starts.date(), when.at_venue(now, slot.time_zone).date())} {when.shown_time(starts)}"


def day_words(day: date, today: date) -> str:
    """`Thu 21 May`, with the year when it is far away."""
    near = abs(day - today) < NEAR
    return f"{when.DAYS[day.weekday()]} {when.day(day, day if near else today)}"


def is_elsewhere(exhibition: Exhibition, moment: datetime) -> bool:
    """Whether the venue's clock shows another time than the reader's."""
    return when.at_venue(moment, exhibition.time_zone).utcoffset() != moment.astimezone().utcoffset()


def bookable(exhibition: Exhibition, now: datetime) -> tuple[date, date] | None:
    """The first and the last day that may be looked at; None when it is over. A day whose times have all begun is
    over."""
    here = when.at_venue(now, exhibition.time_zone)
    today = here.date()
    if max(exhibition.times, default="") <= f"{here:%H:%M}" and today < date.max:
        today += timedelta(days=1)
    first = max(exhibition.starts_on, today)
    return (first, exhibition.ends_on) if first <= exhibition.ends_on else None


def first_day(exhibition: Exhibition, trip: Trip, now: datetime) -> date | None:
    """Where one begins to look: the first open day of the trip, or else from today on. None when it is over."""
    span = bookable(exhibition, now)
    if span is None:
        return None
    starts, ends = trip.starts_on or trip.ends_on, trip.ends_on or trip.starts_on
    during = None
    if starts is not None and ends is not None:
        during = _first_open(exhibition, max(starts, span[0]), min(ends, span[1]))
    return during or _first_open(exhibition, *span) or span[0]


def _first_open(exhibition: Exhibition, first: date, last: date) -> date | None:
    for n in range(min((last - first).days + 1, SEARCHED)):
        if exhibition.open_on(first + timedelta(days=n)):
            return first + timedelta(days=n)
    return None


def sold_out(slots: SlotList, counts: Mapping[str, SlotCount]) -> bool:
    """Whether nothing is left on a day that was looked at."""
    return bool(slots.slots) and all(left_of(slot, counts) == 0 for slot in slots.slots if slot.state != "past")


# --- slots ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SlotRow:
    """`left` of `capacity` seats; `words` say the same."""

    id: str
    time: str
    left: int
    capacity: int
    words: str
    state: Literal["open", "few", "none", "ended"]


def left_of(slot: OfferedSlot, counts: Mapping[str, SlotCount]) -> int:
    """Seats that are left: as it is known by now."""
    count = counts.get(slot.id)
    return slot.seats_left if count is None else count.left


def slot_rows(slots: SlotList, counts: Mapping[str, SlotCount], zone: str, now: datetime) -> list[SlotRow]:
    """The slots of a day, first to last."""
    return [_slot_row(slot, left_of(slot, counts), zone, now) for slot in slots.slots]


def _slot_row(slot: OfferedSlot, left: int, zone: str, now: datetime) -> SlotRow:
    time = when.shown_time(when.at_venue(slot.starts_at, zone))
    if now >= slot.starts_at:
        return SlotRow(slot.id, time, 0, slot.capacity, "ended" if now >= slot.ends_at else "begun", "ended")
    if left == 0:
        return SlotRow(slot.id, time, 0, slot.capacity, "none", "none")
    few = left * 5 <= slot.capacity
    return SlotRow(slot.id, time, left, slot.capacity, f"{left} left", "few" if few else "open")


# --- tickets -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TicketRow:
    """`amount` for all of this kind."""

    kind: str
    name: str
    price: Money
    count: int
    amount: Money


@dataclass(frozen=True)
class Total:
    """What a choice costs, in minor units of `currency`: `amount` less `discount`. `percent` is what the trip gives off
    now; `missing` people more and it would give `promised`."""

    seats: int
    amount: int
    percent: int
    discount: int
    currency: str
    missing: int = 0
    promised: int = 0

    def money(self, amount: int) -> Money:
        """An amount of it."""
        return Money(amount, self.currency)


def ticket_rows(exhibition: Exhibition, counts: Mapping[str, int]) -> list[TicketRow]:
    """A row for each kind of ticket."""
    return [
        TicketRow(k.kind, k.name, k.price, n, Money(k.price.amount * n, k.price.currency))
        for k in exhibition.tickets
        for n in (counts.get(k.kind, 0),)
    ]


def total(exhibition: Exhibition, counts: Mapping[str, int], trip: Trip) -> Total:
    """What the choice costs with the trip's discount, rounded as the domain does for a line."""
    rows = ticket_rows(exhibition, counts)
    amount = sum(row.amount.amount for row in rows)
    percent = off(trip)
    missing = 0 if percent else max(0, trip.required_members - len(trip.members))
    currency = rows[0].price.currency if rows else "EUR"
    seats = sum(row.count for row in rows)
    return Total(seats, amount, percent, discount_on(amount, percent), currency, missing, trip.discount_percent)


def off(trip: Trip) -> int:
    """What the trip gives off now, in per cent."""
    return trip.discount_percent if trip.discount_unlocked else 0


def stepped(counts: Mapping[str, int], kind: str, by: int, left: int | None) -> dict[str, int]:
    """The counts with one more or fewer of a kind, within what one booking may have and what seats are left."""
    most = MAX_SEATS if left is None else min(MAX_SEATS, left)
    others = sum(n for k, n in counts.items() if k != kind)
    return {**counts, kind: max(0, min(counts.get(kind, 0) + by, most - others))}


def chosen(exhibition: Exhibition, counts: Mapping[str, int]) -> dict[str, int]:
    """What was chosen of the kinds that there are."""
    return {k.kind: counts[k.kind] for k in exhibition.tickets if counts.get(k.kind, 0) > 0}
