"""What the columns of a feed, and the keys of its JSON, may be called."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from roadcrew_price_monitor.amounts import known_currency
from roadcrew_price_monitor.cities import key_of
from roadcrew_price_monitor.reading import Columns
from roadcrew_price_monitor.refused import BadFeed, quoted

NEEDED = ("name", "city", "price")

NAMES: Mapping[str, tuple[str, ...]] = {
    "name": ("name", "hotel", "hotel name", "hotelname", "property", "property name", "title"),
    "city": ("city", "town", "city name", "location", "place", "destination"),
    "stars": ("stars", "star", "star rating", "hotel stars", "category", "class"),
    "price": (
        *("price per night", "pricepernight", "price night", "nightly price", "price", "nightly rate", "rate"),
        *("room rate", "amount"),
    ),
    "currency": ("currency", "currency code", "currencycode", "price currency", "ccy"),
}
"""For each field its names, in any case and with any punctuation. Where a feed has several, the first here is it."""

_RANKS = {name: (field, rank) for field, names in NAMES.items() for rank, name in enumerate(names)}
_WITH_CURRENCY = re.compile(r"(?P<name>.+) (?P<code>[a-z]{3})")

LONGEST = 60
"""Characters that a column's name may have to be looked at."""


@lru_cache(maxsize=512)
def meaning_of(name: str) -> tuple[str, int, str | None] | None:
    """The field that a column is, how good a name for it that is (0 best), and the currency in it: `Price (EUR)`."""
    key = key_of(name)
    if key in _RANKS:
        return *_RANKS[key], None
    found = _WITH_CURRENCY.fullmatch(key)
    if found and _RANKS.get(found["name"], ("", 0))[0] == "price" and known_currency(found["code"].upper()):
        return *_RANKS[found["name"]], found["code"].upper()
    return None


def columns_of(head: Sequence[str]) -> tuple[Columns, str | None]:
    """Which column each field is in, and the currency that the price's column names. Raises `BadFeed`: a needed
    one is missing, or two have the same name."""
    best: dict[str, tuple[int, int, str | None]] = {}
    for index, name in enumerate(head):
        meaning = meaning_of(name) if len(name) <= LONGEST else None
        if meaning is None:
            continue
        field, rank, currency = meaning
        if field in best and best[field][0] == rank:
            raise BadFeed(f"Two columns are both called {quoted(name)}.")
        if field not in best or rank < best[field][0]:
            best[field] = (rank, index, currency)
    missing = [field for field in NEEDED if field not in best]
    if missing:
        raise BadFeed(f"The first line has to name the columns; there is none for {' and '.join(missing)}.")
    stars, named = (best[field][1] if field in best else None for field in ("stars", "currency"))
    return (best["name"][1], best["city"][1], stars, best["price"][1], named), best["price"][2]
