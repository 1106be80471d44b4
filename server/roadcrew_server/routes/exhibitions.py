"""`/api/exhibitions`: what can be booked, and how many seats are left. Open to all. Not for booking them."""

import datetime as dt
import re
from typing import Literal

from roadcrew_domain.exhibitions import Exhibition
from roadcrew_domain.values import Moment, Value
from roadcrew_server.catalogue import Catalogue, Slot
from roadcrew_server.endpoints import Call, Endpoint
from roadcrew_server.problems import Problem

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Offer(Value, frozen=True):
    """The catalogue. `note` is to be shown with it; `sample` says that it is made up."""

    exhibitions: tuple[Exhibition, ...]
    note: str
    sample: bool


class SlotOffer(Value, frozen=True):
    """A time slot, and whether it can be booked: `past` once it has begun."""

    id: str
    starts_at: Moment
    ends_at: Moment
    capacity: int
    seats_left: int
    state: Literal["open", "past", "sold-out"]


class DayOffer(Value, frozen=True):
    """The time slots of one day, by the venue's clock, first to last; none that are too far ahead. `closed`: it is not
    open on that day."""

    exhibition_id: str
    date: dt.date
    closed: bool
    slots: tuple[SlotOffer, ...]


async def every(call: Call) -> Offer:
    """All exhibitions."""
    await call.server.limits.look_up(call.address)
    catalogue = catalogue_of(call)
    return Offer(exhibitions=catalogue.exhibitions, note=catalogue.note, sample=catalogue.sample)


async def slots(call: Call) -> DayOffer:
    """The time slots of an exhibition on a day."""
    await call.server.limits.look_up(call.address)
    catalogue = catalogue_of(call)
    exhibition = catalogue.find(call.request.path_params["id"])
    if exhibition is None:
        raise Problem(404, "unknown-exhibition", "There is no such exhibition.")
    day = _day(call.query.get("date", ""))
    now = call.server.store.now()
    offered = (slot for slot in catalogue.slots(exhibition, day) if call.server.booking.offers(slot))
    offers = [await _offer(call, slot, now) for slot in offered]
    return DayOffer(exhibition.id, day, not exhibition.open_on(day), tuple(offers))


def catalogue_of(call: Call) -> Catalogue:
    """What this server offers. Raises `Problem` 404 (`no-catalogue`)."""
    if call.server.catalogue is None:
        raise Problem(404, "no-catalogue", "Nothing can be booked at this server.")
    return call.server.catalogue


def _day(text: str) -> dt.date:
    try:
        if _DATE.fullmatch(text):
            return dt.date.fromisoformat(text)
    except ValueError:  # it is not in the calendar
        pass
    raise Problem(422, "invalid", "The date is a day such as 2026-05-21.", field="date")


async def _offer(call: Call, slot: Slot, now: dt.datetime) -> SlotOffer:
    left = await call.server.booking.seats_left(slot)
    state: Literal["open", "past", "sold-out"] = "open"
    if slot.info.starts_at <= now:
        state = "past"
    elif left == 0:
        state = "sold-out"
    return SlotOffer(slot.info.slot_id, slot.info.starts_at, slot.info.ends_at, slot.capacity, left, state)


ENDPOINTS = (
    Endpoint("GET", "/api/exhibitions", every, "open", "What can be booked", answer=Offer, tag="exhibitions"),
    Endpoint(
        "GET",
        "/api/exhibitions/{id}/slots",
        slots,
        "open",
        "The time slots of an exhibition on a day, and the seats that are left",
        answer=DayOffer,
        query={"date": "the day, YYYY-MM-DD, by the venue's clock"},
        tag="exhibitions",
    ),
)
