"""From what stands in a catalogue's file to exhibitions, or to everything that is wrong, in sentences.

Whatever is written as a number or a day in TOML is text in CSV, so all of it is read as text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from babel.numbers import get_currency_precision, is_currency

from roadcrew_domain import text
from roadcrew_domain.exhibitions import MAX_CAPACITY, Exhibition, TicketKind
from roadcrew_domain.money import MAX_AMOUNT, Money
from roadcrew_domain.refusals import Refused
from roadcrew_server._catalogue_file import Entry, Faults, Written, shown

MAX_EXHIBITIONS = 500
MAX_KINDS = 20
MAX_TIMES = 96
MAX_CLOSED = 400
MAX_TOLD = 5
"""Faults of one list that are told."""
MAX_TEXT = 120
MAX_DESCRIPTION = 1000
MINUTES = (5, 24 * 60)
YEARS = (2000, 2199)
"""Days that a catalogue may name: far enough from the calendar's ends for every time zone."""
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_ID = re.compile(r"[a-z0-9-]{1,40}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_WHOLE = re.compile(r"[0-9]{1,9}")
_ZONE = re.compile(r"UTC|[A-Za-z]+(/[A-Za-z0-9_+-]+){1,2}")
_PRICE = re.compile(r"([0-9]{1,13})(?:\.([0-9]{1,4}))?")
_TOO_LARGE = 10**15


class _Wrong(Exception):
    """Says in a sentence what is wrong with a value."""


def checked(written: Written, faults: Faults) -> tuple[list[Exhibition], str, bool]:
    """The exhibitions that are right, the note, and whether all of it is a sample. What is wrong is among the
    faults."""
    head = _taken(written.head, {"note": (_words("note", MAX_DESCRIPTION), "")}, faults, optional={"note": ""})
    sample, line = written.head.values.get("sample", (False, 1))
    if not isinstance(sample, bool):
        faults.add(line, "sample: Write true or false.")
    if not written.exhibitions and not faults:
        faults.add(0, "There is no exhibition in it.")
    if len(written.exhibitions) > MAX_EXHIBITIONS:
        faults.add(written.exhibitions[MAX_EXHIBITIONS].line, f"A catalogue has at most {MAX_EXHIBITIONS} exhibitions.")
    entries = written.exhibitions[:MAX_EXHIBITIONS]
    _once(entries, "id", "exhibition", faults)
    made = [_exhibition(entry, faults) for entry in entries]
    return [one for one in made if one is not None], head["note"] or "", sample is True


def _exhibition(entry: Entry, faults: Faults) -> Exhibition | None:
    before = len(faults)
    values = _taken(entry, EXHIBITION, faults, optional={"description": "", "closed_on": ()})
    currency = values.pop("currency")
    values["tickets"] = _tickets(entry, currency, faults)
    if values["starts_on"] and values["ends_on"] and values["starts_on"] > values["ends_on"]:
        faults.add(_line(entry, "ends_on"), f"ends_on: {values['ends_on']} is before {values['starts_on']}, its start.")
    for at in values["times"] or ():
        if values["minutes"] and int(at[:2]) * 60 + int(at[3:]) + values["minutes"] > MINUTES[1]:
            sentence = f"times: The slot at {at} would end after midnight. Begin earlier, or take fewer minutes."
            faults.add(_line(entry, "times"), sentence)
    if len(faults) > before:
        return None
    exhibition = Exhibition(**values)
    days = (exhibition.ends_on - exhibition.starts_on).days + 1
    if not any(exhibition.open_on(exhibition.starts_on + timedelta(days=n)) for n in range(days)):
        faults.add(_line(entry, "weekdays"), "weekdays: It is not open on any day from starts_on to ends_on.")
    return exhibition


def _tickets(entry: Entry, currency: str | None, faults: Faults) -> tuple[TicketKind, ...]:
    if not entry.tickets:
        faults.add(entry.line, "There is no kind of ticket. Write [[exhibition.ticket]] with kind, name and price.")
    if len(entry.tickets) > MAX_KINDS:
        faults.add(entry.tickets[MAX_KINDS].line, f"An exhibition has at most {MAX_KINDS} kinds of tickets.")
    _once(entry.tickets, "kind", "kind of ticket", faults)
    parsers = {**TICKET, "price": (lambda value: _price(value, currency), TICKET["price"][1])}
    made = []
    for ticket in entry.tickets[:MAX_KINDS]:
        values = _taken(ticket, parsers, faults)
        if currency is not None and None not in values.values():
            made.append(TicketKind(values["kind"], values["name"], Money(values["price"], currency)))
    return tuple(made)


def _once(entries: list[Entry], key: str, what: str, faults: Faults) -> None:
    """No two of them may have the same id."""
    seen: dict[Hashable, int] = {}
    for entry in entries:
        value = entry.values.get(key, (None, 0))[0]
        if isinstance(value, str) and seen.setdefault(value, entry.line) != entry.line:
            faults.add(_line(entry, key), f"{key}: {shown(value)} is the {what} of line {seen[value]}. Write another.")


def _line(entry: Entry, key: str) -> int:
    return entry.values[key][1]


Parser = Callable[[object], Any]


def _taken(
    entry: Entry,
    parsers: Mapping[str, tuple[Parser, str]],
    faults: Faults,
    *,
    optional: Mapping[str, object] | None = None,
) -> dict[str, Any]:
    """Each value as it should be; None for one that is wrong, which is among the faults then."""
    taken: dict[str, Any] = {}
    for key, (parse, right) in parsers.items():
        taken[key] = None
        if key in entry.values:
            value, line = entry.values[key]
            try:
                taken[key] = parse(value)
            except _Wrong as wrong:
                faults.add(line, f"{key}: {wrong} Write {right}." if right else f"{key}: {wrong}")
        elif optional is not None and key in optional:
            taken[key] = optional[key]
        else:
            faults.add(entry.line, f"{key} is missing. Write {right}.")
    return taken


def _scalar(value: object) -> str:
    """One value as text. Raises `_Wrong`."""
    match value:
        case str():
            return value.strip()
        case bool():
            raise _Wrong(f"{str(value).lower()} is not right.")
        case int() if abs(value) >= _TOO_LARGE:
            raise _Wrong("The number is too large.")
        case datetime():
            raise _Wrong(f"{value} is not right.")
        case int() | Decimal() | date():
            return str(value)
        case list():
            raise _Wrong("A list is not right.")
    raise _Wrong("That is not right.")


def _like(pattern: re.Pattern[str], value: object) -> str:
    written = _scalar(value)
    if not pattern.fullmatch(written):
        raise _Wrong(f"{shown(written)} is not right.")
    return written


def _each(parse: Callable[[object], Any], most: int, *, least: int = 1) -> Parser:
    """The parser of a list, in TOML as one, in CSV with spaces or commas between. In order, each once."""

    def parsed(value: object) -> tuple[Any, ...]:
        values = value if isinstance(value, list) else _scalar(value).replace(",", " ").split()
        if not least <= len(values) <= most:
            raise _Wrong(f"There are {len(values)}." if values else "The list is empty.")
        made: list[Any] = []
        wrong: list[str] = []
        for one in values:
            try:
                made.append(parse(one))
            except _Wrong as error:
                wrong.append(str(error))
        wrong += [f"{shown(_scalar(values[n]))} stands there twice." for n, one in enumerate(made) if one in made[:n]]
        if wrong:
            raise _Wrong(" ".join(wrong[:MAX_TOLD]))
        return tuple(sorted(made))

    return parsed


def _words(field: str, limit: int) -> Parser:
    def parsed(value: object) -> str:
        try:
            return text.checked(_scalar(value), field=field, limit=limit)
        except Refused as refused:
            raise _Wrong(refused.detail) from None

    return parsed


def _whole(least: int, most: int) -> Parser:
    def parsed(value: object) -> int:
        number = int(_like(_WHOLE, value))
        if not least <= number <= most:
            raise _Wrong(f"{number} is not right.")
        return number

    return parsed


def _day(value: object) -> date:
    written = _like(_DAY, value)
    try:
        day = date.fromisoformat(written)
    except ValueError:
        raise _Wrong(f"{written} is not in the calendar.") from None
    if not YEARS[0] <= day.year <= YEARS[1]:
        raise _Wrong(f"{written} is not right.")
    return day


def _weekday(value: object) -> int:
    written = _scalar(value)
    if written.lower() not in WEEKDAYS:
        raise _Wrong(f"{shown(written)} is not right.")
    return WEEKDAYS.index(written.lower())


def _zone(value: object) -> str:
    written = _like(_ZONE, value)
    try:
        ZoneInfo(written)
    except (ValueError, OSError, KeyError):  # KeyError: there is no such zone
        raise _Wrong(f"{shown(written)} is not known.") from None
    return written


def _currency(value: object) -> str:
    written = _scalar(value)
    if not is_currency(written):
        raise _Wrong(f"{shown(written)} is not known.")
    return written


def _price(value: object, currency: str | None) -> int:
    """In minor units. What an unknown currency's would be, nobody asks."""
    found = _PRICE.fullmatch(_scalar(value))
    if found is None:
        raise _Wrong(f"{shown(_scalar(value))} is not right.")
    digits = 4 if currency is None else get_currency_precision(currency)
    whole, part = found[1], found[2] or ""
    if len(part) > digits:
        raise _Wrong(f"{found[0]} has more decimals than the {digits} of {currency}.")
    amount = int(whole + part.ljust(digits, "0"))
    if amount > MAX_AMOUNT:
        raise _Wrong(f"{found[0]} is too much.")
    return amount


_AN_ID = "1 to 40 small letters, digits and hyphens"
_A_DAY = f"a day from {YEARS[0]} to {YEARS[1]}, such as 2026-05-21"

EXHIBITION: Mapping[str, tuple[Parser, str]] = {
    "id": (lambda value: _like(_ID, value), f"{_AN_ID}, such as azulejo-light"),
    "title": (_words("title", MAX_TEXT), f"a text of up to {MAX_TEXT} characters"),
    "venue": (_words("venue", MAX_TEXT), "the house that shows it"),
    "city": (_words("city", MAX_TEXT), "the city where that is"),
    "description": (_words("description", MAX_DESCRIPTION), f"a text of up to {MAX_DESCRIPTION} characters"),
    "starts_on": (_day, _A_DAY),
    "ends_on": (_day, _A_DAY),
    "weekdays": (_each(_weekday, 7), f"the days on which it is open, out of {' '.join(WEEKDAYS)}, each once"),
    "closed_on": (_each(_day, MAX_CLOSED, least=0), f"up to {MAX_CLOSED} days such as 2026-12-25, each once"),
    "times": (
        _each(lambda value: _like(_TIME, value), MAX_TIMES),
        f"up to {MAX_TIMES} times of the day such as 09:30, each once",
    ),
    "minutes": (_whole(*MINUTES), f"a whole number from {MINUTES[0]} to {MINUTES[1]}"),
    "time_zone": (_zone, "the name of a time zone, such as Europe/Lisbon"),
    "capacity": (_whole(1, MAX_CAPACITY), f"a whole number from 1 to {MAX_CAPACITY}"),
    "currency": (_currency, "three capital letters, such as EUR"),
}
"""How each value of an exhibition is read, and what is right."""

TICKET: Mapping[str, tuple[Parser, str]] = {
    "kind": (lambda value: _like(_ID, value), f"{_AN_ID}, such as adult"),
    "name": (_words("name", MAX_TEXT), "what people call it, such as Adult"),
    "price": (lambda value: value, "an amount such as 12.50, without its currency; 0 if it is free"),
}
"""The same of a kind of ticket; a price's decimals are the currency's."""
