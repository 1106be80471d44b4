"""The forms of a new request: for a stay in hotels of the shortlist, and for a vehicle. What was typed is checked by
the domain's rules before anybody is asked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime

from roadcrew_domain.quotes import checked_request
from roadcrew_domain.quotes_state import MAX_ASKED_HOTELS, MAX_GUESTS, AskedHotel, Driver, QuoteRequest, Stay, Vehicle
from roadcrew_domain.trip import Trip
from roadcrew_tui import dates, when
from roadcrew_tui.screens.form import Field, FormProblem, Values
from roadcrew_tui.screens.quotes_vin import vin_words

_AGES = re.compile(r"\d{1,3}(?:(?:\s*[,;]\s*|\s+and\s+|\s+)\d{1,3})*")


def stay_fields(trip: Trip, today: date, *, first: Sequence[str] = ()) -> list[Field]:
    """For hotels of the trip's shortlist; `first` are those that are chosen to begin with, else as many as may be
    asked for."""
    hotels = sorted(trip.hotels.values(), key=lambda hotel: (hotel.added_at, hotel.id))
    chosen = [h.id for h in hotels if h.id in first] or [h.id for h in hotels][:MAX_ASKED_HOTELS]
    starts, ends = _dates(trip, today)
    return [
        Field(
            "hotelIds",
            "Hotels",
            "Space puts one on or off.",
            "\n".join(chosen),
            kind="checks",
            options=tuple((h.id, f"{h.name}, {h.city}") for h in hotels),
        ),
        Field("checkIn", "First night", value=starts),
        Field("checkOut", "You leave on", "Such as 25 May, Mon or 2027-05-25.", ends),
        Field("guests", "Guests", value=str(min(MAX_GUESTS, len(trip.members)))),
    ]


def vehicle_fields(trip: Trip, today: date) -> list[Field]:
    """For one vehicle."""
    starts, ends = _dates(trip, today)
    return [
        Field(
            "vin",
            "Vehicle identification number (VIN)",
            "17 characters: in its papers, and behind the windscreen.",
            live=lambda text: vin_words(text, today),
        ),
        Field("drivers", "Ages of the drivers", "Such as 34, 41."),
        Field("from", "First day", value=starts),
        Field("to", "Last day", "Such as 25 May, Mon or 2027-05-25.", ends),
    ]


def _dates(trip: Trip, today: date) -> tuple[str, str]:
    """Those of the trip, unless they are over."""
    if trip.starts_on is None or trip.ends_on is None or trip.starts_on < today:
        return "", ""
    return _written(trip.starts_on, today), _written(trip.ends_on, today)


def _written(day: date, today: date) -> str:
    return f"{when.DAYS[day.weekday()]} {when.day(day, today)}"


def stay_of(values: Values, trip: Trip, now: datetime) -> QuoteRequest:
    """What was asked for, checked. Raises `FormProblem`, `Refused`."""
    today = now.astimezone().date()
    ids = values["hotelIds"].split("\n") if values["hotelIds"] else []
    if not ids:
        raise FormProblem("hotelIds", "Choose at least one hotel.")
    if len(ids) > MAX_ASKED_HOTELS:
        raise FormProblem("hotelIds", f"Choose {MAX_ASKED_HOTELS} hotels at most.")
    if any(i not in trip.hotels for i in ids):
        raise FormProblem("hotelIds", "One of these was dropped from the shortlist meanwhile. Ask once more.")
    if not values["guests"].isdecimal():
        raise FormProblem("guests", "How many are you? A number, please.")
    hotels = tuple(AskedHotel(h.id, h.name, h.city, h.stars) for h in (trip.hotels[i] for i in ids))
    stay = Stay(hotels, _day(values, "checkIn", today), _day(values, "checkOut", today), int(values["guests"][:4]))
    return checked_request(stay, now.date())


def vehicle_of(values: Values, now: datetime) -> QuoteRequest:
    """What was asked for, checked. Raises `FormProblem`, `Refused`."""
    today = now.astimezone().date()
    if not _AGES.fullmatch(values["drivers"]):
        raise FormProblem("drivers", "How old are they? Such as 34, 41.")
    drivers = tuple(Driver(int(age)) for age in re.findall(r"\d+", values["drivers"]))
    vehicle = Vehicle(values["vin"], drivers, _day(values, "from", today), _day(values, "to", today))
    return checked_request(vehicle, now.date())


def _day(values: Values, field: str, today: date) -> date:
    try:
        day = dates.parse_day(values[field], today)
    except dates.NotADate as problem:
        raise FormProblem(field, str(problem)) from problem
    if day is None:
        raise FormProblem(field, "Which day? Such as 25 May, Mon or 2027-05-25.")
    return day
