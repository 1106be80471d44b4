"""How one value of a file that an operator writes is read, and said to be wrong: days, prices, lists of such.

A parser takes what stands there and gives what is meant, or raises `Wrong`. Not for what a file is about.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from babel.numbers import get_currency_precision, is_currency

from roadcrew_domain import text
from roadcrew_domain.money import MAX_AMOUNT
from roadcrew_domain.refusals import Refused
from roadcrew_server._toml_file import Entry, Faults, shown

MAX_TOLD = 5
"""Faults of one list that are told."""
YEARS = (2000, 2199)
"""Days that a file may name: far enough from the calendar's ends for every time zone."""
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WHOLE = re.compile(r"[0-9]{1,9}")
_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_ZONE = re.compile(r"UTC|[A-Za-z]+(/[A-Za-z0-9_+-]+){1,2}")
_PRICE = re.compile(r"([0-9]{1,13})(?:\.([0-9]{1,4}))?")
_TOO_LARGE = 10**15


class Wrong(Exception):
    """Says in a sentence what is wrong with a value."""


Parser = Callable[[object], Any]
"""Raises `Wrong`."""


def once(entries: Sequence[Entry], key: str, what: str, faults: Faults) -> None:
    """No two of them may have the same id."""
    seen: dict[Hashable, int] = {}
    for entry in entries:
        value = entry.get(key)
        if isinstance(value, str) and seen.setdefault(value, entry.at) != entry.at:
            faults.add(entry.line(key), f"{key}: {shown(value)} is the {what} of line {seen[value]}. Write another.")


def taken(
    entry: Entry,
    parsers: Mapping[str, tuple[Parser, str]],
    faults: Faults,
    *,
    optional: Mapping[str, object] | None = None,
) -> dict[str, Any]:
    """Each value as it should be; None for one that is wrong, which is among the faults then."""
    values: dict[str, Any] = {}
    for key, (parse, right) in parsers.items():
        values[key] = None
        if key in entry:
            try:
                values[key] = parse(entry[key])
            except Wrong as wrong:
                faults.add(entry.line(key), f"{key}: {wrong} Write {right}." if right else f"{key}: {wrong}")
        elif optional is not None and key in optional:
            values[key] = optional[key]
        else:
            faults.add(entry.at, f"{key} is missing. Write {right}.")
    return values


def scalar(value: object) -> str:
    """One value as text. Raises `Wrong`."""
    match value:
        case str():
            return value.strip()
        case bool():
            raise Wrong(f"{str(value).lower()} is not right.")
        case int() if abs(value) >= _TOO_LARGE:
            raise Wrong("The number is too large.")
        case datetime():
            raise Wrong(f"{value} is not right.")
        case int() | Decimal() | date():
            return str(value)
        case list():
            raise Wrong("A list is not right.")
    raise Wrong("That is not right.")


def like(pattern: re.Pattern[str], value: object) -> str:
    """One value as text, if it is like that."""
    written = scalar(value)
    if not pattern.fullmatch(written):
        raise Wrong(f"{shown(written)} is not right.")
    return written


def like_one(names: Collection[str]) -> Parser:
    """The parser of one of these words."""

    def parsed(value: object) -> str:
        written = scalar(value)
        if written not in names:
            raise Wrong(f"{shown(written)} is not right.")
        return written

    return parsed


def each(parse: Callable[[object], Any], most: int, *, least: int = 1) -> Parser:
    """The parser of a list, in TOML as one, in CSV with spaces or commas between. In order, each once."""

    def parsed(value: object) -> tuple[Any, ...]:
        values = value if isinstance(value, list) else scalar(value).replace(",", " ").split()
        if not least <= len(values) <= most:
            raise Wrong(f"There are {len(values)}." if values else "The list is empty.")
        made: list[Any] = []
        wrong: list[str] = []
        for one in values:
            try:
                made.append(parse(one))
            except Wrong as error:
                wrong.append(str(error))
        wrong += [f"{shown(scalar(values[n]))} stands there twice." for n, one in enumerate(made) if one in made[:n]]
        if wrong:
            raise Wrong(" ".join(wrong[:MAX_TOLD]))
        return tuple(sorted(made))

    return parsed


def words(field: str, limit: int) -> Parser:
    """The parser of a text of up to `limit` characters."""

    def parsed(value: object) -> str:
        try:
            return text.checked(scalar(value), field=field, limit=limit)
        except Refused as refused:
            raise Wrong(refused.detail) from None

    return parsed


def whole(least: int, most: int) -> Parser:
    """The parser of a whole number."""

    def parsed(value: object) -> int:
        number = int(like(_WHOLE, value))
        if not least <= number <= most:
            raise Wrong(f"{number} is not right.")
        return number

    return parsed


def number(least: float, most: float) -> Parser:
    """The parser of a number that need not be whole, such as seconds."""

    def parsed(value: object) -> float:
        written = float(like(_NUMBER, value))
        if not least <= written <= most:
            raise Wrong(f"{written:g} is not right.")
        return written

    return parsed


def yes_or_no(value: object) -> bool:
    """What is true or false."""
    if not isinstance(value, bool):
        raise Wrong("That is not right.")
    return value


def day(value: object) -> date:
    """A day, such as 2026-05-21."""
    written = like(_DAY, value)
    try:
        named = date.fromisoformat(written)
    except ValueError:
        raise Wrong(f"{written} is not in the calendar.") from None
    if not YEARS[0] <= named.year <= YEARS[1]:
        raise Wrong(f"{written} is not right.")
    return named


def weekday(value: object) -> int:
    """A day of the week, Monday is 0."""
    written = scalar(value)
    if written.lower() not in WEEKDAYS:
        raise Wrong(f"{shown(written)} is not right.")
    return WEEKDAYS.index(written.lower())


def zone(value: object) -> str:
    """The name of a time zone."""
    written = like(_ZONE, value)
    try:
        ZoneInfo(written)
    except (ValueError, OSError, KeyError):  # KeyError: there is no such zone
        raise Wrong(f"{shown(written)} is not known.") from None
    return written


def currency(value: object) -> str:
    """An ISO 4217 code."""
    written = scalar(value)
    if not is_currency(written):
        raise Wrong(f"{shown(written)} is not known.")
    return written


def price(value: object, currency: str | None) -> int:
    """In minor units. What an unknown currency's would be, nobody asks."""
    found = _PRICE.fullmatch(scalar(value))
    if found is None:
        raise Wrong(f"{shown(scalar(value))} is not right.")
    digits = 4 if currency is None else get_currency_precision(currency)
    main, part = found[1], found[2] or ""
    if len(part) > digits:
        raise Wrong(f"{found[0]} has more decimals than the {digits} of {currency}.")
    amount = int(main + part.ljust(digits, "0"))
    if amount > MAX_AMOUNT:
        raise Wrong(f"{found[0]} is too much.")
    return amount
