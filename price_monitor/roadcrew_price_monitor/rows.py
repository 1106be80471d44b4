"""A row of a feed as it stands there, to a hotel that is clean, or the reason why not."""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

from roadcrew_domain import text
from roadcrew_domain.hotels import MAX_CITY, MAX_NAME, MAX_STARS
from roadcrew_domain.jobs_state import ImportedHotel
from roadcrew_price_monitor.amounts import price_of, price_of_number
from roadcrew_price_monitor.cities import city_of, key_of
from roadcrew_price_monitor.refused import BadRow, quoted

LONGEST_STARS = 40
"""Characters that a number of stars may take; what is longer is no such number, and need not be read."""

_STARS = re.compile(r"(?P<number>\d)(?:[.,]0{1,2})?\s*-?\s*(?:\*|★|stars?|sterne?)?", re.IGNORECASE | re.ASCII)
_SIGNS = re.compile(r"[*★]{1,9}[☆]{0,5}")


class Row(NamedTuple):
    """What a feed says of a hotel. `line` is where it begins (of JSON: which element); `number` says that `price` is a
    JSON number rather than words."""

    line: int
    name: str
    city: str
    stars: str
    price: str
    currency: str
    number: bool = False


class Bad(NamedTuple):
    """A row that can't even be read."""

    line: int
    code: str
    detail: str


def hotel_of(row: Row, currency: str | None) -> ImportedHotel:
    """The clean hotel; `currency` is for rows that name none. Raises `BadRow`."""
    name = _checked(row.name, "name", MAX_NAME)
    city = _city(row.city[: text.MAX_UNTIDY * MAX_CITY + 1])
    stars = stars_of(row.stars[: LONGEST_STARS + 1])
    read = price_of_number if row.number else price_of
    return ImportedHotel(row.line, name, city, stars, read(row.price.strip(), row.currency.strip(), currency))


def identity(hotel: ImportedHotel, history: str = "") -> bytes:
    """The same for two rows that mean the same hotel: its name and city, however they are written. Another one in each
    `history`."""
    words = f"{key_of(hotel.name)}\n{_city_key(hotel.city)}\n{history}"
    return blake2b(words.encode(), digest_size=16).digest()


def tidy(words: str) -> str:
    """As `text.cleaned`, which most text does not need."""
    if words.isascii() and words.isprintable():
        return " ".join(words.split())
    return text.cleaned(words)


@lru_cache(maxsize=256)
def stars_of(words: str) -> int:
    """0 (unrated) to 5, of `4`, `4.0`, `4*`, `4 stars`, `****`. Raises `BadRow`."""
    words = words.strip()
    if not words:
        return 0
    found = _STARS.fullmatch(words) if len(words) <= LONGEST_STARS else None
    if found:
        stars = int(found["number"])
    elif _SIGNS.fullmatch(words):
        stars = words.count("*") + words.count("★")
    else:
        stars = MAX_STARS + 1
    if stars > MAX_STARS:
        raise BadRow("bad-stars", f"{quoted(words)} is no whole number of stars from 0 to {MAX_STARS}.")
    return stars


def _checked(words: str, field: str, most: int) -> str:
    found = tidy(words) if len(words) <= text.MAX_UNTIDY * most else words
    if not found:
        raise BadRow(f"no-{field}", f"There is no {field}.")
    if len(found) > most:
        raise BadRow(f"{field}-too-long", f"The {field} has {len(found)} characters; at most {most} are allowed.")
    return found


@lru_cache(maxsize=4096)
def _city(words: str) -> str:
    return _checked(city_of(_checked(words, "city", MAX_CITY)), "city", MAX_CITY)


@lru_cache(maxsize=4096)
def _city_key(city: str) -> str:
    return key_of(city)
