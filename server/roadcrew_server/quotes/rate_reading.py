"""Rate tables as they stand in the settings, checked, or all that is wrong with them. Not for what they come to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from roadcrew_domain.hotels import MAX_CITY, MAX_NAME, MAX_STARS
from roadcrew_domain.quotes_request import MAX_AGE, MIN_AGE
from roadcrew_domain.quotes_state import MAX_GUESTS, MAX_NIGHTS
from roadcrew_server._toml_file import Entry, Faults, is_tables, known
from roadcrew_server._values import (
    WEEKDAYS,
    YEARS,
    Parser,
    Wrong,
    currency,
    day,
    each,
    like,
    like_one,
    once,
    price,
    taken,
    whole,
    words,
    yes_or_no,
)
from roadcrew_server.quotes.rate_tables import (
    Band,
    Class,
    HotelRate,
    Rates,
    Room,
    Season,
    StarsRate,
    VehicleRates,
)
from roadcrew_server.quotes.reading import KEYS

MOST = 1_000
"""Of each sort of table."""
PERCENT = (1, 1000)

_ID = re.compile(r"[a-z0-9-]{1,40}")
_MONTH_DAY = re.compile(r"(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")


def _month_day(value: object) -> str:
    written = like(_MONTH_DAY, value)
    try:
        date.fromisoformat(f"2024-{written}")  # a leap year
    except ValueError:
        raise Wrong(f"{written} is not in the calendar.") from None
    return written


def _small(field: str, limit: int) -> Parser:
    parse = words(field, limit)
    return lambda value: parse(value).casefold()


_A_DAY = "a day of each year as MM-DD, such as 06-15"
_AN_AMOUNT = "an amount such as 12.50, without its currency"
_A_PERCENT = (whole(*PERCENT), f"a whole number from {PERCENT[0]} to {PERCENT[1]}; 100 changes nothing")
_AN_AGE = (whole(MIN_AGE, MAX_AGE), f"a whole number from {MIN_AGE} to {MAX_AGE}")
_STARS = (whole(0, MAX_STARS), f"a whole number from 0 to {MAX_STARS}")
_A_CITY = (_small("city", MAX_CITY), "the city for which it is")

_HEAD: Mapping[str, tuple[Parser, str]] = {
    "currency": (currency, "three capital letters, such as EUR"),
    "sample": (yes_or_no, "true or false"),
    "valid_from": (day, "a day such as 2026-01-01"),
    "valid_to": (day, "a day such as 2026-12-31"),
}
_ROOM: Mapping[str, tuple[Parser, str]] = {
    "price": (lambda value: value, _AN_AMOUNT),
    "per": (like_one(("room", "person")), '"room" or "person"'),
    "sleeps": (whole(1, 20), "how many guests a room has, from 1 to 20"),
    "most_guests": (whole(1, MAX_GUESTS), f"a whole number from 1 to {MAX_GUESTS}"),
}
_HOTEL: Mapping[str, tuple[Parser, str]] = {
    "id": (lambda value: like(_ID, value), "1 to 40 small letters, digits and hyphens"),
    "name": (words("name", MAX_NAME), "the hotel's name"),
    "city": (words("city", MAX_CITY), "the city where it is"),
    "stars": _STARS,
    **_ROOM,
}
_BY_STARS: Mapping[str, tuple[Parser, str]] = {"stars": _STARS, "city": _A_CITY, **_ROOM}
_ROOM_OPTIONAL = {"per": "room", "sleeps": None, "most_guests": MAX_GUESTS}
_SEASON: Mapping[str, tuple[Parser, str]] = {
    "from": (_month_day, _A_DAY),
    "to": (_month_day, _A_DAY),
    "percent": _A_PERCENT,
    "city": _A_CITY,
}
_CLASS: Mapping[str, tuple[Parser, str]] = {
    "name": (words("name", MAX_NAME), "what people call it, such as Compact"),
    "makers": (each(_small("maker", 60), 100), 'the makers in it, such as ["Fiat"], each once'),
    "price": (lambda value: value, _AN_AMOUNT),
}
_BAND: Mapping[str, tuple[Parser, str]] = {"from": _AN_AGE, "to": _AN_AGE, "percent": _A_PERCENT}


def read(table: Entry, faults: Faults) -> Rates:
    """The tables of one provider. What is wrong is among the faults, and the tables are good for nothing then."""
    tables = ("hotel", "stars", "season", "weekdays", "length", "vehicle")
    known(table, (*KEYS, *_HEAD, *tables), faults)
    optional = {"sample": False, "valid_from": date(YEARS[0], 1, 1), "valid_to": date(YEARS[1], 12, 31)}
    head = taken(table, _HEAD, faults, optional=optional)
    money = head["currency"]
    hotels = _tables(table, "hotel", faults)
    once(hotels, "id", "hotel", faults)
    rates = Rates(
        **head,
        hotels=tuple(filter(None, (_hotel(one, money, faults) for one in hotels))),
        stars=tuple(_by_stars(one, money, faults) for one in _tables(table, "stars", faults)),
        seasons=_seasons(table, faults),
        weekdays=_weekdays(table, faults),
        lengths=_lengths(table, "nights", faults),
        vehicle=_vehicle(table, money, faults),
    )
    if not (rates.hotels or rates.stars or rates.vehicle or faults):
        faults.add(table.at, "There are no rates. Write [[provider.hotel]], [[provider.stars]] or [provider.vehicle].")
    return rates


def _tables(table: Entry, key: str, faults: Faults) -> list[Entry]:
    tables = table.get(key, [])
    if not is_tables(tables) or len(tables) > MOST:
        faults.add(table.line(key), f"{key}: Begin each with a line of its own in [[ ]]; there are at most {MOST}.")
        return []
    found: list[Entry] = tables
    return found


def _room(values: dict[str, Any]) -> Room:
    """With `sleeps` as what a price is for: a person, or a room for two unless something else is said."""
    sleeps = 1 if values["per"] == "person" else values["sleeps"] or 2
    return Room(values["price"], sleeps, values["most_guests"])


def _priced(entry: Entry, parsers: Mapping[str, tuple[Parser, str]], money: str | None, faults: Faults) -> Any:
    optional = {**_ROOM_OPTIONAL, "city": None} if parsers is _BY_STARS else _ROOM_OPTIONAL
    known(entry, tuple(parsers), faults)
    if "sleeps" in entry and entry.get("per") == "person":
        faults.add(entry.line("sleeps"), "sleeps: A price per person is for one.")
    return taken(entry, {**parsers, "price": _money(money)}, faults, optional=optional)


def _money(money: str | None, *, least: int = 1) -> tuple[Parser, str]:
    def parsed(value: object) -> int:
        amount = price(value, money)
        if amount < least:
            raise Wrong("0 is no price.")
        return amount

    return parsed, _AN_AMOUNT


def _hotel(entry: Entry, money: str | None, faults: Faults) -> HotelRate | None:
    before = len(faults)
    values = _priced(entry, _HOTEL, money, faults)
    if len(faults) > before:
        return None
    return HotelRate(values["id"], values["name"], values["city"], values["stars"], _room(values))


def _by_stars(entry: Entry, money: str | None, faults: Faults) -> StarsRate:
    values = _priced(entry, _BY_STARS, money, faults)
    return StarsRate(values["stars"], values["city"], _room(values))


def _seasons(table: Entry, faults: Faults) -> tuple[Season, ...]:
    made: list[Season] = []
    for entry in _tables(table, "season", faults):
        known(entry, tuple(_SEASON), faults)
        values = taken(entry, _SEASON, faults, optional={"city": None})
        if None in (values["from"], values["to"], values["percent"]):
            continue
        season = Season(values["from"], values["to"], values["percent"], values["city"])
        if any(one.city == season.city and _overlap(one, season) for one in made):
            faults.add(entry.at, "This season has days of another one.")
        made.append(season)
    return tuple(made)


def _overlap(one: Season, other: Season) -> bool:
    return one.has(other.first) or other.has(one.first)


def _weekdays(table: Entry, faults: Faults) -> dict[int, int]:
    entry = table.get("weekdays", Entry(table.at))
    if not isinstance(entry, Entry):
        faults.add(table.line("weekdays"), "weekdays: Write such as { fri = 110, sat = 125 }.")
        return {}
    known(entry, WEEKDAYS, faults)
    values = taken(entry, dict.fromkeys((name for name in WEEKDAYS if name in entry), _A_PERCENT), faults)
    return {WEEKDAYS.index(name): percent for name, percent in values.items()}


def _lengths(table: Entry, unit: str, faults: Faults) -> tuple[tuple[int, int], ...]:
    least = (whole(1, MAX_NIGHTS + 1), f"a whole number from 1 to {MAX_NIGHTS + 1}")
    parsers = {unit: least, "percent": _A_PERCENT}
    made: dict[int, int] = {}
    for entry in _tables(table, "length", faults):
        known(entry, tuple(parsers), faults)
        values = taken(entry, parsers, faults)
        if values[unit] in made:
            faults.add(entry.line(unit), f"{unit}: {values[unit]} stands there twice.")
        if None not in values.values():
            made[values[unit]] = values["percent"]
    return tuple(made.items())


def _vehicle(table: Entry, money: str | None, faults: Faults) -> VehicleRates | None:
    if "vehicle" not in table:
        return None
    entry = table["vehicle"]
    if not isinstance(entry, Entry):
        faults.add(table.line("vehicle"), "vehicle: Begin it with a line [provider.vehicle].")
        return None
    known(entry, ("extra_driver", "class", "age", "length"), faults)
    values = taken(entry, {"extra_driver": _money(money, least=0)}, faults, optional={"extra_driver": 0})
    classes = _tables(entry, "class", faults)
    if not classes:
        faults.add(entry.at, "There is no class of vehicles. Write [[provider.vehicle.class]] with name and price.")
    return VehicleRates(
        _classes(classes, money, faults), _bands(entry, faults), _lengths(entry, "days", faults), values["extra_driver"]
    )


def _classes(entries: Sequence[Entry], money: str | None, faults: Faults) -> tuple[Class, ...]:
    made: list[Class] = []
    for entry in entries:
        known(entry, tuple(_CLASS), faults)
        values = taken(entry, {**_CLASS, "price": _money(money)}, faults, optional={"makers": ()})
        makers = frozenset(values["makers"] or ())
        twice = makers & {maker for one in made for maker in one.makers}
        if twice or (not makers and any(not one.makers for one in made)):
            faults.add(entry.line("makers"), "makers: Some of these are in another class; all others are in one.")
        made.append(Class(values["name"], makers, values["price"]))
    return tuple(made)


def _bands(table: Entry, faults: Faults) -> tuple[Band, ...]:
    made: list[Band] = []
    for entry in _tables(table, "age", faults):
        known(entry, tuple(_BAND), faults)
        values = taken(entry, _BAND, faults)
        if None in values.values():
            continue
        band = Band(values["from"], values["to"], values["percent"])
        if band.first > band.last or any(one.first <= band.last and band.first <= one.last for one in made):
            faults.add(entry.at, "These ages are none, or some of them are in another table.")
        made.append(band)
    return tuple(made)
